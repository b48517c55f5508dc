# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels as people see them: colours, and colours over the camera image."""

from typing import Sequence

import cv2
import numpy as np

VOID_COLOUR_RGB = (0, 0, 0)


def colour_mask(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """
    Paint labels.

    :param labels: (H, W) uint8 class ids; ids without a colour become black.
    :param palette: one (red, green, blue) per class id.
    :return: (H, W, 3) uint8, blue first.
    """
    return cv2.LUT(cv2.merge((labels, labels, labels)), _table(palette))


def overlay(image_bgr: np.ndarray, labels: np.ndarray, palette: Sequence[Sequence[int]],
            opacity: float) -> np.ndarray:
    """
    Blend the colours of the labels over an image; unlabelled pixels stay as they are.

    :param image_bgr: (H, W, 3) uint8.
    :param labels: (H, W) uint8 class ids.
    :param palette: one (red, green, blue) per class id.
    :param opacity: 0 shows the image, 1 the colours.
    :return: (H, W, 3) uint8, blue first.
    """
    blended = cv2.addWeighted(image_bgr, 1.0 - opacity, colour_mask(labels, palette), opacity, 0)
    unlabelled = labels >= len(palette)
    if unlabelled.any():
        blended[unlabelled] = image_bgr[unlabelled]
    return blended


def _table(palette: Sequence[Sequence[int]]) -> np.ndarray:
    table = np.zeros((1, 256, 3), dtype=np.uint8)
    table[:] = VOID_COLOUR_RGB[::-1]
    table[0, :len(palette)] = np.asarray(palette, dtype=np.uint8)[:, ::-1]
    return table
