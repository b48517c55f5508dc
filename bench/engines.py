# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Compare the engines side by side in one run: a uint8 frame in, labels out.

The engines take turns, so that a machine that slows down slows all of them. The ratio of each
round is taken against the torch engine of the same round; medians are printed.

    python bench/engines.py --model espnetv2_s2.0_cityscapes.pth --threads 2
"""

import argparse
import os
import sys
import time

import cv2
from espnet_perception.engines import EngineOptions, present_engines
from espnet_perception.errors import PerceptionError
from espnet_perception.pipeline.models import find_model, open_engine
from espnet_perception.pipeline.preprocess import resize_antialiased
from espnet_perception.settings import SegmentationNodeSettings
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np
from tqdm import tqdm

BASELINE = 'torch'
CLEAR_MARGIN = 1e-3
REST_S = 0.3  # threads of one runtime spin for a while after their work; let them fall asleep


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Compare the engines side by side.')
    parser.add_argument('--model', default=SegmentationNodeSettings().model,
                        help='name, model directory or upstream .pth file')
    parser.add_argument('--image', help='an image file; a random image where it is left out')
    parser.add_argument('--size', default='1024x512', help='WIDTHxHEIGHT of the network')
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--product', default='labels', choices=['labels', 'labels+confidence'])
    return parser.parse_args()


def frame_of(arguments: argparse.Namespace, size: tuple) -> np.ndarray:
    """Return the frame at the network's size."""
    if arguments.image is None:
        return np.random.RandomState(0).randint(0, 256, (*size, 3)).astype(np.uint8)
    image_bgr = cv2.imread(arguments.image)
    if image_bgr is None:
        raise SystemExit(f'cannot read the image {arguments.image}')
    return resize_antialiased(image_bgr, size)


def clear_pixels(model: object, options: EngineOptions, image_bgr: np.ndarray) -> np.ndarray:
    """Return where the two best class scores differ by more than the margin."""
    with open_engine(model, BASELINE, options._replace(product='logits'), '') as engine:
        ranked = np.partition(engine.infer(image_bgr).logits, -2, axis=0)
    return ranked[-1] - ranked[-2] > CLEAR_MARGIN


def main() -> None:
    """Run the comparison and print the table."""
    arguments = parse_arguments()
    width, height = (int(side) for side in arguments.size.split('x'))
    model = find_model(arguments.model)
    options = EngineOptions(width, height, arguments.product, arguments.threads)
    image_bgr = frame_of(arguments, (height, width))
    clear = clear_pixels(model, options, image_bgr)
    engines = {name: open_engine(model, name, options, '') for name in present_engines()}
    labels, durations_ms = {}, {name: [] for name in engines}
    for name, engine in engines.items():
        engine.warm_up()
        labels[name] = engine.infer(image_bgr).labels
    for _ in tqdm(range(arguments.rounds), desc='rounds', leave=False):
        for name, engine in engines.items():
            start_ns = monotonic_ns()
            engine.infer(image_bgr)
            durations_ms[name].append((monotonic_ns() - start_ns) / 1e6)
            time.sleep(REST_S)
    print(f'{model.card.name}, {arguments.size}, {arguments.threads} threads, '
          f'{arguments.product}, {arguments.rounds} rounds')
    print(f'{"engine":12} {"median ms":>10} {"p95 ms":>8} {"x torch":>8}  '
          'labels equal where clear')
    baseline = np.array(durations_ms[BASELINE])
    for name, values in durations_ms.items():
        ratio = np.median(baseline / np.array(values))
        equal = (labels[name] == labels[BASELINE])[clear].mean()
        print(f'{name:12} {np.median(values):10.1f} {np.percentile(values, 95):8.1f} '
              f'{ratio:8.2f}  {100 * equal:.4f} % of {clear.sum()}')


if __name__ == '__main__':
    try:
        main()
    except PerceptionError as error:
        sys.exit(f'bench: {error}')
