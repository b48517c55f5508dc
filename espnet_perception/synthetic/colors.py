# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Paints of things, and drawing one at random."""

from typing import Sequence, Tuple

import numpy as np

Color = Tuple[float, float, float]


def bgr(code: str) -> Color:
    """Turn a red-green-blue code such as 'c08040' into blue-green-red from 0 to 1."""
    red, green, blue = (int(code[i:i + 2], 16) / 255 for i in (0, 2, 4))
    return blue, green, red


def pick(rng: np.random.Generator, codes: Sequence[str], spread: float = 0.05) -> np.ndarray:
    """
    Draw one colour and vary it a little.

    :param rng: source of chance
    :param codes: red-green-blue codes
    :param spread: standard deviation of the change of brightness, and half of it of each channel
    :returns: (3,) float32, blue-green-red from 0 to 1
    """
    color = np.array(bgr(codes[rng.integers(len(codes))]), np.float32)
    color = color * (1 + spread * rng.standard_normal()) + spread / 2 * rng.standard_normal(3)
    return np.clip(color, 0.02, 0.98).astype(np.float32)


def jitter(rng: np.random.Generator, color: Sequence[float], number: int, spread: float
           ) -> np.ndarray:
    """Return (number, 3) float32 variants of a colour that differ in brightness."""
    gain = 1 + spread * rng.standard_normal((number, 1))
    return np.clip(np.asarray(color, np.float32) * gain, 0.01, 0.99).astype(np.float32)


FACADES = ('cfb48c', 'bd9c78', 'a8553f', '8f4a3a', 'dcc8a0', 'c9a26a', 'c08a72', 'b5806a',
           'd9b88a', 'a8855f', 'cf9f86', 'c99a8a', '9c6b55', 'e0c48e')
ROOFS = ('6b3a2e', '55504c', '7a4636', '4a4a50')
WINDOWS = ('2b3640', '3a4750', '1f2a33', '50606c')
WALLS = ('7c7f84', '8b8e92', '979a9c', '6c7076', '83898c')
FENCES = ('ecebe6', 'e4e3dc', '4a80b0', '3f72a4', 'b8742c', 'f0efe8')
LEAVES = ('3f6b24', '4f7a2c', '35591f', '5c8434', '47702e', '2f5426', '6a8a35')
BLOSSOMS = ('8a9a3a', '9a7f30', 'a5622a')
BARK = ('4d3b2c', '5a4836', '40342a')
GRASS = ('6f9440', '7a9c48', '86a04c', '6a8c3c', '8ca450')
SOIL = ('7f8a48', '8a8c50')
ASPHALT = ('55555a', '5e5d5f', '4c4d52', '64615f')
PAVING = ('b58f7c', 'c0a488', 'b5937a', 'bf9c86', 'ad8878')
METAL = ('8298aa', '8fa4b4', '9cb0be', '758c9e')
CARS = ('c4c8cb', 'e8e8e6', '23262b', '5d6166', '8c1f1f', '1f3f78', '2f6b58', 'b5a488',
        '3c3f63', 'a33a28', '6f8fae', '18324a', 'd9b23a')
TRUCKS = ('d8d5cc', 'c05a20', '2d5a8c', '8c8f92', '4d7a45', 'b03030', 'e0e0e0')
BUSES = ('d9a514', 'b8231f', 'e6b422', 'cf4a1c')
TRAMS = ('1c7a5a', '157a8a', '2a8f4f', '0f6a78')
CLOTHES = ('c2408a', '8a3fb0', 'd86aa0', '5a4ac0', 'b03a6a', 'dcdcec', '7a52b8', '3f55b0',
           'a8326a', '2f3470')
JACKETS = ('f08a1c', 'e8d020', 'd0e028', 'f0702a', 'f5a818')
TROUSERS = ('23283a', '2f3f78', '1c1c28', '3a4a90', '2c3560', '404a70')
SKIN = ('e3b899', 'c99372', '8d5a3c', 'f0cdb0', '6b4430')
BIKES = ('18a0a8', '20b080', 'e0e4e8', '30b8d0', '60c8b0')
MOTORS = ('b01818', '8a1420', 'c02428', '1c1c22', '701018')
