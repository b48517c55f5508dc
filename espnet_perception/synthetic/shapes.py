# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Simple solids as arrays of polygons, see mesh.MeshBuilder.add for the corner order."""

from typing import Sequence, Tuple

import numpy as np

Rectangle = Tuple[float, float, float, float]


def frustum(base: Rectangle, bottom: float, roof: Rectangle, top: float) -> np.ndarray:
    """
    Return the five visible faces of a box whose roof may be smaller than its base.

    :param base: lateral from and to, along from and to, metres
    :param bottom: height of the base, metres
    :param roof: like base, for the upper rectangle
    :param top: height of the roof, metres
    :returns: (5, 4, 3) float32: back (towards -along), right, front, left, top
    """
    def corners(rectangle, height):
        left, right, near, far = rectangle
        return [(left, height, near), (right, height, near), (right, height, far),
                (left, height, far)]
    low, high = corners(base, bottom), corners(roof, top)
    sides = [(low[i], low[(i + 1) % 4], high[(i + 1) % 4], high[i]) for i in range(4)]
    return np.array(sides + [tuple(high)], np.float32)


def box(left: float, right: float, near: float, far: float, height: Tuple[float, float]
        ) -> np.ndarray:
    """Return the five visible faces of a box, (5, 4, 3) float32, in frustum's order."""
    rectangle = (left, right, near, far)
    return frustum(rectangle, height[0], rectangle, height[1])


def inset(face: np.ndarray, rectangles: Sequence[Rectangle]) -> np.ndarray:
    """
    Cut rectangles out of a four-cornered face.

    :param face: (4, 3)
    :param rectangles: (N, 4) as fractions of the face: right from and to, up from and to
    :returns: (N, 4, 3) float32
    """
    u0, u1, v0, v1 = np.asarray(rectangles, np.float32).reshape(-1, 4).T
    u = np.stack((u0, u1, u1, u0), 1)[..., None]
    v = np.stack((v0, v0, v1, v1), 1)[..., None]
    return ((1 - u) * (1 - v) * face[0] + u * (1 - v) * face[1] + u * v * face[2]
            + (1 - u) * v * face[3]).astype(np.float32)


def grid(face: np.ndarray, columns: int, rows: int, fill: Tuple[float, float]) -> np.ndarray:
    """
    Cut a regular grid of windows out of a face.

    :param face: (4, 3)
    :param columns: number to the right
    :param rows: number upwards
    :param fill: share of a cell's width and height that its window takes
    :returns: (columns * rows, 4, 3) float32, row by row from below
    """
    u, v = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    u, v = u.ravel(), v.ravel()
    half_u, half_v = fill[0] / columns / 2, fill[1] / rows / 2
    return inset(face, np.stack((u - half_u, u + half_u, v - half_v, v + half_v), 1))


def upright(left: float, right: float, height: Tuple[float, float], along: float) -> np.ndarray:
    """Return a rectangle that looks towards -along, (4, 3) float32."""
    return np.array(((left, height[0], along), (right, height[0], along),
                     (right, height[1], along), (left, height[1], along)), np.float32)


def level(left: float, right: float, near: float, far: float, height: float = 0.0) -> np.ndarray:
    """Return a rectangle that lies flat and looks up, (4, 3) float32."""
    return np.array(((left, height, near), (right, height, near), (right, height, far),
                     (left, height, far)), np.float32)


def ellipse(center: Sequence[float], half_width: float, half_height: float, sides: int = 10
            ) -> np.ndarray:
    """Return an ellipse that looks towards -along, (sides, 3) float32."""
    angle = np.arange(sides) * (2 * np.pi / sides)
    offset = np.stack((np.cos(angle) * half_width, np.sin(angle) * half_height,
                       np.zeros(sides)), 1)
    return (np.asarray(center) + offset).astype(np.float32)


def wheel(center: Sequence[float], radius: float, sides: int = 12) -> np.ndarray:
    """Return a disc in the plane along-height, to be painted two-sided, (sides, 3) float32."""
    angle = np.arange(sides) * (2 * np.pi / sides)
    offset = np.stack((np.zeros(sides), np.sin(angle) * radius, np.cos(angle) * radius), 1)
    return (np.asarray(center) + offset).astype(np.float32)


def limb(start: Sequence[float], end: Sequence[float], width: float) -> np.ndarray:
    """
    Return a bar between two points as seen along the street, (4, 3) float32.

    :param start: (lateral, height, along), metres
    :param end: like start
    :param width: metres
    """
    start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
    run = end - start
    side = np.array((-run[1], run[0], 0), np.float32)
    length = float(np.hypot(side[0], side[1])) or 1.0
    side *= width / 2 / length
    return np.stack((start - side, start + side, end + side, end - side))


def bar(start: Sequence[float], end: Sequence[float], width: float) -> np.ndarray:
    """Return a bar in the plane along-height, seen from the side, (4, 3) float32."""
    start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
    run = end - start
    side = np.array((0, run[2], -run[1]), np.float32)
    length = float(np.hypot(side[1], side[2])) or 1.0
    side *= width / 2 / length
    return np.stack((start - side, start + side, end + side, end - side))
