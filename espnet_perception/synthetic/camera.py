# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The pinhole camera of the ego car and the bend of the street in front of it."""

from typing import List, NamedTuple, Tuple

import numpy as np

NEAR_M = 0.45


class Road(NamedTuple):
    """
    Centre line of a winding road: its sideways offset is a sum of sines of the way along.

    :param amplitudes: (N,) metres
    :param lengths: (N,) metres per radian
    :param phases: (N,) radians
    """

    amplitudes: np.ndarray
    lengths: np.ndarray
    phases: np.ndarray

    def offset(self, along: np.ndarray) -> np.ndarray:
        """Return the sideways offset in metres at places along the street."""
        angle = np.asarray(along)[..., None] / self.lengths + self.phases
        return (np.sin(angle) * self.amplitudes).sum(-1)

    def slope(self, along: np.ndarray) -> np.ndarray:
        """Return the derivative of offset."""
        angle = np.asarray(along)[..., None] / self.lengths + self.phases
        return (np.cos(angle) * (self.amplitudes / self.lengths)).sum(-1)

    def bend(self, vertices: np.ndarray) -> np.ndarray:
        """
        Turn street coordinates into world coordinates.

        :param vertices: (M, 3) lateral, height, along
        :returns: (M, 3) float64 x to the right, y up, z forwards
        """
        along = vertices[:, 2].astype(np.float64)
        places = np.arange(np.floor(along.min()) - 1, np.ceil(along.max()) + 2)
        slope = np.interp(along, places, self.slope(places))
        offset = np.interp(along, places, self.offset(places))
        norm = 1 / np.sqrt(1 + slope * slope)
        lateral = vertices[:, 0]
        return np.stack((offset + lateral * norm, vertices[:, 1], along - lateral * slope * norm),
                        1)


class Camera(NamedTuple):
    """
    A pinhole camera at a place in the world.

    :param matrix: (3, 3) float64 intrinsic matrix K, pixels
    :param position: (3,) float64 world coordinates, metres
    :param rotation: (3, 3) float64, rows are the camera's right, down and forward in the world
    """

    matrix: np.ndarray
    position: np.ndarray
    rotation: np.ndarray

    def to_camera(self, world: np.ndarray) -> np.ndarray:
        """Return camera coordinates (M, 3): right, down, forward in metres."""
        return (world - self.position) @ self.rotation.T

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return pixels (M, 2) of camera coordinates with a positive third one."""
        scale = self.matrix[0, 0] / points[:, 2:]
        return points[:, :2] * scale + self.matrix[:2, 2]


def intrinsics(width: int, height: int) -> np.ndarray:
    """Return K of a camera of 49 degrees field of view with its axis in the picture's middle."""
    focal = 1.1 * width
    return np.array(((focal, 0, (width - 1) / 2), (0, focal, (height - 1) / 2), (0, 0, 1)))


def aim(matrix: np.ndarray, position: np.ndarray, angles_rad: Tuple[float, float, float]
        ) -> Camera:
    """
    Aim a camera.

    :param matrix: (3, 3) intrinsic matrix
    :param position: (3,) world coordinates, metres
    :param angles_rad: yaw to the right, pitch upwards, roll clockwise
    """
    yaw, pitch, roll = angles_rad
    forward = np.array((np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)))
    right = np.array((np.cos(yaw), 0, -np.sin(yaw)))
    down = np.cross(forward, right)
    if down[1] > 0:
        down = -down
    cos, sin = np.cos(roll), np.sin(roll)
    rows = np.stack((cos * right + sin * down, cos * down - sin * right, forward))
    return Camera(matrix, np.asarray(position, np.float64), rows)


def clip_near(polygon: np.ndarray) -> np.ndarray:
    """
    Cut off the part of a polygon that is nearer than NEAR_M.

    :param polygon: (K, 3) camera coordinates
    :returns: (L, 3), L is 0 where nothing is left
    """
    kept: List[np.ndarray] = []
    previous = polygon[-1]
    for point in polygon:
        inside, was_inside = point[2] >= NEAR_M, previous[2] >= NEAR_M
        if inside != was_inside:
            share = (NEAR_M - previous[2]) / (point[2] - previous[2])
            kept.append(previous + share * (point - previous))
        if inside:
            kept.append(point)
        previous = point
    return np.array(kept).reshape(-1, 3)
