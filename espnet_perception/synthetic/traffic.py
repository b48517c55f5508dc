# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Everybody who moves: vehicles ahead and oncoming, cyclists, walkers; a pure function of time."""

from typing import Callable, List, NamedTuple, Tuple

from espnet_perception.synthetic import cycles, layout, people, vehicles
from espnet_perception.synthetic.mesh import Mesh, place, turned
import numpy as np

AHEAD_M = 80.0
LEAD_PERIOD_S = 16.0

Builder = Callable[[np.random.Generator], Mesh]


class Lane(NamedTuple):
    """
    A row of movers at equal mean distances.

    :param tag: number that keeps the lane's chance apart from the others'
    :param lateral: metres from the centre line
    :param speed: metres per second along the street, negative for oncoming
    :param spacing: mean distance between two movers, metres
    :param reach: metres ahead of the camera up to which they are built
    :param kinds: builders and their shares
    """

    tag: int
    lateral: float
    speed: float
    spacing: float
    reach: float
    kinds: Tuple[Tuple[Builder, float], ...]


ONCOMING = ((vehicles.car, 0.52), (vehicles.truck, 0.16), (vehicles.bus, 0.08),
            (cycles.motorcyclist, 0.16), (cycles.cyclist, 0.08))
TRAMWAY = ((vehicles.tram, 0.56), (vehicles.bus, 0.3), (vehicles.truck, 0.14))
SLOW = ((cycles.cyclist, 0.6), (cycles.motorcyclist, 0.4))
LEADERS = ((vehicles.car, 0.34), (vehicles.truck, 0.24), (vehicles.bus, 0.22),
           (cycles.motorcyclist, 0.2))


def _choose(rng: np.random.Generator, kinds) -> Builder:
    shares = np.array([share for _, share in kinds])
    return kinds[int(np.searchsorted(np.cumsum(shares), rng.random() * shares.sum()))][0]


def lanes(plan: layout.Plan) -> List[Lane]:
    """Return the lanes of a street whose movers keep their lane."""
    return [Lane(1, layout.ONCOMING_LANE, -9.0, 32.0, AHEAD_M, ONCOMING),
            Lane(2, layout.TRAM_LANE, -7.0, 55.0, AHEAD_M, TRAMWAY),
            Lane(3, layout.CYCLE_LANE, 5.0, 21.0, 45.0, SLOW)]


class Traffic:
    """The movers of one drive; builds each once and keeps it."""

    def __init__(self, seed: int, plan: layout.Plan, ego_speed: float):
        """
        Remember what decides everything.

        :param seed: of the drive
        :param plan: widths of the street
        :param ego_speed: metres per second
        """
        self._seed = seed
        self._plan = plan
        self._ego_speed = ego_speed
        self._lanes = lanes(plan)
        self._built = {}

    def _mesh(self, tag: int, number: int, kinds) -> Mesh:
        key = (tag, number)
        if key not in self._built:
            if len(self._built) > 400:
                self._built.clear()
            rng = np.random.default_rng((self._seed, 37, tag, number % 2 ** 32))
            self._built[key] = _choose(rng, kinds)(rng)
        return self._built[key]

    def _in_lane(self, lane: Lane, time_s: float, ego: float) -> List[Mesh]:
        start = lane.speed * time_s
        first = int(np.floor((ego - 14 - start) / lane.spacing))
        last = int(np.ceil((ego + lane.reach - start) / lane.spacing))
        parts = []
        for number in range(first, last + 1):
            rng = np.random.default_rng((self._seed, 41, lane.tag, number % 2 ** 32))
            if rng.random() < 0.12:
                continue
            shift = rng.uniform(-0.22, 0.22) * lane.spacing
            along = start + number * lane.spacing + shift
            mesh = self._mesh(lane.tag, number, lane.kinds)
            lateral = lane.lateral + rng.uniform(-0.2, 0.2)
            parts.append(place(mesh, lateral, along, lane.speed < 0))
        return parts

    def _leader(self, time_s: float, ego: float) -> Mesh:
        """Return the vehicle ahead in the ego lane: the car closes up, then it pulls away."""
        offset = np.random.default_rng((self._seed, 43)).uniform(0, LEAD_PERIOD_S)
        number, phase = divmod(time_s + offset, LEAD_PERIOD_S)
        share = 0.5 + 0.5 * np.cos(2 * np.pi * phase / LEAD_PERIOD_S)
        mesh = self._mesh(5, int(number), LEADERS)
        rng = np.random.default_rng((self._seed, 47, int(number)))
        half = float(mesh.vertices[:, 2].max())
        near = ego + rng.uniform(6, 13) + 75 * share ** 1.6
        lateral = layout.EGO_LANE + 0.3 * np.sin(0.4 * time_s + number)
        return place(mesh, lateral, near + half)

    def _walkers(self, time_s: float, ego: float) -> List[Mesh]:
        parts = []
        for side, way in ((-1, 1), (-1, -1), (1, 1), (1, -1)):
            index = 1 if side > 0 else 0
            inner = self._plan.kerbs[index] + side * (self._plan.verges[index] + 0.9)
            outer = self._plan.front(side) - side * 0.6
            start, spacing = way * 1.3 * time_s, 14.0
            first = int(np.floor((ego - 4 - start) / spacing))
            for number in range(first, first + 3):
                rng = np.random.default_rng((self._seed, 53, side + 2 * way + 3,
                                             number % 2 ** 32))
                along = start + (number + rng.uniform(-0.4, 0.4)) * spacing
                lateral = rng.uniform(*sorted((inner, outer)))
                mesh = people.person(rng, 6.5 * time_s + rng.uniform(0, 6))
                parts.append(place(mesh, lateral, along))
        return parts

    def _crossers(self, time_s: float, ego: float) -> List[Mesh]:
        """Return people and cyclists who cross the road at a zebra crossing ahead."""
        parts = []
        first = int(np.floor((ego + 9) / (4 * layout.BLOCK_M)))
        for number in range(first, first + 2):
            rng = np.random.default_rng((self._seed, 59, number % 2 ** 32))
            along = (4 * number + 1) * layout.BLOCK_M + 5.5
            for rank in range(int(rng.integers(1, 4))):
                way, speed = rng.choice((-1, 1)), rng.uniform(0.9, 1.2)
                lateral = way * (((time_s * speed + 5.3 * rank + rng.uniform(0, 2)) % 16) - 8)
                place_along = along + 0.9 * rank - 0.9
                if place_along - ego < 11:
                    continue
                if rng.random() < 0.3:
                    mesh = turned(cycles.cyclist(rng), way * np.pi / 2)
                else:
                    mesh = people.person(rng, 6.5 * time_s)
                parts.append(place(mesh, lateral, place_along))
        return parts

    def at(self, time_s: float, ego: float) -> List[Mesh]:
        """
        Return all movers near the camera, in street coordinates.

        :param time_s: seconds since the drive began
        :param ego: metres along the street where the camera is
        """
        parts = [self._leader(time_s, ego)]
        for lane in self._lanes:
            parts += self._in_lane(lane, time_s, ego)
        return parts + self._walkers(time_s, ego) + self._crossers(time_s, ego)
