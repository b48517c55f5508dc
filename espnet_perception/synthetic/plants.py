# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Trees, bushes and hedges as heaps of leaf clusters lit from above."""

from espnet_perception.synthetic import classes, shapes
from espnet_perception.synthetic.colors import BARK, BLOSSOMS, jitter, LEAVES, pick
from espnet_perception.synthetic.mesh import FLAT, Mesh, MeshBuilder
import numpy as np

TREE_REACH_M = 95.0


def _leaves(rng: np.random.Generator) -> np.ndarray:
    return pick(rng, BLOSSOMS if rng.random() < 0.08 else LEAVES, 0.1)


def _clusters(builder: MeshBuilder, rng: np.random.Generator, color, heap, number: int):
    """
    Add a heap of leaf clusters.

    :param builder: gets the polygons
    :param rng: source of chance
    :param color: (3,) of the leaves
    :param heap: centre (lateral, height, along) and half extent in these directions, metres
    :param number: how many clusters
    """
    center, size = heap
    place = rng.uniform(-1, 1, (number, 3))
    place /= np.maximum(1, np.linalg.norm(place, axis=1, keepdims=True))
    place = place[np.argsort(place[:, 1] * 0.5 - place[:, 2])]
    radius = rng.uniform(0.28, 0.5, number)[:, None]
    angle = np.arange(9) * (2 * np.pi / 9) + rng.uniform(0, 1, (number, 1))
    rim = radius * rng.uniform(0.85, 1.15, (number, 9))
    offset = np.stack((np.cos(angle) * rim, np.sin(angle) * rim, np.zeros_like(rim)), 2)
    spread = np.array(size, np.float32)
    points = np.array(center) + (place[:, None] * (0.75, 0.75, 0.9) + offset) * spread
    points[..., 1] = np.maximum(points[..., 1], 0.0)
    light = 0.78 + 0.3 * place[:, 1:2]
    colors = np.clip(jitter(rng, color, number, 0.09) * light, 0.01, 0.95)
    builder.add(points, colors, classes.VEGETATION, 3, FLAT)


def _speckle(builder: MeshBuilder, rng: np.random.Generator, color, heap, number: int):
    """Add small light and dark leaf spots within a heap, near by only."""
    center, size = heap
    reach, builder.reach_m = builder.reach_m, 38.0
    place = rng.normal(0, 0.4, (number, 3)).clip(-0.75, 0.75)
    half = rng.uniform(0.05, 0.1, (number, 1, 1))
    corners = np.array(((-1, -0.3, 0), (0.2, -1, 0), (1, 0.4, 0), (-0.3, 1, 0)))
    points = np.array(center) + (place[:, None] * np.array(size)) + corners * half * min(size)
    points[..., 2] -= size[2] * 0.5
    shade = np.where(rng.random((number, 1)) < 0.5, 0.7, 1.13)
    builder.add(points, np.clip(color * shade, 0, 0.95), classes.VEGETATION, 4, FLAT)
    builder.reach_m = reach


def tree(rng: np.random.Generator) -> Mesh:
    """Build a broad-leaved or a slender tree."""
    builder = MeshBuilder(TREE_REACH_M)
    slender = rng.random() < 0.25
    trunk = rng.uniform(1.8, 2.6) if not slender else 1.0
    wide, high = (rng.uniform(0.9, 1.2), rng.uniform(2.4, 3.4)) if slender else (
        rng.uniform(1.5, 2.4), rng.uniform(1.5, 2.3))
    bark = pick(rng, BARK)
    half = rng.uniform(0.16, 0.24)
    stem = np.array(((-half, 0, 0), (half, 0, 0), (half * 0.7, trunk + high, 0),
                     (-half * 0.7, trunk + high, 0)))
    builder.add(stem, bark, classes.VEGETATION, 0, FLAT)
    builder.add(stem * (0.5, 1, 1) + (half * 0.45, 0, 0), bark * 0.7, classes.VEGETATION, 1, FLAT)
    for side in (-1, 1):
        builder.add(shapes.limb((0, trunk, 0), (side * wide * 0.5, trunk + high * 0.7, 0), 0.13),
                    bark * 0.85, classes.VEGETATION, 1, FLAT)
    heap, color = ((0, trunk + high, 0), (wide, high, wide)), _leaves(rng)
    _clusters(builder, rng, color, heap, 22)
    _speckle(builder, rng, color, heap, 36)
    builder.footprint(-wide * 0.7, wide * 0.7, -wide * 0.7, wide * 0.7, trunk + high * 1.6)
    return builder.build()


def bush(rng: np.random.Generator) -> Mesh:
    """Build a bush of 0.6 to 1.4 m."""
    builder = MeshBuilder(50)
    half = rng.uniform(0.5, 0.9)
    high = half * rng.uniform(0.7, 1.0)
    heap, color = ((0, high * 0.7, 0), (half, high, half)), _leaves(rng)
    _clusters(builder, rng, color, heap, 9)
    _speckle(builder, rng, color, heap, 10)
    builder.footprint(-half, half, -half, half, high)
    return builder.build()


def hedge(rng: np.random.Generator, near: float, far: float, side: int) -> Mesh:
    """
    Build a trimmed hedge along the street from lateral 0 outwards.

    :param rng: source of chance
    :param near: metres along the street where it begins
    :param far: where it ends
    :param side: 1 on the right of the street, -1 on the left
    """
    builder = MeshBuilder(TREE_REACH_M)
    height, color = rng.uniform(1.0, 1.9), _leaves(rng)
    left, right = sorted((0.0, side * 1.0))
    solid = shapes.box(left, right, near, far, (0.0, height))
    builder.add(solid, color, classes.VEGETATION, 0)
    builder.reach_m = 45.0
    face = solid[3] if side > 0 else solid[1]
    u, v = rng.uniform(0.02, 0.95, 60), rng.uniform(0.03, 0.9, 60)
    spots = shapes.inset(face, np.stack((u, u + 0.03, v, v + 0.09), 1))
    builder.add(spots, jitter(rng, color * 0.95, 60, 0.22), classes.VEGETATION, 1)
    builder.footprint(left, right, near, far, height)
    return builder.build()
