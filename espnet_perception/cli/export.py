# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Write a model as ONNX, TorchScript or OpenVINO file or TensorRT engine, with its card."""

import argparse
import os
from typing import Any, List, Tuple

from espnet_perception.cli.build_engine import add_again, build_and_tell
from espnet_perception.cli.sizes import parse_size
from espnet_perception.errors import PerceptionError, SettingsError
from espnet_perception.export.quantise import LEAST_AGREEMENT
from espnet_perception.settings import SegmentationNodeSettings, SegmenterSettings

DESCRIPTION = """\
Write a model as one file for another runtime: batch normalisation folded, sizes constant, the card
(classes, preprocessing, licence) inside. Without --labels the graph takes normalised planes
(N, 3, H, W) and gives class scores; with --labels it takes camera pixels (N, H, W, 3) and gives
class ids, and the file itself is a model:

    espnet-perception export espnetv2_s0.5_synthetic --labels --confidence --for-tensorrt
    ros2 launch espnet_perception segmentation.launch.py model:=$PWD/FILE.onnx engine:=tensorrt

--format tensorrt writes the ONNX file of that form and, beside it, the engine of this machine, as
build-engine builds it; the node finds it there.

For CPUs a model can be quantised to int8 (--format openvino or onnx; --labels is understood). The
labels that change are counted on frames that were not calibrated on, and written into the card:

    espnet-perception export MODEL --format openvino --precision int8 --confidence --frames BAG"""
INT8 = 'int8'
INT8_FRAMES = 100
TENSORRT = 'tensorrt'
FORMATS = ('onnx', 'torchscript', 'openvino', TENSORRT)
PRECISIONS = ('fp32', 'fp16', INT8)


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
                        help='of the computation; that of a TensorRT engine is its own, its ONNX '
                             'file stays fp32; int8 needs --frames (%(default)s)')
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
    parser.add_argument('--device', default=SegmenterSettings().device,
                        help='of a TensorRT engine: auto, cuda or cuda:N (%(default)s)')
    add_again(parser)
    parser.add_argument('--output', metavar='FILE', help='(default: named after the model, here)')
    parser.add_argument('--force', action='store_true', help='replace a file that is there')
    _add_int8(parser)


def _add_int8(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('int8')
    group.add_argument('--frames', metavar='FOLDER_OR_BAG',
                       help='images to calibrate on: a folder, or a bag with one topic of images')
    group.add_argument('--frame-count', type=int, default=INT8_FRAMES, metavar='N',
                       help='calibrate on so many, evenly spread (%(default)s)')
    group.add_argument('--check-frames', metavar='FOLDER_OR_BAG',
                       help='images on which the labels are compared with those of fp32 (every '
                            'fifth of --frames, which is then not calibrated on)')
    group.add_argument('--least-agreement', type=float, default=LEAST_AGREEMENT, metavar='SHARE',
                       help='refuse a file with fewer labels as in fp32 (%(default)s)')
    group.add_argument('--dataset', metavar='NAME',
                       help='measure the loss of accuracy on a data set as well, as evaluate does')
    group.add_argument('--folder', default='', metavar='F', help='where that data set lies')
    group.add_argument('--split', default='test', help='part of it (%(default)s)')
    group.add_argument('--images', type=int, default=0, metavar='N',
                       help='at most so many images of it, the first ones')
    group.add_argument('--option', action='append', default=[], metavar='KEY=VALUE',
                       help='of the data set; repeatable')


def run(chosen: argparse.Namespace) -> int:
    """
    Export and tell whether TensorRT 8.2 takes the graph.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: model, size, output or a library cannot be used.
    """
    _check(chosen)
    size = parse_size(chosen.size) if chosen.size else None
    if chosen.format == TENSORRT:
        from espnet_perception.engines import choose_engine
        choose_engine(TENSORRT)
    from espnet_perception.pipeline.models import find_model
    model = find_model(chosen.model)
    path = _write(chosen, model, size or (model.card.input_width, model.card.input_height))
    if chosen.format == TENSORRT:
        _build(chosen, path)
    elif chosen.format == 'onnx' and chosen.precision != INT8:
        print('\n'.join(_verdict(path)))
    return 0


def _check(chosen: argparse.Namespace) -> None:
    """Refuse what does not go together; --format tensorrt brings its form of the graph."""
    if chosen.format == TENSORRT:
        chosen.labels = chosen.for_tensorrt = True
        if chosen.batch != 1:
            raise SettingsError('an engine of this package takes one image at once, got --batch {}'
                                .format(chosen.batch))
    elif chosen.again:
        raise SettingsError('--again is for --format tensorrt')
    elif (chosen.frames or chosen.dataset) and chosen.precision != INT8:
        raise SettingsError('--frames is for --precision int8 and for --format tensorrt, '
                            '--dataset for --precision int8')
    chosen.labels = chosen.labels or chosen.precision == INT8
    if (chosen.confidence or chosen.for_tensorrt) and not chosen.labels:
        raise SettingsError('--confidence and --for-tensorrt change the graph that --labels '
                            'makes; give --labels as well')


def _write(chosen: argparse.Namespace, model: Any, size: Tuple[int, int]) -> str:
    """Write the graph and return its path."""
    try:
        from espnet_perception.export import formats
    except ImportError as error:
        raise PerceptionError('an export needs the package torch (pip install torch): {}'.format(
            error))
    from espnet_perception.export.metadata import GraphFacts, PIXELS, PLANES
    product, kind, precision = 'logits', chosen.format, chosen.precision
    if chosen.labels and model.card.task == 'segmentation':
        product = 'labels+confidence' if chosen.confidence else 'labels'
    if kind == TENSORRT:
        kind, precision = 'onnx', PRECISIONS[0]
    facts = GraphFacts(size[::-1], chosen.batch, PIXELS if chosen.labels else PLANES,
                       product, not chosen.for_tensorrt, precision)
    path = chosen.output or _name(chosen, model.card.name, size, formats.FORMATS[kind].suffix)
    if precision == INT8:
        from espnet_perception.cli.export_int8 import export_int8
        export_int8(chosen, model, facts, path)
        return path
    for one in formats.write_model(model.network(), model.card, facts, (kind, path),
                                   chosen.force):
        print('{} ({:.1f} MB)'.format(one, os.path.getsize(one) / 1e6))
    return path


def _build(chosen: argparse.Namespace, path: str) -> None:
    """Build the engine beside a graph."""
    from espnet_perception.engines import EngineOptions
    from espnet_perception.pipeline.models import find_model
    model = find_model(path)
    options = EngineOptions(model.graph.size[1], model.graph.size[0], model.graph.product,
                            device=chosen.device, input_type=model.card.input_type,
                            precision=chosen.precision)
    chosen.cache_dir = os.path.dirname(os.path.abspath(path))
    build_and_tell(model, options, chosen)


def _name(chosen: argparse.Namespace, model: str, size: Tuple[int, int], suffix: str) -> str:
    parts = [model, '{}x{}'.format(*size)]
    if chosen.batch > 1:
        parts.append('b{}'.format(chosen.batch))
    parts += [word for word, asked in (('labels', chosen.labels),
                                       ('confidence', chosen.confidence),
                                       ('tensorrt', chosen.for_tensorrt)) if asked]
    if chosen.precision != PRECISIONS[0] and chosen.format != TENSORRT:
        parts.append(chosen.precision)
    return '_'.join(parts) + suffix


def _verdict(path: str) -> List[str]:
    """Return the lines on TensorRT 8.2 and the graph."""
    from espnet_perception.export.trt_operators import misfits
    import onnx
    found = misfits(onnx.load(path))
    if not found:
        return ['TensorRT 8.2: every operator, type and attribute is on the list of its parser']
    return ['TensorRT 8.2 does not take this graph:'] + ['  ' + sentence for sentence in found]
