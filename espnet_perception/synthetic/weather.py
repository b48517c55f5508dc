# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Light and weather of a drive: sun, sky, haze, and how the camera exposes."""

from typing import NamedTuple

from espnet_perception.synthetic.colors import bgr
import numpy as np


class Weather(NamedTuple):
    """
    Everything about the light; colours are (3,) blue-green-red, light may exceed 1.

    :param sun_direction: (3,) unit vector from the ground to the sun: right, up, forwards
    :param sun: light of the sun
    :param ambient: light of the sky
    :param zenith: colour of the sky above
    :param horizon: colour of the sky low down, and of the haze
    :param cloud: colour of the clouds
    :param cover: share of clouds, 0 to 1
    :param visibility_m: distance after which haze has taken 63 percent
    :param shadow: how dark a shadow is, 0 to 1
    :param lit: share of windows and lamps that shine
    :param noise: standard deviation of the sensor noise, grey levels
    :param blur: standard deviation of the defocus in pixels at 512 pixels width
    """

    sun_direction: np.ndarray
    sun: np.ndarray
    ambient: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    cloud: np.ndarray
    cover: float
    visibility_m: float
    shadow: float
    lit: float
    noise: float
    blur: float


# name: sun, ambient, zenith, horizon, cloud, sun elevation, (cover), (visibility), shadow, lit
_KINDS = {
    'clear': ('6f6858', '8890a0', '3f78c0', 'b8d0e4', 'f4f6f8', 42, (0.05, 0.4), (260, 420),
              0.45, 0.0),
    'fair': ('645c4c', '9094a0', '5c8cc8', 'c4d4e2', 'ffffff', 33, (0.4, 0.7), (200, 350), 0.38,
             0.02),
    'overcast': ('100f0e', 'c0c4ca', 'a4acb4', 'd0d4d6', 'c2c8cc', 65, (0.75, 1.0), (140, 260),
                 0.1, 0.1),
    'hazy': ('48402f', '9c9a98', '9cacb8', 'd8d4c8', 'e4e2da', 28, (0.2, 0.6), (90, 140), 0.22,
             0.05),
    'evening': ('8a6030', '6c6c80', '5a7098', 'f0b888', 'e8a890', 13, (0.2, 0.6), (160, 300),
                0.42, 0.25),
    'dusk': ('1c1618', '5c6074', '38486c', 'c89888', '75708a', 20, (0.2, 0.7), (150, 260), 0.08,
             0.6),
}


def draw(rng: np.random.Generator) -> Weather:
    """Draw the weather of one drive."""
    names = tuple(_KINDS)
    kind = _KINDS[names[rng.choice(len(names), p=(0.26, 0.22, 0.2, 0.12, 0.12, 0.08))]]
    sun, ambient, zenith, horizon, cloud = (np.array(bgr(code)) for code in kind[:5])
    elevation, cover, visibility, shadow, lit = kind[5:]
    height = np.radians(elevation * rng.uniform(0.8, 1.25))
    azimuth = rng.uniform(0, 2 * np.pi)
    direction = np.array((np.sin(azimuth) * np.cos(height), np.sin(height),
                          np.cos(azimuth) * np.cos(height)))
    gain = rng.uniform(0.9, 1.1)
    tint = 1 + rng.normal(0, 0.02, 3)
    return Weather(
        direction, 1.6 * sun * gain * tint, ambient * gain * tint, zenith * tint, horizon * tint,
        cloud, rng.uniform(*cover), rng.uniform(*visibility), shadow, lit,
        rng.uniform(1.0, 3.5) + 2 * (lit > 0.5), rng.uniform(0.0, 0.6))
