# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Label the reference frames with released networks, and compare the labels of two Pythons.

    python -m tools.label_maps write SHARED here.npz       (in one environment)
    python -m tools.label_maps write SHARED there.npz      (in the other one)
    python -m tools.label_maps compare here.npz there.npz

SHARED is the folder of the reference data. Runs from Python 3.6 on, in the root of the repository.
"""

import argparse
import os
import platform
import sys
from typing import Dict, List

import numpy as np

LOWEST_SHARE = 0.9999
# One of each network and decoder, in the sizes that they were trained for.
CHECKPOINTS = ('edgenets/espnetv2_s_2.0_city_1024x512', 'edgenets/espnetv2_s_0.5_city_512x256',
               'edgenets/espnetv2_s_2.0_pascal_384x384',
               'espnetv2_paper/espnetv2_segmentation_s_1.5',
               'espnet_v1/decoder_espnet_p_2_q_8', 'espnet_v1/encoder_espnet_p_2_q_8')
FRAMES = ('frankfurt_000000_000294', 'frankfurt_000000_000576')
VERSIONS = 'versions'


def label_maps(shared: str) -> Dict[str, np.ndarray]:
    """
    Return the labels of every frame by every network, made with the engine torch.

    :param shared: folder of the reference data.
    :return: (H, W) uint8 at the network's size, by the names of network and frame.
    """
    import cv2
    from espnet_perception.pipeline import create_segmenter
    made = {}
    for name in CHECKPOINTS:
        path = os.path.join(shared, 'reference', 'checkpoints', name + '.pth')
        with create_segmenter(path, 'torch') as segmenter:
            for frame in FRAMES:
                image_bgr = cv2.imread(os.path.join(shared, 'data', 'frames',
                                                    frame + '_leftImg8bit.png'))
                result = segmenter.segment(image_bgr)
                made['{} {}'.format(name, frame)] = result.network_labels.copy()
    return made


def compare(left: Dict[str, np.ndarray], right: Dict[str, np.ndarray]) -> List[str]:
    """
    Print the share of equal pixels of every map, and return what is wrong with them.

    :param left: maps by name, as of ``label_maps``; further arrays are left out.
    :param right: the same from elsewhere.
    :return: sentences; none when all maps are there and alike.
    """
    names = sorted((set(left) | set(right)) - {VERSIONS})
    wrong = [] if names else ['there is no label map to compare']
    for name in names:
        if name not in left or name not in right or left[name].shape != right[name].shape:
            wrong.append('{}: not in both, or of another size'.format(name))
            continue
        share = float((left[name] == right[name]).mean())
        print('{:9.5f} % of {:7d} pixels equal: {}'.format(100 * share, left[name].size, name))
        if share < LOWEST_SHARE:
            wrong.append('{}: {:.5f} % of the pixels are equal, expected {} % at least'.format(
                name, 100 * share, 100 * LOWEST_SHARE))
    return wrong


def write(shared: str, path: str) -> None:
    """
    Write the label maps of this Python.

    :param shared: folder of the reference data.
    :param path: of the file to write, .npz.
    """
    import torch
    versions = 'Python {}, PyTorch {}, NumPy {}'.format(
        platform.python_version(), torch.__version__, np.__version__)
    np.savez_compressed(path, **{VERSIONS: np.array(versions)}, **label_maps(shared))


def main() -> int:
    """Run the command; exit status 1 when maps differ."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    commands = parser.add_subparsers(dest='command')
    commands.required = True
    written = commands.add_parser('write')
    written.add_argument('shared')
    written.add_argument('file')
    compared = commands.add_parser('compare')
    compared.add_argument('left')
    compared.add_argument('right')
    given = parser.parse_args()
    if given.command == 'write':
        write(given.shared, given.file)
        return 0
    left, right = dict(np.load(given.left)), dict(np.load(given.right))
    print('label maps of {} and of {}'.format(left[VERSIONS], right[VERSIONS]))
    wrong = compare(left, right)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
