# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Write a model as ONNX, TorchScript or OpenVINO file, with its card inside."""

import argparse
import os
from typing import List

from espnet_perception.cli.sizes import parse_size
from espnet_perception.errors import PerceptionError, SettingsError
from espnet_perception.settings import SegmentationNodeSettings

DESCRIPTION = """\
Write a model as one file for another runtime: batch normalisation folded, sizes constant, the card
(classes, preprocessing, licence) inside. Without --labels the graph takes normalised planes
(N, 3, H, W) and gives class scores; with --labels it takes camera pixels (N, H, W, 3) and gives
class ids, and the file itself is a model:

    espnet-perception export espnetv2_s0.5_synthetic --labels --confidence --for-tensorrt
    ros2 launch espnet_perception segmentation.launch.py model:=$PWD/FILE.onnx engine:=tensorrt"""
FORMATS = ('onnx', 'torchscript', 'openvino')
PRECISIONS = ('fp32', 'fp16')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('model', nargs='?', default=SegmentationNodeSettings().model,
                        help='model: its name (shipped, fetched or imported), folder or .pth file '
                             '(%(default)s)')
    parser.add_argument('--format', default=FORMATS[0], choices=FORMATS, help='(%(default)s)')
    parser.add_argument('--precision', default=PRECISIONS[0], choices=PRECISIONS,
                        help='of the computation; TensorRT takes fp32 files and chooses its own '
                             '(%(default)s)')
    parser.add_argument('--size', metavar='WxH', help="of the input (default: the model's own)")
    parser.add_argument('--batch', type=int, default=1, metavar='N',
                        help='images at once (%(default)s)')
    parser.add_argument('--labels', action='store_true',
                        help='normalisation and arg-max inside: pixels in, labels out (class '
                             'scores of a classifier)')
    parser.add_argument('--confidence', action='store_true',
                        help='with --labels: also the confidence of every pixel, which the node '
                             'publishes by default')
    parser.add_argument('--for-tensorrt', action='store_true',
                        help='with --labels: float32 pixels and int32 labels, because TensorRT '
                             '8.2 knows no uint8')
    parser.add_argument('--output', metavar='FILE', help='(default: named after the model, here)')
    parser.add_argument('--force', action='store_true', help='replace a file that is there')


def run(chosen: argparse.Namespace) -> int:
    """
    Export and tell whether TensorRT 8.2 takes the graph.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: model, size, output or a library cannot be used.
    """
    if (chosen.confidence or chosen.for_tensorrt) and not chosen.labels:
        raise SettingsError('--confidence and --for-tensorrt change the graph that --labels '
                            'makes; give --labels as well')
    size = parse_size(chosen.size) if chosen.size else None
    from espnet_perception.pipeline.models import find_model
    model = find_model(chosen.model)
    width, height = size or (model.card.input_width, model.card.input_height)
    try:
        from espnet_perception.export import formats
    except ImportError as error:
        raise PerceptionError('an export needs the package torch (pip install torch): {}'.format(
            error))
    from espnet_perception.export.metadata import GraphFacts, PIXELS, PLANES
    product = 'logits'
    if chosen.labels and model.card.task == 'segmentation':
        product = 'labels+confidence' if chosen.confidence else 'labels'
    facts = GraphFacts((height, width), chosen.batch, PIXELS if chosen.labels else PLANES,
                       product, not chosen.for_tensorrt, chosen.precision)
    path = chosen.output or _name(chosen, model.card.name, (width, height))
    written = formats.write_model(model.network(), model.card, facts, (chosen.format, path),
                                  chosen.force)
    for one in written:
        print('{} ({:.1f} MB)'.format(one, os.path.getsize(one) / 1e6))
    if chosen.format == 'onnx':
        print('\n'.join(_verdict(path)))
    return 0


def _name(chosen: argparse.Namespace, model: str, size: tuple) -> str:
    from espnet_perception.export.formats import FORMATS as ROWS
    parts = [model, '{}x{}'.format(*size)]
    if chosen.batch > 1:
        parts.append('b{}'.format(chosen.batch))
    parts += [word for word, asked in (('labels', chosen.labels),
                                       ('confidence', chosen.confidence),
                                       ('tensorrt', chosen.for_tensorrt)) if asked]
    if chosen.precision != PRECISIONS[0]:
        parts.append(chosen.precision)
    return '_'.join(parts) + ROWS[chosen.format].suffix


def _verdict(path: str) -> List[str]:
    """Return the lines on TensorRT 8.2 and the graph."""
    from espnet_perception.export.trt_operators import misfits
    import onnx
    found = misfits(onnx.load(path))
    if not found:
        return ['TensorRT 8.2: every operator, type and attribute is on the list of its parser']
    return ['TensorRT 8.2 does not take this graph:'] + ['  ' + sentence for sentence in found]
