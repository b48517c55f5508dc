# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Bicycles and motorcycles, parked or ridden, with the front towards +along."""

from espnet_perception.synthetic import classes, shapes
from espnet_perception.synthetic.colors import bgr, BIKES, JACKETS, MOTORS, pick, SKIN, TROUSERS
from espnet_perception.synthetic.mesh import FLAT, Mesh, MeshBuilder
from espnet_perception.synthetic.people import head, torso
import numpy as np

BICYCLE_REACH_M = 28.0
MOTORCYCLE_REACH_M = 32.0
RIDER_REACH_M = 36.0
TYRE = bgr('1c1c1e')
SPOKES = bgr('9aa6aa')
CHROME = bgr('a7abae')
HELMETS = ('e8e8e4', 'c02020', '202226', '2050a0', 'f0c020', 'd8642a')


def _bicycle_into(builder: MeshBuilder, paint: np.ndarray):
    label = classes.BICYCLE
    for along in (-0.52, 0.52):
        builder.add(shapes.wheel((0, 0.35, along), 0.36), TYRE, label, 0, FLAT)
        builder.add(shapes.wheel((0, 0.35, along), 0.26, 10), SPOKES, label, 1, FLAT)
        thin = shapes.box(-0.06, 0.06, along - 0.3, along + 0.3, (0.0, 0.7))
        builder.add(thin[[0, 2, 4]], TYRE, label, 0)
    frame = (((0, 0.35, -0.52), (0, 0.42, 0.0)), ((0, 0.42, 0.0), (0, 0.82, 0.38)),
             ((0, 0.42, 0.0), (0, 0.88, -0.18)), ((0, 0.84, -0.16), (0, 0.86, 0.38)),
             ((0, 0.35, -0.52), (0, 0.82, -0.16)), ((0, 0.35, 0.52), (0, 1.02, 0.36)))
    for start, end in frame:
        builder.add(shapes.bar(start, end, 0.09), paint, label, 2, FLAT)
        builder.add(shapes.limb((-0.001, start[1], start[2]), (0.001, end[1], end[2]), 0.09),
                    paint, label, 2, FLAT)
    builder.add(shapes.box(-0.1, 0.1, -0.34, -0.06, (0.88, 0.98)), TYRE, label, 3)
    builder.add(shapes.box(-0.3, 0.3, 0.33, 0.41, (0.98, 1.07)), TYRE, label, 3)
    if paint[0] > 0.3:
        builder.add(shapes.box(-0.17, 0.17, 0.42, 0.68, (0.74, 1.0)), bgr('7a5a38'), label, 4)


def bicycle(rng: np.random.Generator) -> Mesh:
    """Build a bicycle without anybody on it."""
    builder = MeshBuilder(BICYCLE_REACH_M)
    _bicycle_into(builder, pick(rng, BIKES))
    builder.footprint(-0.1, 0.1, -0.8, 0.8, 0.9)
    return builder.build()


def _rider_into(builder: MeshBuilder, rng: np.random.Generator, seat: float, lean: float):
    """Add a rider on a seat at a height, leaning forward by metres."""
    label = classes.RIDER
    jacket, trousers = pick(rng, JACKETS, 0.06), pick(rng, TROUSERS, 0.1)
    swing = rng.uniform(-0.12, 0.12)
    for side in (-1, 1):
        knee = (side * 0.17, seat - 0.18 + side * swing, 0.2)
        foot = (side * 0.14, seat - 0.62 - side * swing, 0.02)
        for start, end in (((side * 0.1, seat, -0.1), knee), (knee, foot)):
            builder.add(shapes.limb(start, end, 0.17), trousers, label, 6, FLAT)
            builder.add(shapes.bar(start, end, 0.15), trousers, label, 6, FLAT)
        hand = (side * 0.26, seat + 0.16, 0.42)
        shoulder = (side * 0.22, seat + 0.56, lean)
        builder.add(shapes.limb(shoulder, hand, 0.13), jacket * 0.9, label, 6, FLAT)
        builder.add(shapes.bar(shoulder, hand, 0.12), jacket * 0.9, label, 6, FLAT)
    upper = MeshBuilder(builder.reach_m)
    torso(upper, label, seat - 0.08, seat + 0.62, jacket)
    helmet = pick(rng, HELMETS)
    head(upper, label, seat + 0.78, pick(rng, SKIN), helmet)
    mesh = upper.build()
    share = np.clip((mesh.vertices[:, 1] - seat) / 0.6, 0, 1.3)
    mesh.vertices[:, 2] += -0.1 + share * (lean + 0.1)
    start = 0
    for count, color, layer in zip(mesh.counts, mesh.colors, mesh.layers):
        builder.add(mesh.vertices[start:start + count], color, label, int(layer) + 6, FLAT)
        start += count
    builder.add(shapes.bar((0, seat - 0.1, -0.14), (0, seat + 0.58, lean - 0.02), 0.3), jacket,
                label, 7, FLAT)
    builder.add(shapes.wheel((0, seat + 0.8, lean + 0.06), 0.15, 10), helmet, label, 11, FLAT)


def cyclist(rng: np.random.Generator) -> Mesh:
    """Build a bicycle with its rider; the two carry their own labels."""
    builder = MeshBuilder(RIDER_REACH_M)
    _bicycle_into(builder, pick(rng, BIKES))
    _rider_into(builder, rng, 0.98, 0.16)
    builder.footprint(-0.25, 0.25, -0.8, 0.8, 1.7)
    return builder.build()


def _motorcycle_into(builder: MeshBuilder, paint: np.ndarray, scooter: bool):
    label = classes.MOTORCYCLE
    radius = 0.26 if scooter else 0.33
    for along in (-0.68, 0.7):
        builder.add(shapes.wheel((0, radius, along), radius), TYRE, label, 0, FLAT)
        builder.add(shapes.wheel((0, radius, along), radius * 0.5, 8), CHROME, label, 1, FLAT)
        tread = shapes.box(-0.11, 0.11, along - radius, along + radius, (0.0, 2 * radius))
        builder.add(tread[[0, 2, 4]], TYRE, label, 0)
    engine = shapes.frustum((-0.24, 0.24, -0.45, 0.45), 0.24, (-0.2, 0.2, -0.45, 0.4), 0.62)
    builder.add(engine, paint * 0.6 if scooter else CHROME, label, 2)
    tank = shapes.frustum((-0.24, 0.24, -0.85, 0.5), 0.58, (-0.16, 0.16, -0.7, 0.4), 0.9)
    builder.add(tank, paint, label, 3)
    builder.add(shapes.box(-0.16, 0.16, -0.8, 0.0, (0.86, 0.97)), TYRE, label, 4)
    shield = shapes.frustum((-0.26, 0.26, 0.42, 0.7), 0.4, (-0.17, 0.17, 0.36, 0.5), 1.12)
    builder.add(shield, paint, label, 4)
    builder.add(shapes.inset(shield[2], ((0.3, 0.7, 0.55, 0.85),)), bgr('fff6d0'), label, 5)
    builder.add(shapes.inset(tank[0], ((0.2, 0.8, 0.3, 0.8),)), bgr('d01818'), label, 5)
    builder.add(shapes.inset(engine[0], ((0.2, 0.8, 0.1, 0.9),)), TYRE, label, 3)
    builder.add(shapes.box(-0.4, 0.4, 0.34, 0.42, (1.0, 1.08)), TYRE, label, 5)
    for side in (-1, 1):
        builder.add(shapes.ellipse((side * 0.42, 1.16, 0.38), 0.09, 0.06, 8), TYRE, label, 5,
                    FLAT)


def motorcycle(rng: np.random.Generator) -> Mesh:
    """Build a motorcycle or a scooter without anybody on it."""
    builder = MeshBuilder(MOTORCYCLE_REACH_M)
    _motorcycle_into(builder, pick(rng, MOTORS), rng.random() < 0.4)
    builder.footprint(-0.25, 0.25, -0.95, 0.95, 0.95)
    return builder.build()


def motorcyclist(rng: np.random.Generator) -> Mesh:
    """Build a motorcycle with its rider; the two carry their own labels."""
    builder = MeshBuilder(RIDER_REACH_M)
    _motorcycle_into(builder, pick(rng, MOTORS), rng.random() < 0.4)
    _rider_into(builder, rng, 0.92, 0.06)
    builder.footprint(-0.3, 0.3, -0.95, 0.95, 1.6)
    return builder.build()
