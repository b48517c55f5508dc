# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What lens and sensor make of the painted picture; labels are never touched."""

from typing import Tuple

import cv2
from espnet_perception.synthetic import classes
from espnet_perception.synthetic.weather import Weather
import numpy as np

GRAIN = np.zeros(256, np.float32)
GRAIN[[classes.ROAD, classes.SIDEWALK, classes.TERRAIN]] = (0.045, 0.055, 0.12)
ON_GROUND = np.zeros(256, np.float32)
ON_GROUND[[classes.ROAD, classes.SIDEWALK, classes.TERRAIN]] = 1
LEAF = np.zeros(256, np.float32)
LEAF[classes.VEGETATION] = 0.09


def light_ground(image_bgr: np.ndarray, labels: np.ndarray, texture: Tuple[int, np.ndarray],
                 shadow: np.ndarray, darkness: float) -> np.ndarray:
    """
    Apply grain and shadows to the pixels that show ground.

    :param image_bgr: (H, W, 3) uint8, changed below the horizon
    :param labels: (H, W) uint8
    :param texture: first row and grain, from atmosphere.ground_texture
    :param shadow: (H, W) uint8, from painter.shadow_mask
    :param darkness: 0 to 1
    :returns: image_bgr
    """
    first, grain = texture
    below = labels[first:]
    gain = 1 + grain * GRAIN[below]
    gain -= gain * ON_GROUND[below] * shadow[first:] * np.float32(darkness / 255)
    lower = image_bgr[first:]
    cv2.multiply(lower, cv2.merge((gain, gain, gain)), lower, dtype=cv2.CV_8U)
    return image_bgr


def rustle(image_bgr: np.ndarray, labels: np.ndarray, tile: np.ndarray, shift: int) -> None:
    """
    Give foliage a fine grain; changes image_bgr in place.

    :param image_bgr: (H, W, 3) uint8
    :param labels: (H, W) uint8
    :param tile: from atmosphere.noise_tile
    :param shift: pixels by which the grain is moved
    """
    height, width = labels.shape
    repeats = (-(-height // tile.shape[0]), -(-(width + shift) // tile.shape[1]))
    wide = np.tile(tile, repeats)[:height, shift:shift + width]
    gain = 1 + LEAF[labels] * wide
    cv2.multiply(image_bgr, cv2.merge((gain, gain, gain)), image_bgr, dtype=cv2.CV_8U)


def expose(image_bgr: np.ndarray, weather: Weather, rng: np.random.Generator, speed_px: float
           ) -> np.ndarray:
    """
    Blur, expose and add noise as a camera does.

    :param image_bgr: (H, W, 3) uint8
    :param weather: noise and blur
    :param rng: of this frame
    :param speed_px: sideways motion during the exposure at the picture's width
    :returns: (H, W, 3) uint8
    """
    height, width = image_bgr.shape[:2]
    sigma = weather.blur * width / 512
    if sigma > 0.25:
        image_bgr = cv2.GaussianBlur(image_bgr, (0, 0), sigma)
    taps = int(round(speed_px))
    if taps >= 2:
        image_bgr = cv2.blur(image_bgr, (min(taps, 5), 1))
    gain = np.float32(rng.normal(1, 0.015))
    y, x = int(rng.integers(64)), int(rng.integers(64))
    noise = _noise(height + 64, width + 64)[y:y + height, x:x + width]
    if rng.random() < 0.5:
        noise = noise[:, ::-1]
    return cv2.addWeighted(image_bgr, float(gain), noise, weather.noise / 16, 0,
                           dtype=cv2.CV_8U)


_NOISE = {}


def _noise(height: int, width: int) -> np.ndarray:
    """Return a fixed field of normal noise, (height, width, 3) int16, deviation 16."""
    if (height, width) not in _NOISE:
        rng = np.random.default_rng(5)
        field = rng.standard_normal((height, width, 3), np.float32) * 16
        _NOISE[height, width] = np.rint(field).astype(np.int16)
    return _NOISE[height, width]
