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


FACADES = ('c9b79a', 'b8a088', 'a8553f', '8f4a3a', 'd8cdb8', 'bdb5a8', 'c7a26a', '9aa3a8',
           'b5897a', 'dcd6cc', 'a58e6f', '8d8a86', 'cf9f86', 'c4b9c0', '9c6b55', 'e0c9a0')
ROOFS = ('6b3a2e', '55504c', '7a4636', '4a4a50')
WINDOWS = ('2b3640', '3a4750', '1f2a33', '50606c')
WALLS = ('7e7a74', '8a8478', '96918a', '6d6a66', '88756a')
FENCES = ('6b4a2c', 'e4e2da', '2f5d3a', '8a5f38', '37424d', 'a9703f')
LEAVES = ('3f6b24', '4f7a2c', '35591f', '5c8434', '47702e', '2f5426', '6a8a35')
BLOSSOMS = ('8a9a3a', '9a7f30', 'a5622a')
BARK = ('4d3b2c', '5a4836', '40342a')
GRASS = ('7f9a4a', '8fa556', '98a05a', 'a39a60', '7a9448')
SOIL = ('9a8258', '8d7a55')
ASPHALT = ('55555a', '5e5d5f', '4c4d52', '64615f')
PAVING = ('9d9890', 'a8a099', '958f8b', 'b0a698', 'a59188')
METAL = ('6d7378', '54595e', '858a8d', '3e4a44')
CARS = ('c4c8cb', 'e8e8e6', '23262b', '5d6166', '8c1f1f', '1f3f78', '2f6b58', 'b5a488',
        '3c3f63', 'a33a28', '6f8fae', '18324a', 'd9b23a')
TRUCKS = ('d8d5cc', 'c05a20', '2d5a8c', '8c8f92', '4d7a45', 'b03030', 'e0e0e0')
BUSES = ('d9a514', 'b8231f', 'e6b422', 'cf4a1c')
TRAMS = ('1c7a5a', '157a8a', '2a8f4f', '0f6a78')
CLOTHES = ('2b2f3a', '7a2a2a', '2f4a7a', '6a6a6a', 'b8a890', 'c23b3b', '3b7a4a', 'd8d4cc',
           '8a4a7a', 'd98a2b', '1d1d22', '4a3a2a')
TROUSERS = ('23283a', '2f3a55', '1c1c20', '5a5248', '3d4a5f', '807868')
SKIN = ('e3b899', 'c99372', '8d5a3c', 'f0cdb0', '6b4430')
BIKES = ('b52020', '1f5a8c', '22262a', '2f7a4a', 'd0a020', 'c8c8c8')
