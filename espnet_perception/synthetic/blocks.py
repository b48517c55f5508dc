# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Everything that stands still in one 12 m block of the street."""

from typing import List, Tuple

from espnet_perception.synthetic import (
    barriers,
    buildings,
    cycles,
    furniture,
    ground,
    layout,
    people,
    plants,
    vehicles,
)
from espnet_perception.synthetic.mesh import join, Mesh, place, turned
import numpy as np


def _behind(mesh: Mesh, lateral: float, far: float) -> Mesh:
    """Place what was built with its own along coordinates; its far end decides the order."""
    return place(mesh._replace(orders=np.full(len(mesh.counts), far - 0.01)), lateral, 0.0)


def _houses(rng, plan, side: int, near: float, lit: float) -> List[Mesh]:
    line = plan.front(side) + side * rng.uniform(0.0, 0.5)
    cuts = (near, near + 12) if rng.random() < 0.6 else (near, near + rng.uniform(5, 7), near + 12)
    return [_behind(buildings.house(rng, low, high, side, lit), line, high)
            for low, high in zip(cuts[:-1], cuts[1:])]


def _greenery(rng, line: float, side: int, near: float, number: int) -> List[Mesh]:
    """Return trees and bushes behind a line."""
    parts = []
    for _ in range(number):
        lateral, along = line + side * rng.uniform(2.2, 7.5), near + rng.uniform(0.5, 11.5)
        grow = plants.tree if rng.random() < 0.65 else plants.bush
        parts.append(place(grow(rng), lateral, along))
    return parts


def _front(rng, plan, side: int, near: float, front: str, lit: float) -> List[Mesh]:
    """Return what stands along the building line of one side."""
    line, far = plan.front(side), near + layout.BLOCK_M
    if front == 'house':
        return _houses(rng, plan, side, near, lit)
    if front == 'wall':
        parts = [_behind(barriers.wall(rng, near, far, side), line, far)]
        return parts + _greenery(rng, line, side, near, 3)
    if front == 'fence':
        grass = side * rng.uniform(0.3, 1.0)
        parts = [_behind(barriers.fence(rng, near, far, side), line + grass, far)]
        if rng.random() < 0.5:
            parts.append(_behind(buildings.house(rng, near, far, side, lit), line + side * 7,
                                 far))
            return parts
        return parts + _greenery(rng, line, side, near, 3)
    if front == 'park':
        return _greenery(rng, line, side, near, 4)
    half = near + 6.0
    first, second = ((barriers.wall, barriers.fence), (barriers.fence, plants.hedge),
                     (plants.hedge, barriers.wall))[rng.integers(3)]
    parts = [_behind(first(rng, near, half, side), line, half),
             _behind(second(rng, half, far, side), line + side * 0.4, far)]
    return parts + _greenery(rng, line + side * 1.5, side, near, 2)


def _kerbside(rng, plan, side: int, block: int, lit: float) -> List[Mesh]:
    """Return lamps, lights, signs, trees and racks near the kerb of one side."""
    near, index = block * layout.BLOCK_M, 1 if side > 0 else 0
    kerb = plan.kerbs[index] + side * 0.55
    parts = []
    if ground.has_crossing(block):
        arm = -side * rng.uniform(2.2, 3.4) if rng.random() < 0.6 else 0.0
        signal = furniture.traffic_light(rng, arm, int(rng.integers(3)))
        parts.append(place(signal, kerb, near + 3.0))
    elif (block + (side > 0)) % 2:
        parts.append(place(furniture.lamp(rng, -side * 1.8, lit > 0.2), kerb, near + 2.0))
    if rng.random() < 0.6:
        parts.append(place(furniture.sign(rng), kerb + side * 0.1, near + rng.uniform(5, 7)))
    if rng.random() < 0.35:
        parts.append(place(plants.tree(rng), kerb + side * 0.7, near + rng.uniform(8, 11)))
    if rng.random() < 0.25:
        for along in near + 8.0 + np.arange(int(rng.integers(2, 4))) * 1.1:
            bike = turned(cycles.bicycle(rng), side * rng.choice((np.pi / 2, np.pi / 2, 0.9)))
            parts.append(place(bike, kerb + side * 0.9, along))
    return parts


def _parked(rng, plan, near: float) -> List[Mesh]:
    """Return two parking places' worth of vehicles on the right."""
    parts = []
    for middle in (near + 3.0, near + 9.0):
        chance = rng.random()
        along = middle + rng.uniform(-0.4, 0.4)
        if chance < 0.2:
            parts.append(place(vehicles.car(rng), plan.parking, along))
        elif chance < 0.32:
            for offset in (-1.4, 1.4)[:int(rng.integers(1, 3))]:
                bike = turned(cycles.motorcycle(rng), rng.choice((-0.2, 0.9, 2.6, 1.4)))
                parts.append(place(bike, plan.parking + 0.2, along + offset))
        elif chance < 0.36:
            truck = vehicles.truck(rng)
            shrunk = truck._replace(vertices=truck.vertices * np.float32((0.9, 0.85, 0.62)),
                                    footprints=truck.footprints * np.float32(0.7))
            parts.append(place(shrunk, plan.parking, along))
        elif chance < 0.44:
            for offset in (-1.3, 0.0, 1.3):
                bike = turned(cycles.bicycle(rng), -np.pi / 2 + rng.normal(0, 0.15))
                parts.append(place(bike, plan.parking + 0.3, along + offset))
    return parts


def _bystanders(rng, plan, near: float) -> List[Mesh]:
    parts = []
    for side, index in ((-1, 0), (1, 1)):
        for _ in range(int(rng.integers(0, 3))):
            inner = plan.kerbs[index] + side * (plan.verges[index] + 0.8)
            lateral = rng.uniform(*sorted((inner, plan.front(side) - side * 0.6)))
            along = near + rng.uniform(0, 12)
            for k in range(1 + int(rng.random() < 0.35)):
                parts.append(place(people.person(rng, rng.uniform(-0.4, 0.4)),
                                   lateral + 0.62 * k, along + 0.1 * k))
    return parts


def build_block(seed: int, block: int, plan: layout.Plan, palette: ground.Palette,
                lit: float) -> Tuple[Mesh, Mesh]:
    """
    Build one block of the street; the same arguments give the same block.

    :param seed: of the drive
    :param block: index along the street, may be negative
    :param plan: widths of the drive's street
    :param palette: colours of the drive's ground
    :param lit: share of windows and lamps that shine
    :returns: the ground, and everything that stands on it, in street coordinates
    """
    rng = np.random.default_rng((seed, 23, block % 2 ** 32))
    near = block * layout.BLOCK_M
    fronts = [layout.front_of(seed, block, side) for side in (-1, 1)]
    parts: List[Mesh] = []
    for side, front in zip((-1, 1), fronts):
        parts += _front(rng, plan, side, near, front, lit)
        parts += _kerbside(rng, plan, side, block, lit)
    parts += _parked(rng, plan, near)
    parts += _bystanders(rng, plan, near)
    return ground.ground(rng, plan, palette, block, fronts), join(parts)
