# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The one thing that enters a pipeline from a node: a camera frame."""

from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """
    A camera frame.

    :param image_bgr: (H, W, 3) uint8, blue first; may alias the message's memory.
    :param stamp_ns: the camera's stamp in nanoseconds, as it came.
    :param frame_id: the camera's frame of reference, as it came.
    """

    image_bgr: np.ndarray
    stamp_ns: int
    frame_id: str
