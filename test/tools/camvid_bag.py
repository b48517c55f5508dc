# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Makes a bag of a CamVid split, images and ground truth, for measuring on real frames.

    python3 test/tools/camvid_bag.py $ESPNET_SHARED/data/camvid /tmp/camvid_test

The data are for research only: write the bag outside of the repository. The source video has 30
frames per second and the test frames are 30 apart; here they come at 1 Hz in the order of the
list, each drive starting where the one before ended.
"""

import argparse
from pathlib import Path
import sys
from typing import List, Sequence

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

IMAGE_TOPIC, LABELS_TOPIC = '/camera/image', '/camera/labels'
IMAGE_TYPE = 'sensor_msgs/msg/Image'
START_NS = 1_700_000_000_000_000_000
REPOSITORY = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """
    Write the bag.

    :param arguments: of the command line.
    :return: exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.strip().split('\n')[0])
    parser.add_argument('camvid', type=Path, help='folder with test.txt, test/ and testannot/')
    parser.add_argument('bag', type=Path, help='the bag to write, outside of the repository')
    parser.add_argument('--split', default='test', choices=('train', 'val', 'test'))
    parser.add_argument('--drive', default='', help='only stems that start so, as Seq05VD')
    parser.add_argument('--rate', type=float, default=1.0, help='frames per second')
    chosen = parser.parse_args(arguments)
    if REPOSITORY in chosen.bag.resolve().parents:
        parser.error('write the bag outside of the repository')
    stems = [stem for stem in (chosen.camvid / (chosen.split + '.txt')).read_text().split()
             if stem.startswith(chosen.drive)]
    write_bag(chosen.bag, chosen.camvid, chosen.split, stems, chosen.rate)
    print('{} frames in {}'.format(len(stems), chosen.bag))
    return 0


def write_bag(bag: Path, camvid: Path, split: str, stems: List[str], rate_hz: float) -> None:
    """
    Write frames and label images with the same stamps.

    :param bag: folder of the bag; it must not exist.
    :param camvid: folder of the data set.
    :param split: train, val or test.
    :param stems: names of the frames without suffix, in order.
    :param rate_hz: frames per second.
    """
    store = get_typestore(Stores.ROS2_HUMBLE)
    with Writer(bag, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        images = writer.add_connection(IMAGE_TOPIC, IMAGE_TYPE, typestore=store)
        labels = writer.add_connection(LABELS_TOPIC, IMAGE_TYPE, typestore=store)
        for index, stem in enumerate(stems):
            stamp_ns = START_NS + round(index * 1e9 / rate_hz)
            frame = cv2.imread(str(camvid / split / (stem + '.jpg')))
            truth = cv2.imread(str(camvid / (split + 'annot') / (stem + '.png')),
                               cv2.IMREAD_UNCHANGED)
            writer.write(images, stamp_ns, image_message(store, stamp_ns, stem, frame))
            writer.write(labels, stamp_ns, image_message(store, stamp_ns, stem, truth))


def image_message(store, stamp_ns: int, frame_id: str, pixels: np.ndarray) -> bytes:
    """
    Serialise an image.

    :param store: the message types.
    :param stamp_ns: its stamp.
    :param frame_id: its frame of reference.
    :param pixels: (H, W, 3) or (H, W) uint8.
    """
    types = store.types
    stamp = types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10 ** 9))
    message = types[IMAGE_TYPE](
        types['std_msgs/msg/Header'](stamp, frame_id), pixels.shape[0], pixels.shape[1],
        'bgr8' if pixels.ndim == 3 else 'mono8', 0, pixels[0].size,
        np.ascontiguousarray(pixels).reshape(-1))
    return store.serialize_cdr(message, IMAGE_TYPE)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
