# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Images as a camera sends them."""

import array
import itertools

import numpy as np

HEIGHT, WIDTH = 48, 80
stamps_s = itertools.count(1000)


def image_bgr(seed=0):
    """Return (48, 80, 3) smooth noise."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 10, 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(small, np.ones((8, 8, 1), np.uint8)))


def image_message(pixels=None, encoding='bgr8', step=None, stamp_s=None):
    """Return an Image with a new, later stamp."""
    from sensor_msgs.msg import Image
    pixels = image_bgr() if pixels is None else pixels
    message = Image(encoding=encoding, height=pixels.shape[0], width=pixels.shape[1],
                    step=pixels.strides[0] if step is None else step,
                    data=array.array('B', pixels.tobytes()))
    message.header.stamp.sec = next(stamps_s) if stamp_s is None else stamp_s
    message.header.stamp.nanosec = 123456789
    message.header.frame_id = 'front_camera'
    return message
