# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tiny bags, made by the tests that read them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
ROWS, COLUMNS, CLASSES = 64, 96, 5


def frame(index):
    """(H, W, 3) uint8, another one for each index."""
    rng = np.random.default_rng(index)
    coarse = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR)


def label_image(index):
    """(H, W) uint8 ids of 5 classes, with a void patch."""
    rng = np.random.default_rng(1000 + index)
    labels = cv2.resize(rng.integers(0, CLASSES, (4, 6), dtype=np.uint8), (COLUMNS, ROWS),
                        interpolation=cv2.INTER_NEAREST)
    labels[:8, :8] = 255
    return labels


class Messages:
    """Makes and serialises messages of ROS 1 or ROS 2."""

    def __init__(self, ros1=False):
        self.ros1 = ros1
        self.store = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE)

    def header(self, stamp_ns):
        stamp = self.store.types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10 ** 9))
        kind = self.store.types['std_msgs/msg/Header']
        return kind(0, stamp, 'camera') if self.ros1 else kind(stamp, 'camera')

    def image(self, stamp_ns, pixels, encoding=None):
        encoding = encoding or ('bgr8' if pixels.ndim == 3 else 'mono8')
        return self._serialise(IMAGE, self.store.types[IMAGE](
            self.header(stamp_ns), pixels.shape[0], pixels.shape[1], encoding, 0,
            pixels[0].size, np.ascontiguousarray(pixels).reshape(-1)))

    def compressed(self, stamp_ns, pixels, kind='.png'):
        return self._serialise(COMPRESSED, self.store.types[COMPRESSED](
            self.header(stamp_ns), kind[1:], cv2.imencode(kind, pixels)[1].reshape(-1)))

    def text(self, words):
        return self._serialise('std_msgs/msg/String',
                               self.store.types['std_msgs/msg/String'](words))

    def _serialise(self, kind, message):
        if self.ros1:
            return self.store.serialize_ros1(message, kind)
        return self.store.serialize_cdr(message, kind)


class BagMaker:
    """Writes bags: each row is (topic, type, time in ns, serialised message)."""

    def __init__(self, folder: Path):
        self.folder = folder

    def write(self, name, rows, storage='mcap'):
        """Write a bag of any rows and return its path."""
        if storage == 'ros1':
            path, messages = self.folder / (name + '.bag'), Messages(ros1=True)
            with Writer1(path) as writer:
                self._write(writer, rows, messages.store)
        else:
            path, messages = self.folder / name, Messages()
            with Writer(path, version=8, storage_plugin=STORAGES[storage]) as writer:
                self._write(writer, rows, messages.store)
        return path

    def drive(self, name='drive', frames=6, storage='mcap', truth=True, compressed=False):
        """Write a bag with images on /camera/image and ids on /camera/labels."""
        messages, rows = Messages(storage == 'ros1'), []
        for index in range(frames):
            stamp_ns = START_NS + index * STEP_NS
            rows.append(('/camera/image', COMPRESSED, stamp_ns,
                         messages.compressed(stamp_ns, frame(index))) if compressed else
                        ('/camera/image', IMAGE, stamp_ns,
                         messages.image(stamp_ns, frame(index))))
            if truth:
                rows.append(('/camera/labels', IMAGE, stamp_ns,
                             messages.image(stamp_ns, label_image(index))))
            rows.append(('/chatter', 'std_msgs/msg/String', stamp_ns, messages.text('hello')))
        return self.write(name, rows, storage)

    @staticmethod
    def _write(writer, rows, store):
        connections = {}
        for topic, kind, recorded_ns, raw in rows:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], recorded_ns, raw)


@pytest.fixture
def bags(tmp_path):
    """Write bags below this test's own folder."""
    return BagMaker(tmp_path)


@pytest.fixture
def make():
    """Messages of ROS 2, and the pixels that the drives are made of."""
    messages = Messages()
    messages.frame, messages.labels = frame, label_image
    messages.START_NS, messages.STEP_NS, messages.IMAGE = START_NS, STEP_NS, IMAGE
    messages.COMPRESSED = COMPRESSED
    return messages
