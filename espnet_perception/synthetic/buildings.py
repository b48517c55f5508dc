# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Houses along the street, from lateral 0 outwards."""

from espnet_perception.synthetic import classes, shapes
from espnet_perception.synthetic.colors import bgr, FACADES, jitter, pick, ROOFS, WINDOWS
from espnet_perception.synthetic.mesh import FACE, GLOW, Mesh, MeshBuilder
import numpy as np

LAMPLIGHT = bgr('ffd890')
WINDOW_REACH_M = 90.0


def _windows(builder, rng, face, floors: int, columns: int, lit: float):
    """Add frames, panes and the light behind some of them to one face above the ground floor."""
    fill = (rng.uniform(0.42, 0.72), rng.uniform(0.5, 0.68))
    upper = shapes.inset(face, ((0, 1, 1.15 / (floors + 0.15), 1),))[0]
    frame = pick(rng, ('e8e4da', '6a5a48', '9a968c', 'd0c8b8'))
    builder.add(shapes.grid(upper, columns, floors - 1, (fill[0] + 0.09, fill[1] + 0.09)), frame,
                classes.BUILDING, 1)
    panes = shapes.grid(upper, columns, floors - 1, fill)
    glass = jitter(rng, pick(rng, WINDOWS), len(panes), 0.2)
    on = rng.random(len(panes)) < lit
    builder.add(panes[~on], glass[~on], classes.BUILDING, 2)
    builder.add(panes[on], np.array(LAMPLIGHT) * 0.9, classes.BUILDING, 2, GLOW)


def _ground_floor(builder, rng, face, floors: int, columns: int, lit: float):
    """Add shop windows, doors and an awning to the lowest storey of one face."""
    top = 1.0 / (floors + 0.15)
    shop = rng.random() < 0.5
    plinth = pick(rng, ('6a4f3c', '8a6a50', '5a4030', '7a5a44'))
    builder.add(shapes.inset(face, ((0, 1, 0, top * (0.98 if shop else 0.22)),)), plinth,
                classes.BUILDING, 1)
    bottom = shapes.inset(face, ((0, 1, top * 0.12, top * 0.82),))[0]
    cells = shapes.grid(bottom, columns, 1, (0.78 if shop else 0.45, 0.95 if shop else 0.6))
    glow = GLOW if shop and lit > 0.2 else FACE
    builder.add(cells, np.array(LAMPLIGHT) * 0.8 if glow == GLOW else pick(rng, WINDOWS),
                classes.BUILDING, 2, glow)
    door = int(rng.integers(columns))
    u = (door + 0.28) / columns, (door + 0.72) / columns
    builder.add(shapes.inset(face, ((u[0], u[1], 0, top * 0.72),)),
                pick(rng, ('4a2f20', '2a3a30', '5a1f1c', '30343a')), classes.BUILDING, 3)
    if shop:
        builder.add(shapes.inset(face, ((0.03, 0.97, top * 0.86, top * 1.04),)),
                    pick(rng, ('8a2a24', '2a5a3a', '2a3f6a', 'c9a24a', '3a3a3c')),
                    classes.BUILDING, 3)


def house(rng: np.random.Generator, near: float, far: float, side: int, lit: float) -> Mesh:
    """
    Build one house.

    :param rng: source of chance
    :param near: metres along the street where it begins
    :param far: where it ends
    :param side: 1 on the right of the street, -1 on the left
    :param lit: share of its windows that shine
    """
    builder = MeshBuilder(140)
    floors = int(rng.integers(2, 7))
    storey, paint = rng.uniform(2.9, 3.5), pick(rng, FACADES)
    height = storey * (floors + 0.15)
    left, right = sorted((0.0, side * 11.0))
    solid = shapes.box(left, right, near, far, (0, height))
    builder.add(solid, paint, classes.BUILDING, 0)
    roof = pick(rng, ROOFS)
    if rng.random() < 0.6:
        inner = sorted((side * 3.0, side * 8.0))
        builder.add(shapes.frustum((left - 0.2, right + 0.2, near, far), height,
                                   (inner[0], inner[1], near + 0.3, far - 0.3), height + 2.6),
                    roof, classes.BUILDING, 1)
    else:
        ledge = shapes.box(left - 0.25, right + 0.25, near, far, (height - 0.15, height + 0.35))
        builder.add(ledge, paint * 0.7, classes.BUILDING, 1)
    builder.reach_m = WINDOW_REACH_M
    street = solid[3] if side > 0 else solid[1]
    columns = max(2, int((far - near) / rng.uniform(2.0, 3.0)))
    for face, count in ((street, columns), (solid[0], 4)):
        _windows(builder, rng, face, floors, count, lit)
        _ground_floor(builder, rng, face, floors, count, lit)
    if rng.random() < 0.5:
        lines = [(0, 1, k / (floors + 0.15), k / (floors + 0.15) + 0.012)
                 for k in range(1, floors + 1)]
        builder.add(shapes.inset(street, lines), paint * 0.75, classes.BUILDING, 3)
    builder.footprint(left, right, near, far, height)
    return builder.build()
