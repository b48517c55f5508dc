# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes a synthetic drive as a ROS 2 bag with its ground truth."""

import os
import shutil
from typing import Callable, NamedTuple, Optional

from espnet_perception.errors import BagError
from espnet_perception.synthetic.drive import SyntheticDrive, SyntheticFrame
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer, WriterError
from rosbags.typesys import get_typestore, Stores

IMAGE_TOPIC = '/camera/image'
CAMERA_INFO_TOPIC = '/camera/camera_info'
LABELS_TOPIC = '/camera/labels'
FRAME_ID = 'camera'
STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
_IMAGE, _INFO = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CameraInfo'


class _Messages(NamedTuple):
    """The message types of one type store."""

    store: object
    types: dict

    def header(self, stamp_ns: int):
        """Return a header with the camera's frame."""
        seconds, nanoseconds = divmod(stamp_ns, 10 ** 9)
        stamp = self.types['builtin_interfaces/msg/Time'](seconds, nanoseconds)
        return self.types['std_msgs/msg/Header'](stamp, FRAME_ID)

    def image(self, stamp_ns: int, pixels: np.ndarray, encoding: str) -> bytes:
        """Serialise (H, W, 3) or (H, W) uint8 pixels."""
        height, width = pixels.shape[:2]
        message = self.types[_IMAGE](
            self.header(stamp_ns), height, width, encoding, 0, pixels.size // height,
            np.ascontiguousarray(pixels).reshape(-1))
        return self.store.serialize_cdr(message, _IMAGE)

    def camera_info(self, frame: SyntheticFrame) -> bytes:
        """Serialise the pinhole camera of a frame; it has no distortion."""
        height, width = frame.labels.shape
        matrix = frame.camera_matrix.astype(np.float64)
        projection = np.column_stack((matrix, np.zeros(3)))
        whole = self.types['sensor_msgs/msg/RegionOfInterest'](0, 0, 0, 0, False)
        message = self.types[_INFO](
            self.header(frame.stamp_ns), height, width, 'plumb_bob', np.zeros(5),
            matrix.reshape(-1), np.eye(3).reshape(-1), projection.reshape(-1), 0, 0, whole)
        return self.store.serialize_cdr(message, _INFO)


def write_bag(path: str, drive: SyntheticDrive, storage: str = 'mcap',
              progress: Optional[Callable[[int], None]] = None) -> str:
    """
    Write a drive with images, camera info and ground truth; all three share their stamps.

    The bag is written beside its target and renamed when it is whole, so that a full disk or a
    stop leaves no half bag under the name asked for.

    :param path: directory of the bag; it must not exist
    :param drive: what to write
    :param storage: mcap or sqlite3
    :param progress: called with the number of frames written so far
    :returns: path
    :raises BagError: unknown storage, the target exists, or it cannot be written
    """
    if storage not in STORAGES:
        raise BagError("unknown bag storage '{}', expected one of {}".format(
            storage, ', '.join(sorted(STORAGES))))
    path = os.path.abspath(path)
    if os.path.exists(path):
        raise BagError('the bag {} exists already; remove it or choose another name'.format(path))
    part = '{}.{}.part'.format(path, os.getpid())
    inner = os.path.join(part, os.path.basename(path))
    try:
        os.makedirs(part)
        _write_frames(inner, drive, storage, progress)
        os.rename(inner, path)
    except (OSError, WriterError) as error:
        raise BagError('cannot write the bag {}: {}; check the free space and the permissions'
                       .format(path, error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return path


def _write_frames(path: str, drive: SyntheticDrive, storage: str, progress):
    store = get_typestore(Stores.ROS2_HUMBLE)
    messages = _Messages(store, store.types)
    with Writer(path, version=8, storage_plugin=STORAGES[storage]) as writer:
        image, info, labels = (
            writer.add_connection(topic, kind, typestore=store)
            for topic, kind in ((IMAGE_TOPIC, _IMAGE), (CAMERA_INFO_TOPIC, _INFO),
                                (LABELS_TOPIC, _IMAGE)))
        for frame in drive:
            stamp_ns = frame.stamp_ns
            writer.write(info, stamp_ns, messages.camera_info(frame))
            writer.write(image, stamp_ns, messages.image(stamp_ns, frame.image_bgr, 'bgr8'))
            writer.write(labels, stamp_ns, messages.image(stamp_ns, frame.labels, 'mono8'))
            if progress is not None:
                progress(frame.index + 1)
