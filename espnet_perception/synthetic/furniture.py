# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Street furniture: lamps, traffic lights and signs on their poles."""

from espnet_perception.synthetic import classes, shapes
from espnet_perception.synthetic.colors import bgr, METAL, pick
from espnet_perception.synthetic.mesh import FLAT, GLOW, Mesh, MeshBuilder
import numpy as np

POLE_REACH_M = 30.0
LIGHT_HOUSING = bgr('1b2420')
LAMPS_LIT = (bgr('ff2a20'), bgr('ffb020'), bgr('30f0a0'))
LAMPS_DARK = (bgr('4a1512'), bgr('4a3510'), bgr('103a28'))
WHITE, RED, BLUE, YELLOW, GREY = (bgr(code) for code in
                                  ('f0efe8', 'c8181e', '1550a8', 'f0c818', '8a8c8e'))


def _pole(builder: MeshBuilder, width: float, height: float, paint: np.ndarray):
    half = width / 2
    builder.add(shapes.upright(-half, half, (0, height), 0), paint, classes.POLE, 0, FLAT)
    builder.add(shapes.upright(half * 0.2, half, (0, height), 0), paint * 0.7, classes.POLE, 1,
                FLAT)
    builder.add(shapes.upright(-half * 1.5, half * 1.5, (0, 0.5), 0), paint * 0.8, classes.POLE,
                2, FLAT)
    builder.footprint(-half, half, -half, half, height)


def lamp(rng: np.random.Generator, arm_m: float, lit: bool) -> Mesh:
    """
    Build a street lamp.

    :param rng: decides its paint and height
    :param arm_m: how far its arm reaches, positive to the right
    :param lit: whether it shines
    """
    builder = MeshBuilder(POLE_REACH_M + 4)
    height, paint = rng.uniform(5.5, 7.5), pick(rng, METAL)
    _pole(builder, rng.uniform(0.34, 0.42), height, paint)
    builder.add(shapes.limb((0, height - 0.1, 0), (arm_m, height + 0.35, 0), 0.26), paint,
                classes.POLE, 1, FLAT)
    lantern = shapes.box(arm_m - 0.4, arm_m + 0.4, -0.2, 0.2, (height + 0.22, height + 0.5))
    builder.add(lantern, paint * 0.8, classes.POLE, 2)
    glow = shapes.inset(lantern[0], ((0.1, 0.9, 0.0, 0.4),))
    builder.add(glow, bgr('fff0b8') if lit else bgr('c8ccd0'), classes.POLE, 3,
                GLOW if lit else FLAT)
    return builder.build()


def _signal_head(builder: MeshBuilder, lateral: float, base: float, lit: int):
    """Add one traffic light head of 0.62 by 1.5 m whose lower edge is at a height."""
    left, right = lateral - 0.31, lateral + 0.31
    board = shapes.upright(left - 0.09, right + 0.09, (base - 0.09, base + 1.59), -0.16)
    builder.add(board, WHITE, classes.TRAFFIC_LIGHT, 3, FLAT)
    builder.add(shapes.upright(left, right, (base, base + 1.5), -0.18), LIGHT_HOUSING,
                classes.TRAFFIC_LIGHT, 4, FLAT)
    for index in range(3):
        center = (lateral, base + 1.25 - 0.5 * index, -0.2)
        on = index == lit
        builder.add(shapes.ellipse(center, 0.2, 0.2, 10), (LAMPS_LIT if on else LAMPS_DARK)[index],
                    classes.TRAFFIC_LIGHT, 5, GLOW if on else FLAT)


def traffic_light(rng: np.random.Generator, arm_m: float, lit: int) -> Mesh:
    """
    Build a traffic light pole with one head on it and, with an arm, one over the road.

    :param rng: decides its paint
    :param arm_m: how far an arm reaches over the road, positive to the right, 0 for none
    :param lit: 0 red, 1 amber, 2 green
    """
    builder = MeshBuilder(POLE_REACH_M + 4)
    paint = pick(rng, METAL)
    height = 6.0 if arm_m else 4.0
    _pole(builder, 0.34, height, paint)
    _signal_head(builder, 0.0, 2.5, lit)
    if arm_m:
        builder.add(shapes.limb((0, height - 0.15, 0), (arm_m, height - 0.15, 0), 0.28), paint,
                    classes.POLE, 1, FLAT)
        _signal_head(builder, arm_m, height - 1.2, lit)
    return builder.build()


def _round(builder, height: float, rng: np.random.Generator):
    rim, inner = (RED, WHITE) if rng.random() < 0.6 else (BLUE, BLUE)
    builder.add(shapes.ellipse((0, height, -0.15), 0.47, 0.47, 14), rim, classes.TRAFFIC_SIGN, 3,
                FLAT)
    builder.add(shapes.ellipse((0, height, -0.16), 0.34, 0.34, 12), inner, classes.TRAFFIC_SIGN,
                4, FLAT)
    mark = bgr('202024') if inner is WHITE else WHITE
    builder.add(shapes.upright(-0.16, 0.16, (height - 0.12, height + 0.12), -0.17), mark,
                classes.TRAFFIC_SIGN, 5, FLAT)


def _triangle(builder, height: float, rng: np.random.Generator):
    for size, color, layer in ((0.58, RED, 3), (0.36, WHITE if rng.random() < 0.6 else YELLOW, 4)):
        points = np.array(((-size, -size * 0.8, 0), (size, -size * 0.8, 0), (0, size, 0)))
        builder.add(points + (0, height, -0.13 - layer * 0.01), color, classes.TRAFFIC_SIGN,
                    layer, FLAT)


def _board(builder, height: float, rng: np.random.Generator):
    wide, high = rng.uniform(0.45, 0.95), rng.uniform(0.4, 0.6)
    field = (BLUE, YELLOW, WHITE, bgr('1a7a44'))[rng.integers(4)]
    ink = bgr('202024') if field in (YELLOW, WHITE) else WHITE
    plate = shapes.upright(-wide, wide, (height - high, height + high), -0.15)
    builder.add(plate, ink, classes.TRAFFIC_SIGN, 3, FLAT)
    builder.add(shapes.inset(plate, ((0.05, 0.95, 0.07, 0.93),)), field, classes.TRAFFIC_SIGN, 4,
                FLAT)
    lines = ((0.15, 0.8, 0.6, 0.75), (0.15, 0.6, 0.28, 0.43))
    builder.add(shapes.inset(plate, lines), ink, classes.TRAFFIC_SIGN, 5, FLAT)


def sign(rng: np.random.Generator) -> Mesh:
    """Build a round, triangular or rectangular sign on a pole; some show their grey back."""
    builder = MeshBuilder(POLE_REACH_M)
    height = rng.uniform(2.4, 3.0)
    _pole(builder, 0.28, height + 0.3, pick(rng, METAL))
    (_round, _triangle, _board, _board)[rng.integers(4)](builder, height, rng)
    mesh = builder.build()
    if rng.random() < 0.08:
        face = mesh.labels == classes.TRAFFIC_SIGN
        mesh.colors[face] = np.array(GREY, np.float32)
    return mesh
