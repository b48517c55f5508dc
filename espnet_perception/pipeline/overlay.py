# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Results as people see them: colours or bars over the camera image."""

from typing import Sequence

import cv2
import numpy as np

VOID_COLOUR_RGB = (0, 0, 0)
WRITING_BGR, BAR_BGR, TRACK_BGR = (255, 255, 255), (90, 200, 250), (110, 110, 110)


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


def score_bars(image_bgr: np.ndarray, names: Sequence[str], scores: Sequence[float]
               ) -> np.ndarray:
    """
    Write classes and their probabilities over the upper left corner of an image.

    :param image_bgr: (H, W, 3) uint8.
    :param names: names of the classes; characters beyond ASCII become question marks.
    :param scores: their probabilities, 0..1.
    :return: (H, W, 3) uint8, blue first; as many classes as there is room for.
    """
    pictured = np.array(image_bgr)
    height, width = pictured.shape[:2]
    size = max(0.4, height / 900.0)
    line, left, length = int(40 * size), int(10 * size), max(2, min(width - 2, width // 2))
    rows = min(len(names), height // line)
    corner = pictured[:rows * line, :length + 2 * left]
    corner //= 3
    for row, (name, score) in enumerate(zip(names[:rows], scores)):
        top, base = row * line + line * 4 // 5, row * line + line * 19 // 20
        for end, colour in ((length, TRACK_BGR), (int(length * score), BAR_BGR)):
            cv2.rectangle(pictured, (left, top), (left + end, base), colour, cv2.FILLED)
        text = '{:.0f} % {}'.format(100 * score, name.encode('ascii', 'replace').decode())
        cv2.putText(pictured, text, (left, row * line + line * 2 // 3), cv2.FONT_HERSHEY_SIMPLEX,
                    size * 0.8, WRITING_BGR, max(1, int(round(2 * size))), cv2.LINE_AA)
    return pictured


def _table(palette: Sequence[Sequence[int]]) -> np.ndarray:
    table = np.zeros((1, 256, 3), dtype=np.uint8)
    table[:] = VOID_COLOUR_RGB[::-1]
    table[0, :len(palette)] = np.asarray(palette, dtype=np.uint8)[:, ::-1]
    return table
