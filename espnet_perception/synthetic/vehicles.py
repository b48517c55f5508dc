# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Cars, trucks, buses and trams, built around their own origin with the front towards +along."""

from espnet_perception.synthetic import classes, shapes
from espnet_perception.synthetic.colors import bgr, BUSES, CARS, pick, TRAMS, TRUCKS
from espnet_perception.synthetic.mesh import GLOW, join, Mesh, MeshBuilder
import numpy as np

GLASS = bgr('2a333b')
TYRE = bgr('18181a')
RUBBER = bgr('26272a')
RED_LAMP = bgr('d01818')
WHITE_LAMP = bgr('f4f0d8')
STEEL = bgr('8e9296')
PLATE = bgr('e6e6da')


def _wheels(builder: MeshBuilder, half_width: float, places, radius: float, label: int):
    for side in (-1, 1):
        for along in places:
            center = (side * (half_width + 0.01), radius, along)
            builder.add(shapes.wheel(center, radius)[::side], TYRE, label, 2)
            builder.add(shapes.wheel(center, radius * 0.55, 8)[::side], STEEL, label, 3)
    for along in (places[0], places[-1]):
        for side in (-1, 1):
            inner, outer = sorted((side * (half_width - 0.28), side * half_width))
            builder.add(shapes.box(inner, outer, along - radius * 0.8, along + radius * 0.8,
                                   (0.0, radius)), TYRE, label, 0)


def _lamps(builder: MeshBuilder, box: np.ndarray, label: int, rear, front):
    """Paint lamps on the back (box[0]) and the front (box[2]) at (up from, up to) fractions."""
    for face, color, (low, high) in ((box[0], RED_LAMP, rear), (box[2], WHITE_LAMP, front)):
        rectangles = ((0.03, 0.2, low, high), (0.8, 0.97, low, high))
        glow = shapes.inset(face, rectangles)
        glow[..., 2] += 0.02 if face is box[2] else -0.02
        builder.add(glow, color, label, 4)


def car(rng: np.random.Generator) -> Mesh:
    """Build a hatchback, saloon, estate, off-roader or van."""
    builder = MeshBuilder(68)
    length, width = rng.uniform(3.9, 4.9), rng.uniform(1.74, 1.95)
    style = rng.integers(4)
    belt, roof = ((0.88, 1.46), (0.86, 1.42), (1.0, 1.7), (1.05, 1.9))[style]
    rear_cut, front_cut = ((0.05, 1.15), (0.75, 1.2), (0.05, 1.0), (0.02, 0.55))[style]
    half, back, front = width / 2, -length / 2, length / 2
    paint = pick(rng, CARS)
    label = classes.CAR
    builder.footprint(-half, half, back, front, roof)
    _wheels(builder, half - 0.02, (back + 0.8, front - 0.85), 0.34, label)
    lower = shapes.box(-half, half, back, front, (0.2, 0.45))
    builder.add(lower, paint * 0.62, label, 1)
    body = shapes.frustum((-half, half, back, front), 0.42,
                          (-half + 0.06, half - 0.06, back + 0.08, front - 0.12), belt)
    builder.add(body, paint, label, 1)
    cabin = shapes.frustum(
        (-half + 0.07, half - 0.07, back + rear_cut, front - front_cut), belt - 0.02,
        (-half + 0.24, half - 0.24, back + rear_cut + 0.35, front - front_cut - 0.75), roof)
    builder.add(cabin, paint, label, 5)
    for index, rectangles in ((0, ((0.08, 0.92, 0.12, 0.86),)), (2, ((0.05, 0.95, 0.06, 0.9),)),
                              (1, ((0.05, 0.48, 0.1, 0.88), (0.53, 0.93, 0.1, 0.88))),
                              (3, ((0.07, 0.47, 0.1, 0.88), (0.52, 0.95, 0.1, 0.88)))):
        builder.add(shapes.inset(cabin[index], rectangles), GLASS, label, 6)
    _lamps(builder, body, label, (0.45, 0.85), (0.4, 0.75))
    builder.add(shapes.inset(body[0], ((0.36, 0.64, 0.2, 0.45),)), PLATE, label, 4)
    builder.add(shapes.inset(body[2], ((0.25, 0.75, 0.1, 0.5),)), RUBBER, label, 4)
    return builder.build()


def truck(rng: np.random.Generator) -> Mesh:
    """Build a lorry: a cab and a higher load box, tank or flat bed with a gap between them."""
    builder = MeshBuilder(68)
    length, half, height = rng.uniform(6.5, 9.5), rng.uniform(1.15, 1.3), rng.uniform(2.9, 3.8)
    back, front = -length / 2, length / 2
    cab_back = front - 1.9
    label = classes.TRUCK
    cargo, cab_paint = pick(rng, TRUCKS), pick(rng, TRUCKS)
    builder.footprint(-half, half, back, front, height)
    _wheels(builder, half - 0.05, (back + 1.1, back + 2.2, front - 1.1), 0.48, label)
    builder.add(shapes.box(-half + 0.2, half - 0.2, back + 0.3, front, (0.5, 0.95)), RUBBER,
                label, 1)
    load = shapes.box(-half, half, back, cab_back - 0.35, (0.95, height))
    builder.add(load[2], cargo, label, 4)
    builder.add(load[[0, 1, 3, 4]], cargo, label, 7)
    cab = shapes.frustum((-half, half, cab_back, front), 0.55,
                         (-half + 0.08, half - 0.08, cab_back, front - 0.25), height * 0.82)
    builder.add(cab, cab_paint, label, 5)
    builder.add(shapes.inset(cab[2], ((0.06, 0.94, 0.5, 0.88),)), GLASS, label, 6)
    for side in (1, 3):
        builder.add(shapes.inset(cab[side], ((0.3, 0.8, 0.52, 0.86),)), GLASS, label, 6)
    builder.add(shapes.inset(cab[2], ((0.15, 0.85, 0.16, 0.36),)), RUBBER, label, 6)
    _lamps(builder, cab, label, (0.05, 0.1), (0.06, 0.16))
    dark = cargo * 0.7
    builder.add(shapes.inset(load[0], ((0.49, 0.51, 0.04, 0.96), (0.03, 0.06, 0.02, 0.98),
                                       (0.94, 0.97, 0.02, 0.98), (0.2, 0.23, 0.05, 0.95),
                                       (0.77, 0.8, 0.05, 0.95))), dark, label, 8)
    stripes = [(0.01 + 0.11 * i, 0.03 + 0.11 * i, 0.04, 0.96) for i in range(9)]
    for side in (1, 3):
        builder.add(shapes.inset(load[side], stripes), dark, label, 8)
    bumper = shapes.box(-half, half, back - 0.02, back + 0.1, (0.5, 0.78))
    builder.add(bumper, RUBBER, label, 7)
    builder.add(shapes.inset(bumper[0], ((0.03, 0.2, 0.2, 0.8), (0.8, 0.97, 0.2, 0.8))), RED_LAMP,
                label, 8)
    return builder.build()


def _coach(builder: MeshBuilder, shape, paint, label: int, bands) -> np.ndarray:
    """Paint a long box with a window band, a skirt and a stripe; return its faces."""
    half, back, front, low, height = shape
    body = shapes.frustum((-half, half, back, front), low,
                          (-half + 0.05, half - 0.05, back + 0.05, front - 0.1), height)
    builder.add(body, paint, label, 2)
    skirt, band, columns = bands
    for side in (1, 3):
        builder.add(shapes.inset(body[side], ((0, 1, 0, 0.14),)), skirt, label, 3)
        builder.add(shapes.inset(body[side], ((0.01, 0.99, 0.45, 0.82),)), band, label, 3)
        edges = (np.arange(columns) + 0.5) / columns
        panes = [(e - 0.43 / columns, e + 0.43 / columns, 0.47, 0.8) for e in edges]
        builder.add(shapes.inset(body[side], panes), GLASS, label, 4)
        doors = [(d, d + 0.055, 0.06, 0.8) for d in (0.1, 0.5, 0.84)]
        builder.add(shapes.inset(body[side], doors), np.array(GLASS) * 0.8, label, 5)
    return body


def bus(rng: np.random.Generator) -> Mesh:
    """Build a city bus in a warm colour with a large windscreen and a destination board."""
    builder = MeshBuilder(68)
    length, half, height = rng.uniform(9.5, 12.0), 1.27, rng.uniform(2.95, 3.2)
    back, front, label = -length / 2, length / 2, classes.BUS
    paint = pick(rng, BUSES)
    builder.footprint(-half, half, back, front, height)
    _wheels(builder, half, (back + 2.6, front - 2.4), 0.48, label)
    body = _coach(builder, (half, back, front, 0.3, height), paint, label,
                  (paint * 0.55, paint * 0.6, 8))
    builder.add(shapes.inset(body[2], ((0.05, 0.95, 0.33, 0.83),)), GLASS, label, 4)
    builder.add(shapes.inset(body[2], ((0.2, 0.8, 0.87, 0.96),)), bgr('ffb030'), label, 5, GLOW)
    builder.add(shapes.inset(body[0], ((0.12, 0.88, 0.52, 0.82),)), GLASS, label, 4)
    builder.add(shapes.inset(body[0], ((0.1, 0.9, 0.12, 0.36),)), paint * 0.6, label, 4)
    builder.add(shapes.inset(body[0], ((0.35, 0.65, 0.86, 0.95),)), bgr('ffb030'), label, 5, GLOW)
    _lamps(builder, body, label, (0.36, 0.48), (0.1, 0.2))
    return builder.build()


def _tram_car(back: float, front: float, height: float, paint: np.ndarray) -> Mesh:
    builder, half, label = MeshBuilder(68), 1.25, classes.TRAIN
    white = bgr('eceee8')
    body = _coach(builder, (half, back, front, 0.22, height), paint, label,
                  (bgr('3c4246'), white, 5))
    builder.add(shapes.box(-0.8, 0.8, back + 1.2, front - 1.2, (height, height + 0.35)),
                bgr('9aa0a2'), label, 6)
    for end in (0, 2):
        builder.add(shapes.inset(body[end], ((0.06, 0.94, 0.46, 0.86),)), GLASS, label, 4)
        builder.add(shapes.inset(body[end], ((0.0, 1.0, 0.28, 0.42),)), white, label, 4)
        builder.add(shapes.inset(body[end], ((0.3, 0.7, 0.89, 0.97),)), bgr('fff0c0'), label, 5)
    _lamps(builder, body, label, (0.12, 0.22), (0.12, 0.22))
    return builder.build()


def tram(rng: np.random.Generator) -> Mesh:
    """Build a tram of two or three cars in a cool colour with a white band and a roof rack."""
    number, length, half, height = int(rng.integers(2, 4)), 8.0, 1.25, 3.35
    paint = pick(rng, TRAMS)
    cars = []
    for index in range(number):
        back = (index - number / 2) * length
        front = back + length - 0.35
        one = _tram_car(back, front, height, paint)
        cars.append(one._replace(orders=np.full(len(one.counts), (back + front) / 2)))
        if index + 1 < number:
            bellows = MeshBuilder(68)
            bellows.add(shapes.box(-1.0, 1.0, front, front + 0.35, (0.4, height - 0.2)), RUBBER,
                        classes.TRAIN)
            gap = bellows.build()
            cars.append(gap._replace(orders=np.full(len(gap.counts), front)))
    feet = ((-half, half, -number * length / 2, number * length / 2, height),)
    return join(cars)._replace(footprints=np.array(feet, np.float32))
