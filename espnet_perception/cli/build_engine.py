# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Build the TensorRT engine of a model on this machine, before a node needs it."""

import argparse
from contextlib import contextmanager
import os
import sys
from typing import Any, Iterator, List, Optional

from espnet_perception.cli.sizes import parse_size
from espnet_perception.errors import EngineError, ImageError
from espnet_perception.settings import SegmentationNodeSettings, SegmenterSettings

DESCRIPTION = """\
Build what TensorRT runs, and keep it: an engine runs only on the kind of GPU and with the version
of TensorRT that built it, and a small Jetson builds for minutes. A node that starts later finds
it.

    espnet-perception build-engine FILE.onnx --precision fp16 --frames street_images/

With --frames the labels are compared with those of fp32, and an engine that differs too often is
not kept."""
SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp')


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
    parser.add_argument('--frames', metavar='FOLDER',
                        help='images on which to compare the labels with those of fp32')


def run(chosen: argparse.Namespace) -> int:
    """
    Build, and compare where frames are given.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: no TensorRT, no GPU, or one of them refuses; too little agreement.
    """
    from espnet_perception.engines import choose_engine, EngineOptions
    from espnet_perception.pipeline.models import find_model, plan_source
    choose_engine('tensorrt')
    from espnet_perception.engines.plan_file import read_header
    from espnet_perception.engines.tensorrt_build import cached_plan
    model = find_model(chosen.model)
    card = model.card
    width, height = parse_size(chosen.size) if chosen.size else (card.input_width,
                                                                 card.input_height)
    product = 'logits'
    if card.task == 'segmentation':
        product = 'labels' if chosen.no_confidence else 'labels+confidence'
    options = EngineOptions(width, height, product, device=chosen.device,
                            input_type=card.input_type, precision=chosen.precision)
    images = _images(chosen.frames, card, (height, width)) if chosen.frames else []
    source = plan_source(model, options, chosen.cache_dir)
    with _bar() as listener:
        path = cached_plan(source, options, chosen.cache_dir, listener)
    header = read_header(path)
    print('{} ({:.1f} MB), built in {:.0f} s by TensorRT {} for {}'.format(
        path, header['bytes'] / 1e6, header['build_s'], header['tensorrt'], header['gpu']))
    if images:
        _compare(model, options, chosen.cache_dir, images, path)
    return 0


def _compare(model: Any, options: Any, cache_dir: str, images: List[Any], path: str) -> None:
    from espnet_perception.engines import present_engines
    from espnet_perception.pipeline import agreement
    from espnet_perception.pipeline.models import open_engine
    others = [name for name in present_engines(graph_only=True) if name != 'tensorrt']
    plain = options._replace(precision='fp32', device='auto' if others else options.device)
    with open_engine(model, (others or ['tensorrt'])[0], plain, cache_dir) as reference, \
            open_engine(model, 'tensorrt', options, cache_dir) as candidate:
        found = agreement.compare(reference, candidate, images)
        print('{:.3%} of the labels are those of {} in fp32, {:.3%} in the worst of {} images'
              .format(found.share, reference.name, found.worst, found.images))
    try:
        agreement.require(found)
    except EngineError:
        os.remove(path)
        raise


def _images(folder: str, card: Any, size: tuple) -> List[Any]:
    import cv2
    from espnet_perception.pipeline.preprocess import fitter
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(SUFFIXES)) \
        if os.path.isdir(folder) else []
    if not names:
        raise ImageError("no images in '{}'; give a folder with files such as {}".format(
            folder, ', '.join('*' + suffix for suffix in SUFFIXES)))
    images, fit = [], fitter(card.resize, card.crop_ratio)
    for name in names:
        image_bgr = cv2.imread(os.path.join(folder, name))
        if image_bgr is None:
            raise ImageError('{} is no image that can be read; remove it from the folder'.format(
                os.path.join(folder, name)))
        images.append(fit(image_bgr, size))
    return images


@contextmanager
def _bar() -> Iterator[Any]:
    """Show how long a build takes, on stderr, where that is a terminal."""
    from espnet_perception.engines.tensorrt_build import BuildListener
    from tqdm import tqdm
    with tqdm(desc='building', unit='s', leave=False, dynamic_ncols=True, disable=None) as bar:
        def say(sentence: str) -> None:
            bar.write(sentence, file=sys.stderr)

        def tick(passed_s: float, expected_s: Optional[float]) -> None:
            bar.total = expected_s and max(round(expected_s), round(passed_s))
            bar.update(round(passed_s) - bar.n)
        yield BuildListener(say, tick)
