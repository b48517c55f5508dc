# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Sky with clouds, the texture of the ground and of leaves, and the skyline far away."""

from typing import Tuple

import cv2
from espnet_perception.synthetic import classes
from espnet_perception.synthetic.camera import Camera
from espnet_perception.synthetic.colors import bgr, LEAVES
from espnet_perception.synthetic.mesh import FLAT, Mesh, MeshBuilder
from espnet_perception.synthetic.weather import Weather
import numpy as np

TILE = 512
GROUND_CLASSES = (classes.ROAD, classes.SIDEWALK, classes.TERRAIN)


def noise_tile(rng: np.random.Generator, octaves: Tuple[int, ...]) -> np.ndarray:
    """
    Return tileable noise.

    :param rng: source of chance
    :param octaves: sizes of the random grids that are enlarged and added, finer ones weaker
    :returns: (512, 512) float32 with mean 0 and standard deviation 1
    """
    total = np.zeros((TILE, TILE), np.float32)
    for rank, size in enumerate(octaves):
        small = rng.standard_normal((size, size)).astype(np.float32)
        small = np.pad(small, 2, mode='wrap')
        scale = TILE // size
        large = cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        rim = 2 * scale
        total += large[rim:rim + TILE, rim:rim + TILE] * 0.75 ** rank
    return (total - total.mean()) / total.std()


def _rays(camera: Camera, size: Tuple[int, int], rows: slice) -> np.ndarray:
    """Return (rows, W, 3) float32 directions in the world of the pixels of some rows."""
    height, width = size
    focal, (cx, cy) = camera.matrix[0, 0], camera.matrix[:2, 2]
    right = (np.arange(width, dtype=np.float32) - cx) / focal
    down = (np.arange(height, dtype=np.float32)[rows] - cy) / focal
    axes = camera.rotation.astype(np.float32)
    return right[None, :, None] * axes[0] + down[:, None, None] * axes[1] + axes[2]


def horizon_row(camera: Camera, height: int) -> int:
    """Return the first row that is wholly below the horizon, at least 1, at most height - 1."""
    pitch = np.arcsin(camera.rotation[2, 1])
    row = camera.matrix[1, 2] + camera.matrix[0, 0] * np.tan(pitch)
    slack = abs(camera.rotation[0, 1]) * camera.matrix[0, 2]
    return int(np.clip(np.ceil(row + slack) + 2, 1, height - 1))


def sky(camera: Camera, size: Tuple[int, int], tile: np.ndarray, weather: Weather,
        drift_m: float) -> np.ndarray:
    """
    Paint the sky down to the horizon row.

    :param camera: for a picture of that size
    :param size: height and width
    :param tile: from noise_tile
    :param weather: colours and clouds
    :param drift_m: how far the wind has moved the clouds
    :returns: (rows, W, 3) uint8
    """
    rows = slice(0, horizon_row(camera, size[0]))
    rays = _rays(camera, size, rows)
    up = np.maximum(rays[..., 1], 0.012)
    blend = np.clip(up * 2.6, 0, 1)[..., None] ** 0.7
    color = weather.horizon * (1 - blend) + weather.zenith * blend
    scale = 46.0 / up
    u = (rays[..., 0] * scale + drift_m) % TILE
    v = (rays[..., 2] * scale) % TILE
    noise = cv2.remap(tile, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_WRAP)
    edge = 1.6 - 2.9 * weather.cover
    amount = np.clip((noise - edge) * 0.8, 0, 1) * np.clip(up * 9 - 0.2, 0, 1) * 0.9
    cloud = weather.cloud * (1 - 0.12 * np.clip(noise - edge - 0.8, 0, 1))[..., None]
    color = color + (cloud - color) * amount[..., None]
    return np.clip(color * 255, 0, 255).astype(np.uint8)


def ground_texture(camera: Camera, size: Tuple[int, int], tile: np.ndarray
                   ) -> Tuple[int, np.ndarray]:
    """
    Return how much lighter or darker the ground's grain makes each pixel below the horizon.

    :param camera: for a picture of that size
    :param size: height and width
    :param tile: from noise_tile
    :returns: the first row, and (rows, W) float32, mean 0, about -2 to 2, fading with distance
    """
    first = horizon_row(camera, size[0])
    rays = _rays(camera, size, slice(first, None))
    distance = camera.position[1] / np.maximum(-rays[..., 1], 1e-4)
    u = (camera.position[0] + rays[..., 0] * distance) * 26 % TILE
    v = (camera.position[2] + rays[..., 2] * distance) * 26 % TILE
    grain = cv2.remap(tile, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_WRAP)
    return first, grain * np.minimum(1, 11 / distance)


def skyline(rng: np.random.Generator, ego: float) -> Mesh:
    """
    Build the far end of the view: tree tops at 100 to 104 m.

    :param rng: the same at every frame of a drive
    :param ego: metres along the street where the camera is
    """
    builder = MeshBuilder()
    places = np.arange(-110, 110, 10.0)
    for lateral in places:
        tall, deep = rng.uniform(4, 9), rng.uniform(0, 4)
        wide, angle = rng.uniform(7, 10), np.arange(9) * (np.pi / 8)
        top = np.stack((lateral + wide * np.cos(angle), tall * (0.5 + 0.5 * np.sin(angle)),
                        0 * angle + ego + 100 + deep), 1)
        feet = np.array(((lateral - wide, -1, ego + 100 + deep),
                         (lateral + wide, -1, ego + 100 + deep)))
        builder.add(np.concatenate((top, feet)), bgr(LEAVES[int(rng.integers(len(LEAVES)))]),
                    classes.VEGETATION, 1, FLAT)
    mesh = builder.build()
    return mesh._replace(orders=np.full(len(mesh.counts), -5e6))
