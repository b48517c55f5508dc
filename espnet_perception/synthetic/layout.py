# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The plan of a street: who has which strip of it, and what stands on its sides."""

from typing import NamedTuple, Tuple

import numpy as np

BLOCK_M = 12.0
LANE_M = 3.5
ONCOMING_LANE = -1.75
EGO_LANE = 1.75
TRAM_LANE = -5.25
CYCLE_LANE = 3.55
FRONTS = ('house', 'house', 'wall', 'fence', 'house', 'park', 'wall', 'fence')


class Plan(NamedTuple):
    """
    Widths of a drive's street in metres, all measured from the centre line.

    :param parking: lateral of the middle of the parking strip on the right
    :param kerbs: lateral of the left and of the right kerb, the left one negative
    :param pavements: width of the left and of the right pavement
    :param verges: width of the left and of the right strip of grass between kerb and pavement
    """

    parking: float
    kerbs: Tuple[float, float]
    pavements: Tuple[float, float]
    verges: Tuple[float, float]

    def front(self, side: int) -> float:
        """Return the lateral of the building line of a side (1 right, -1 left)."""
        index = 1 if side > 0 else 0
        return self.kerbs[index] + side * (self.verges[index] + self.pavements[index])


def draw_plan(rng: np.random.Generator) -> Plan:
    """Draw the widths of one drive's street."""
    parking = rng.uniform(5.1, 5.5)
    verges = tuple(rng.uniform(1.4, 2.2) if rng.random() < 0.6 else 0.0 for _ in range(2))
    return Plan(parking, (-7.1 - rng.uniform(0, 0.5), parking + 1.15),
                (rng.uniform(3.0, 4.2), rng.uniform(3.0, 4.2)), verges)


def front_of(seed: int, block: int, side: int) -> str:
    """
    Return what stands along one side of a block; every eight blocks have each kind.

    :param seed: of the drive
    :param block: index of the 12 m block along the street
    :param side: 1 right, -1 left
    """
    cycle, place = divmod(block, len(FRONTS))
    rng = np.random.default_rng((seed, 11, side + 1, cycle % 2 ** 32))
    return FRONTS[rng.permutation(len(FRONTS))[place]]
