# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Road, markings, tram rails, kerbs, pavements and grass of one block of the street."""

from typing import Sequence

from espnet_perception.synthetic import classes, layout, shapes
from espnet_perception.synthetic.colors import ASPHALT, bgr, GRASS, jitter, PAVING, pick, SOIL
from espnet_perception.synthetic.mesh import FLAT, GROUND_ORDER, Mesh, MeshBuilder
import numpy as np

PIECE_M = 3.0
PAINT = bgr('dcdcd4')
RAIL = bgr('a2a4a6')
GUTTER = bgr('48484a')
KERB = bgr('bdbab2')
MARK_REACH_M = 75.0


class Palette:
    """The ground's colours of one drive."""

    def __init__(self, rng: np.random.Generator):
        """Draw them."""
        self.asphalt = pick(rng, ASPHALT, 0.02)
        self.paving = pick(rng, PAVING, 0.03)
        self.grass = pick(rng, GRASS) * 0.85
        self.soil = pick(rng, SOIL)
        self.yellow_line = rng.random() < 0.25


def _strips(builder, edges, near: float, far: float):
    """Add strips given as (from, to, colour, label, layer), cut into short pieces."""
    for left, right, color, label, layer in edges:
        low, high = sorted((left, right))
        for start in np.arange(near, far - 0.01, PIECE_M):
            builder.add(shapes.level(low, high, start, start + PIECE_M), color, label, layer,
                        FLAT)


def _markings(builder, plan: layout.Plan, near: float, crossing: bool, paint):
    line = []
    for start in (near, near + 6.0):
        line.append(shapes.level(-0.09, 0.09, start, start + 3.0))
    for start in np.arange(near, near + layout.BLOCK_M, PIECE_M):
        line.append(shapes.level(3.92, 4.06, start, start + PIECE_M))
        line.append(shapes.level(-3.55, -3.43, start, start + PIECE_M))
    builder.add(np.array(line), paint, classes.ROAD, 2, FLAT)
    if crossing:
        lateral = np.arange(plan.kerbs[0] + 0.5, plan.kerbs[1] - 0.5, 1.0)
        bars = [shapes.level(x, x + 0.5, near + 4, near + 7.2) for x in lateral]
        builder.add(np.array(bars), PAINT, classes.ROAD, 3, FLAT)
        stop = shapes.level(0.2, 3.8, near + 2.6, near + 3.1)
        builder.add(stop, PAINT, classes.ROAD, 3, FLAT)


def _rails(builder, near: float):
    for offset in (-0.75, 0.75):
        middle = layout.TRAM_LANE + offset
        for start in np.arange(near, near + layout.BLOCK_M, PIECE_M):
            for half, color, layer in ((0.16, GUTTER, 1), (0.06, RAIL, 2)):
                builder.add(shapes.level(middle - half, middle + half, start, start + PIECE_M),
                            color, classes.ROAD, layer, FLAT)


def _wear(builder, rng, near: float, plan: layout.Plan, asphalt):
    """Add patches of newer or older asphalt, and manholes."""
    builder.reach_m = 60.0
    for _ in range(int(rng.integers(1, 4))):
        left, start = rng.uniform(plan.kerbs[0] + 0.5, plan.kerbs[1] - 2.5), rng.uniform(0, 9)
        patch = shapes.level(left, left + rng.uniform(0.6, 2.2), near + start,
                             near + start + rng.uniform(0.8, 3))
        builder.add(patch, asphalt * rng.uniform(0.82, 1.13), classes.ROAD, 1, FLAT)
    angle = np.arange(10) * 0.628
    lateral, along = rng.uniform(-6, 5), near + rng.uniform(1, 11)
    disc = np.stack((lateral + 0.35 * np.cos(angle), 0 * angle, along + 0.35 * np.sin(angle)), 1)
    builder.add(disc, asphalt * 0.6, classes.ROAD, 2, FLAT)


def _pavement_joints(builder, rng, span, near: float, color):
    low, high = sorted(span)
    builder.reach_m = 22.0
    joints = [shapes.level(low, high, near + k, near + k + 0.05) for k in np.arange(0, 12, 1.5)]
    builder.add(np.array(joints), color * 0.8, classes.SIDEWALK, 2, FLAT)
    tiles = [shapes.level(low + u, low + u + 0.6, near + k, near + k + 1.45) for u, k in
             zip(rng.uniform(0, max(high - low - 0.6, 0.1), 6), 1.5 * rng.integers(0, 8, 6))]
    builder.add(np.array(tiles), jitter(rng, color, 6, 0.07), classes.SIDEWALK, 1, FLAT)


def _side(builder, rng, plan: layout.Plan, palette: Palette, place):
    """Add kerb, verge, pavement and what lies behind the building line on one side."""
    near, side, front = place
    index = 1 if side > 0 else 0
    kerb = plan.kerbs[index]
    verge, line = kerb + side * plan.verges[index], plan.front(side)
    far = near + layout.BLOCK_M
    grass = palette.grass * rng.uniform(0.94, 1.06)
    yard = palette.paving * 0.93 if front == 'house' else grass
    label = classes.SIDEWALK if front == 'house' else classes.TERRAIN
    _strips(builder, ((line, line + side * 40, yard, label, 0),
                      (verge, line, palette.paving, classes.SIDEWALK, 1),
                      (kerb, verge, grass, classes.TERRAIN, 1),
                      (verge, verge + side * 0.22, KERB, classes.SIDEWALK, 2)), near, far)
    _pavement_joints(builder, rng, (verge + side * 0.2, line), near, palette.paving)
    if label == classes.TERRAIN:
        builder.reach_m = 60.0
        for _ in range(5):
            middle, along = line + side * rng.uniform(0.4, 8), near + rng.uniform(0, 10)
            spot = shapes.level(middle - 0.6, middle + 0.9, along, along + rng.uniform(0.8, 2.5))
            builder.add(spot, (grass * rng.uniform(0.85, 1.12), palette.soil)[rng.integers(2)],
                        classes.TERRAIN, 2, FLAT)


def ground(rng: np.random.Generator, plan: layout.Plan, palette: Palette, block: int,
           fronts: Sequence[str]) -> Mesh:
    """
    Build the ground of one block.

    :param rng: source of chance
    :param plan: widths of the street
    :param palette: the drive's ground colours
    :param block: index along the street
    :param fronts: what stands on the left and on the right side, see layout.front_of
    """
    near = block * layout.BLOCK_M
    builder = MeshBuilder(105)
    for side, front in zip((-1, 1), fronts):
        builder.reach_m = 105
        _side(builder, rng, plan, palette, (near, side, front))
    builder.reach_m = 105
    _strips(builder, ((plan.kerbs[0], plan.kerbs[1], palette.asphalt, classes.ROAD, 1),), near,
            near + layout.BLOCK_M)
    builder.reach_m = MARK_REACH_M
    paint = bgr('d8b040') if palette.yellow_line else PAINT
    _markings(builder, plan, near, has_crossing(block), paint)
    _rails(builder, near)
    _wear(builder, rng, near, plan, palette.asphalt)
    mesh = builder.build()
    return mesh._replace(orders=np.full(len(mesh.counts), GROUND_ORDER - near))


def has_crossing(block: int) -> bool:
    """Tell whether a block has a zebra crossing with traffic lights."""
    return block % 4 == 1
