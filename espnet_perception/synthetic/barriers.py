# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Walls and fences along the street, from lateral 0 outwards."""

from espnet_perception.synthetic import classes, shapes
from espnet_perception.synthetic.colors import bgr, FENCES, jitter, pick, WALLS
from espnet_perception.synthetic.mesh import Mesh, MeshBuilder
import numpy as np

DETAIL_REACH_M = 45.0


def _street_face(solid: np.ndarray, side: int) -> np.ndarray:
    return solid[3] if side > 0 else solid[1]


def wall(rng: np.random.Generator, near: float, far: float, side: int) -> Mesh:
    """
    Build a masonry wall with courses of stones and a coping.

    :param rng: source of chance
    :param near: metres along the street where it begins
    :param far: where it ends
    :param side: 1 on the right of the street, -1 on the left
    """
    builder = MeshBuilder(90)
    height, paint = rng.uniform(2.3, 3.4), pick(rng, WALLS)
    left, right = sorted((0.0, side * 0.4))
    solid = shapes.box(left, right, near, far, (0, height))
    builder.add(solid, paint, classes.WALL, 0)
    cope = shapes.box(left - 0.08, right + 0.08, near, far, (height, height + 0.18))
    builder.add(cope, paint * 0.72, classes.WALL, 2)
    builder.reach_m = DETAIL_REACH_M
    rows, columns = 6, max(3, int((far - near) / 1.1))
    stones = shapes.grid(_street_face(solid, side), columns, rows, (0.92, 0.84))
    row = np.arange(len(stones)) // columns
    stones[row % 2 == 1, :, 2] += 0.35 * (far - near) / columns
    stones[..., 2] = stones[..., 2].clip(near, far)
    builder.add(stones, jitter(rng, paint * 1.06, len(stones), 0.09), classes.WALL, 1)
    builder.footprint(left, right, near, far, height)
    return builder.build()


def _boards(builder, rng, solid, side: int, paint):
    """Add close upright boards over a darker ground."""
    boards = shapes.grid(_street_face(solid, side), 24, 1, (0.74, 0.98))
    builder.add(boards, jitter(rng, paint, len(boards), 0.06), classes.FENCE, 1)


def _rails(builder, rng, solid, side: int, paint):
    """Add three bars and posts over a darker ground."""
    face = _street_face(solid, side)
    bars = [(0, 1, low, low + 0.16) for low in (0.12, 0.45, 0.8)]
    builder.add(shapes.inset(face, bars), paint, classes.FENCE, 1)
    posts = [(u, u + 0.03, 0, 1) for u in np.arange(6) / 6]
    builder.add(shapes.inset(face, posts), paint * 0.8, classes.FENCE, 2)


def fence(rng: np.random.Generator, near: float, far: float, side: int) -> Mesh:
    """
    Build a fence of boards or of rails; what is seen between them counts as fence.

    :param rng: source of chance
    :param near: metres along the street where it begins
    :param far: where it ends
    :param side: 1 on the right of the street, -1 on the left
    """
    builder = MeshBuilder(90)
    height, paint = rng.uniform(1.8, 2.6), pick(rng, FENCES)
    left, right = sorted((0.0, side * 0.12))
    solid = shapes.box(left, right, near, far, (0, height))
    gap = 0.45 * paint + 0.1 * np.array(bgr('3a4a2a'))
    builder.add(solid, gap, classes.FENCE, 0)
    builder.add(solid[[0, 4]], paint * 0.85, classes.FENCE, 0)
    (_boards if rng.random() < 0.7 else _rails)(builder, rng, solid, side, paint)
    for along in np.arange(near + 0.2, far, (far - near) / 4):
        post = shapes.box(left - 0.06, right + 0.06, along - 0.09, along + 0.09,
                          (0, height + 0.15))
        builder.add(post, paint * 0.75, classes.FENCE, 3)
    builder.footprint(left, right, near, far, height)
    return builder.build()
