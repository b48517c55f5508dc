# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Build the TensorRT engine of a model on this machine, before a node needs it."""

import argparse
from contextlib import contextmanager
import sys
from typing import Any, Iterator, Optional

from espnet_perception.cli.sizes import parse_size
from espnet_perception.settings import SegmentationNodeSettings, SegmenterSettings

DESCRIPTION = """\
Build what TensorRT runs, and keep it: an engine runs only on the kind of GPU and with the version
of TensorRT that built it, and a small Jetson builds for minutes. A node that starts later finds
it.

    espnet-perception build-engine FILE.onnx --precision fp16 --frames street_images/

With --frames the labels are compared with those of fp32. Where too many differ the layers that
suffer most are kept in fp32; an engine that still differs is refused, which a node that starts
later respects. --precision int8 needs frames, to calibrate on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    settings = SegmenterSettings()
    parser.add_argument('model', nargs='?', default=SegmentationNodeSettings().model,
                        help='model: an .onnx file that was exported with --labels '
                             '--for-tensorrt (needs no PyTorch), or any other model (%(default)s)')
    parser.add_argument('--precision', default='fp16', choices=('fp32', 'fp16', 'int8'),
                        help='(%(default)s)')
    parser.add_argument('--size', metavar='WxH', help="of the input (default: the model's own)")
    parser.add_argument('--no-confidence', action='store_true',
                        help='labels alone, for a node with publish_confidence:=false')
    parser.add_argument('--device', default=settings.device,
                        help='auto, cuda or cuda:N (%(default)s)')
    parser.add_argument('--cache-dir', default=settings.cache_dir, metavar='FOLDER',
                        help='as the parameter cache_dir of the node')
    parser.add_argument('--frames', metavar='FOLDER_OR_BAG',
                        help='images on which to compare the labels with those of fp32, and to '
                             'calibrate int8')
    add_again(parser)


def add_again(parser: argparse.ArgumentParser) -> None:
    """
    Declare how to have an engine built although there is one.

    :param parser: a parser.
    """
    parser.add_argument('--again', action='store_true',
                        help='build it even if there is one, or if it was refused before')


def run(chosen: argparse.Namespace) -> int:
    """
    Build, and compare where frames are given.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: no TensorRT, no GPU, or one of them refuses; too little agreement.
    """
    from espnet_perception.engines import choose_engine, EngineOptions
    from espnet_perception.pipeline.models import find_model
    choose_engine('tensorrt')
    model = find_model(chosen.model)
    card = model.card
    width, height = parse_size(chosen.size) if chosen.size else (card.input_width,
                                                                 card.input_height)
    product = 'logits'
    if card.task == 'segmentation':
        product = 'labels' if chosen.no_confidence else 'labels+confidence'
    options = EngineOptions(width, height, product, device=chosen.device,
                            input_type=card.input_type, precision=chosen.precision)
    build_and_tell(model, options, chosen)
    return 0


def build_and_tell(model: Any, options: Any, chosen: argparse.Namespace) -> None:
    """
    Build an engine and print where it is and how good.

    :param model: a pipeline.models.Model.
    :param options: EngineOptions.
    :param chosen: the arguments frames, cache_dir and again.
    :raises PerceptionError: as run.
    """
    from espnet_perception.cli.frames import read_frames
    from espnet_perception.engines.plan_file import read_header
    from espnet_perception.pipeline.plan_building import build_ahead, sentence, Wish
    images = read_frames(chosen.frames, model.card, (options.height, options.width)) \
        if chosen.frames else []
    with _bar() as listener:
        path = build_ahead(Wish(model, options, chosen.cache_dir, images, chosen.again), listener)
    header = read_header(path)
    print('{} ({:.1f} MB), built in {:.0f} s by TensorRT {} for {}'.format(
        path, header['bytes'] / 1e6, header['build_s'], header['tensorrt'], header['gpu']))
    if header.get('kept_in_fp32'):
        print('{} layers are kept in fp32'.format(len(header['kept_in_fp32'])))
    if 'agreement' in header:
        print(sentence(header['agreement']))


@contextmanager
def _bar() -> Iterator[Any]:
    """Show how long a build takes, on stderr, where that is a terminal."""
    from espnet_perception.engines import BuildListener
    from tqdm import tqdm
    with tqdm(desc='building', unit='s', leave=False, dynamic_ncols=True, disable=None) as bar:
        def say(sentence: str) -> None:
            bar.write(sentence, file=sys.stderr)

        def tick(passed_s: float, expected_s: Optional[float]) -> None:
            bar.total = expected_s and max(round(expected_s), round(passed_s))
            bar.update(round(passed_s) - bar.n)
        yield BuildListener(say, tick)
