# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Random views of training images: zoom, window, mirror, colours. Labels are never interpolated.

Everything chosen by chance comes from a generator that is passed in, so that a view depends on
its seed alone.
"""

from typing import NamedTuple, Tuple

import cv2
from espnet_perception.evaluation.metrics import NO_CLASS
import numpy as np

NARROWEST = 4 / 3  # the longer side of a part over the shorter one
TRIES = 10


class Window(NamedTuple):
    """
    What is learnt from.

    :param width: width in pixels
    :param height: height in pixels
    :param smallest: smallest zoom of the image before the window is cut from it
    :param largest: largest zoom; zooms are drawn evenly on a logarithmic scale
    """

    width: int
    height: int
    smallest: float = 1.0
    largest: float = 1.0


def segmentation_view(image_bgr: np.ndarray, labels: np.ndarray, window: Window,
                      rng: np.random.Generator, photometric: float = 1.0
                      ) -> Tuple[np.ndarray, np.ndarray]:
    """
    Zoom an image, cut a window, mirror it and change its colours.

    Where the zoomed image is smaller than the window, the rest is grey and unlabelled.

    :param image_bgr: (H, W, 3) uint8
    :param labels: (H, W) uint8
    :param window: size and zoom
    :param rng: source of chance
    :param photometric: strength of the change of colours, 0 to 1
    :returns: (window.height, window.width, 3) uint8, (window.height, window.width) uint8
    """
    zoom = float(np.exp(rng.uniform(np.log(window.smallest), np.log(window.largest))))
    image_bgr, labels = zoom_and_cut(image_bgr, labels, window, zoom, rng)
    if rng.random() < 0.5:
        image_bgr, labels = image_bgr[:, ::-1], labels[:, ::-1]
    return (change_colours(np.ascontiguousarray(image_bgr), rng, photometric),
            np.ascontiguousarray(labels))


def zoom_and_cut(image_bgr: np.ndarray, labels: np.ndarray, window: Window, zoom: float,
                 rng: np.random.Generator) -> Tuple[np.ndarray, np.ndarray]:
    """
    Cut the part that a window shows at a zoom, and only then resize it.

    :param zoom: size of the zoomed image over that of the image
    :returns: as ``segmentation_view``
    """
    height, width = labels.shape
    columns, rows = (min(size, max(1, round(side / zoom))) for size, side in (
        (width, window.width), (height, window.height)))
    left, top = int(rng.integers(width - columns + 1)), int(rng.integers(height - rows + 1))
    part = (slice(top, top + rows), slice(left, left + columns))
    size = (min(window.width, max(1, round(columns * zoom))),
            min(window.height, max(1, round(rows * zoom))))
    image_bgr, labels = _resized(image_bgr[part], size), labels[part]
    if size != (columns, rows):
        labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT)
    free_columns, free_rows = window.width - size[0], window.height - size[1]
    if free_columns or free_rows:
        left, top = int(rng.integers(free_columns + 1)), int(rng.integers(free_rows + 1))
        edges = (top, free_rows - top, left, free_columns - left)
        image_bgr = cv2.copyMakeBorder(image_bgr, *edges, cv2.BORDER_CONSTANT,
                                       value=(104, 116, 124))
        labels = cv2.copyMakeBorder(labels, *edges, cv2.BORDER_CONSTANT, value=NO_CLASS)
    return image_bgr, labels


def _resized(image_bgr: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """Return an image at (width, height); averaged where it shrinks."""
    columns = image_bgr.shape[1]
    if size == (columns, image_bgr.shape[0]):
        return image_bgr
    smooth = cv2.INTER_AREA if size[0] < columns else cv2.INTER_LINEAR
    return cv2.resize(image_bgr, size, interpolation=smooth)


def classification_view(image_bgr: np.ndarray, size: Tuple[int, int], smallest_area: float,
                        rng: np.random.Generator, photometric: float = 0.0) -> np.ndarray:
    """
    Cut a random part of random shape, resize it, mirror it and change its colours.

    The standard augmentation of ImageNet; the ESPNetv2 paper leaves its change of colours out
    (section 4.1).

    :param image_bgr: (H, W, 3) uint8
    :param size: (width, height) of the view
    :param smallest_area: smallest share of the image that is cut out; the largest is all of it
    :param rng: source of chance
    :param photometric: strength of the change of colours, 0 to 1
    :returns: (height, width, 3) uint8
    """
    view = _resized(image_bgr[random_part(image_bgr.shape[:2], smallest_area, rng)], size)
    if rng.random() < 0.5:
        view = view[:, ::-1]
    return change_colours(np.ascontiguousarray(view), rng, photometric)


def random_part(shape: Tuple[int, int], smallest_area: float, rng: np.random.Generator
                ) -> Tuple[slice, slice]:
    """
    Choose a part of an image by its area, evenly, and its shape, from 3:4 to 4:3.

    :param shape: (H, W) of the image
    :param smallest_area: share of the image
    :param rng: source of chance
    :returns: rows and columns; of an image too narrow for that the largest part in its middle
    """
    height, width = shape
    for _ in range(TRIES):
        area = rng.uniform(smallest_area, 1) * height * width
        stretch = float(np.exp(rng.uniform(-np.log(NARROWEST), np.log(NARROWEST)) / 2))
        columns, rows = round(np.sqrt(area) * stretch), round(np.sqrt(area) / stretch)
        if 0 < columns <= width and 0 < rows <= height:
            top = int(rng.integers(height - rows + 1))
            left = int(rng.integers(width - columns + 1))
            return slice(top, top + rows), slice(left, left + columns)
    columns = max(1, min(width, round(height * NARROWEST)))
    rows = max(1, min(height, round(width * NARROWEST)))
    top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)


def change_colours(image_bgr: np.ndarray, rng: np.random.Generator, strength: float
                   ) -> np.ndarray:
    """
    Change brightness, contrast and tint by one table per channel, and the saturation.

    :param image_bgr: (H, W, 3) uint8
    :param rng: source of chance
    :param strength: 0 (nothing) to 1
    :returns: (H, W, 3) uint8
    """
    if strength <= 0:
        return image_bgr
    gain = np.exp(strength * rng.normal(0, 0.15)) * np.exp(strength * rng.normal(0, 0.04, 3))
    gamma = np.exp(strength * rng.normal(0, 0.12))
    levels = (np.arange(256) / 255.0) ** gamma
    table = np.clip(levels[:, None] * gain * 255, 0, 255).astype(np.uint8)
    recoloured = cv2.LUT(image_bgr, table[None])
    saturation = 1 + strength * float(rng.uniform(-0.3, 0.3))
    grey = cv2.cvtColor(cv2.cvtColor(recoloured, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(recoloured, saturation, grey, 1 - saturation, 0)
