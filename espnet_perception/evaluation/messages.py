# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Image messages out of bags, decoded by the node's own code.

Only the two image types are ever deserialised, with definitions that are the same in every ROS
distribution, so bags full of foreign message types are no trouble.
"""

import struct
from typing import Any, NamedTuple

from espnet_perception.errors import ImageError
from espnet_perception.pipeline.decoding import decode_compressed, decode_image
import numpy as np
from rosbags.typesys import get_typestore, Stores

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)


class Topic(NamedTuple):
    """
    A topic of a bag.

    :param name: full topic name.
    :param message_type: such as sensor_msgs/msg/Image.
    :param count: number of messages.
    """

    name: str
    message_type: str
    count: int


class BagMessage:
    """
    One image message of a bag, deserialised when it is first looked into.

    :param topic: where it was recorded.
    :param index: position among the messages of the topic, from 0.
    :param recorded_ns: time at which it was recorded, nanoseconds.
    :param raw: the serialised message.
    :param ros1: raw is in the ROS 1 format.
    """

    def __init__(self, topic: Topic, index: int, recorded_ns: int, raw: bytes,
                 ros1: bool) -> None:
        self.topic = topic
        self.index = index
        self.recorded_ns = recorded_ns
        self._raw = raw
        self._ros1 = ros1
        self._fields = None

    @property
    def fields(self) -> Any:
        """
        Return the deserialised message.

        :raises ImageError: the bytes are no such message.
        """
        if self._fields is None:
            store = _typestore(self._ros1)
            deserialise = store.deserialize_ros1 if self._ros1 else store.deserialize_cdr
            try:
                self._fields = deserialise(self._raw, self.topic.message_type)
            except Exception as error:  # the generated decoder raises whatever the bytes provoke
                raise ImageError('message {} of {} is damaged: {}'.format(
                    self.index, self.topic.name, ' '.join(str(error).split()) or 'not readable'))
        return self._fields

    @property
    def stamp_ns(self) -> int:
        """
        Return the camera's stamp in nanoseconds.

        :raises ImageError: the bytes are no such message.
        """
        stamp = self.fields.header.stamp
        return stamp.sec * 1_000_000_000 + stamp.nanosec

    def decode(self) -> np.ndarray:
        """
        Decode the pixels, with the same code as the node.

        :return: (H, W, 3) uint8, blue first.
        :raises ImageError: damaged or in an unknown encoding.
        """
        fields = self.fields
        if self.topic.message_type == COMPRESSED_IMAGE:
            return decode_compressed(fields.data)
        return decode_image(fields.encoding, fields.height, fields.width, fields.step,
                            bool(fields.is_bigendian), fields.data)

    def cdr(self, stamp_ns: int) -> bytes:
        """
        Return the message as ROS 2 sends it.

        :param stamp_ns: the stamp that it shall carry, nanoseconds.
        """
        raw = self._raw
        if self._ros1:
            raw = _typestore(False).ros1_to_cdr(raw, self.topic.message_type)
        if stamp_ns == self.stamp_ns:
            return bytes(raw)
        patched = bytearray(raw)
        order = '<' if patched[1] & 1 else '>'  # second byte of CDR: the byte order
        struct.pack_into(order + 'iI', patched, 4, *divmod(stamp_ns, 1_000_000_000))
        return bytes(patched)


def _typestore(ros1: bool) -> Any:
    if ros1 not in _TYPESTORES:
        _TYPESTORES[ros1] = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE)
    return _TYPESTORES[ros1]


_TYPESTORES = {}
