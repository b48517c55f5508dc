# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Make a picture or a bag of a synthetic drive.

For example:

    python -m espnet_perception.synthetic --seed 7 --picture docs/images/synthetic.jpg
    python -m espnet_perception.synthetic --seed 7 --frames 300 --rate 30 --bag drive
"""

import argparse
import os
import sys
from typing import Sequence

import cv2
from espnet_perception.errors import ImageError, PerceptionError
from espnet_perception.label_sets import CITYSCAPES
from espnet_perception.synthetic.bag import STORAGES, write_bag
from espnet_perception.synthetic.drive import SyntheticDrive
import numpy as np
from tqdm import tqdm

PALETTE_BGR = np.array(CITYSCAPES.palette, np.uint8)[:, ::-1]


def contact_sheet(seeds: Sequence[int], size: Sequence[int], index: int) -> np.ndarray:
    """
    Return one frame of each drive above its labels, two drives beside each other.

    :param seeds: of the drives
    :param size: width and height of one frame, pixels
    :param index: number of the frame
    :returns: (H, W, 3) uint8 blue-green-red
    """
    tiles = []
    for seed in seeds:
        frame = SyntheticDrive(seed, size[0], size[1], index + 1)[index]
        tiles.append(np.vstack((frame.image_bgr, PALETTE_BGR[frame.labels])))
    if len(tiles) > 1 and len(tiles) % 2:
        tiles.append(np.zeros_like(tiles[0]))
    rows = [np.hstack(tiles[start:start + 2]) for start in range(0, len(tiles), 2)]
    return np.vstack(rows)


def main(arguments: Sequence[str] = ()) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m espnet_perception.synthetic',
                                     description=__doc__.split('\n')[0])
    parser.add_argument('--seed', type=int, nargs='+', default=[7], help='of the drive')
    parser.add_argument('--width', type=int, default=512, help='pixels (%(default)s)')
    parser.add_argument('--height', type=int, default=256, help='pixels (%(default)s)')
    parser.add_argument('--frames', type=int, default=100, help='of the bag (%(default)s)')
    parser.add_argument('--rate', type=float, default=10.0, help='frames per second (%(default)s)')
    parser.add_argument('--index', type=int, default=40, help='frame of the picture (%(default)s)')
    parser.add_argument('--storage', choices=sorted(STORAGES), default='mcap')
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument('--picture', metavar='FILE', help='a JPEG or PNG with frames and labels')
    target.add_argument('--bag', metavar='FOLDER', help='a ROS 2 bag of the first seed')
    chosen = parser.parse_args(arguments or None)
    cv2.setNumThreads(1)
    try:
        _make(chosen)
    except (PerceptionError, ValueError, OSError) as error:
        sys.stderr.write('error: {}\n'.format(error))
        return 1
    return 0


def _make(chosen: argparse.Namespace):
    if chosen.bag:
        drive = SyntheticDrive(chosen.seed[0], chosen.width, chosen.height, chosen.frames,
                               chosen.rate)
        with tqdm(total=chosen.frames, unit='frame') as bar:
            write_bag(chosen.bag, drive, chosen.storage, lambda done: bar.update(1))
        return
    os.makedirs(os.path.dirname(os.path.abspath(chosen.picture)), exist_ok=True)
    sheet = contact_sheet(chosen.seed, (chosen.width, chosen.height), chosen.index)
    if not cv2.imwrite(chosen.picture, sheet, (cv2.IMWRITE_JPEG_QUALITY, 82)):
        raise ImageError('cannot write the picture {}; end its name in .jpg or .png'.format(
            chosen.picture))


if __name__ == '__main__':
    sys.exit(main())
