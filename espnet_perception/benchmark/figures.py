# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""From the turns of a configuration to its figures: latency, throughput, power, energy, ratios."""

import math
from typing import Any, Callable, Dict, Optional, Sequence

from espnet_perception.telemetry.energy import SECOND_NS
from espnet_perception.telemetry.latency import summarise
import numpy as np

LEAST_COVERED = 0.9  # of a turn must be measured by the power sensor, or its energy is not known
LEAST_DIVISOR = 1e-6  # ms or mJ; what is left above the idle power may be nothing
NORMAL_QUANTILE = 1.96  # of 95 %
MEGABYTE = 1e6

Turn = Dict[str, Any]


def figures_of(turns: Sequence[Turn]) -> Optional[Dict[str, Any]]:
    """
    Return the figures of a configuration.

    :param turns: as ``running`` keeps them, of all repeats.
    :return: plain values in ms, mW, mJ; None of what was not measured; None without turns.
    """
    if not turns:
        return None
    durations_ns = [duration_ns for turn in turns for duration_ns in turn['durations_ns']]
    repeats = sorted({turn['repeat'] for turn in turns})
    medians = [_median_ms([turn for turn in turns if turn['repeat'] == repeat])
               for repeat in repeats]
    latency = summarise(durations_ns)._asdict()
    return {
        'latency': {name: value if name == 'count' else round(value, 4)
                    for name, value in latency.items()},
        'uncertainty_percent': uncertainty_percent(turns),
        'frames_per_second': len(durations_ns) * SECOND_NS / sum(durations_ns),
        'peak_mb': max(turn['peak_bytes'] for turn in turns) / MEGABYTE,
        'power_mw': _median_of(turns, power_mw),
        'energy_mj': _median_of(turns, energy_mj),
        'repeat_medians_ms': medians,
        'repeat_spread_percent': 100.0 * (max(medians) - min(medians)) / min(medians)
        if len(medians) > 1 else None,
    }


def uncertainty_percent(turns: Sequence[Turn]) -> Optional[float]:
    """
    Return by how much the median may be wrong: half of its 95 % interval, in percent of it.

    The runs within a turn are not independent of each other, the turns are more so; the interval
    is that of the median of their medians, by ranks.

    :param turns: of one configuration.
    :return: None of fewer than six turns, whose medians give no such interval.
    """
    medians = sorted(float(np.median(turn['durations_ns'])) for turn in turns)
    count = len(medians)
    lowest = int(math.floor(count / 2 - NORMAL_QUANTILE / 2 * math.sqrt(count)))
    if count < 6:
        return None
    low, high = medians[max(0, lowest)], medians[min(count - 1, count - 1 - lowest)]
    return 100.0 * (high - low) / 2 / float(np.median(medians))


def power_mw(turn: Turn) -> Optional[float]:
    """
    Return the mean power of a turn in milliwatts, above the idle power where that was measured.

    :param turn: the turn.
    """
    covered_ns = turn.get('covered_ns') or 0
    if covered_ns < LEAST_COVERED * (turn['end_ns'] - turn['start_ns']):
        return None
    return turn['energy_mj'] * SECOND_NS / covered_ns - (turn.get('idle_mw') or 0.0)


def energy_mj(turn: Turn) -> Optional[float]:
    """
    Return the energy of a frame in millijoules, likewise.

    :param turn: the turn.
    """
    power = power_mw(turn)
    if power is None:
        return None
    seconds = (turn['end_ns'] - turn['start_ns']) / SECOND_NS
    return power * seconds / len(turn['durations_ns'])


def ratio(own: Sequence[Turn], reference: Sequence[Turn],
          value: Callable[[Turn], Optional[float]]) -> Optional[float]:
    """
    Return how many times less a configuration needs than the one it is compared with.

    Each turn is compared with that of the same round, so that drift of the machine cancels.

    :param own: turns of the configuration.
    :param reference: turns of the other.
    :param value: of a turn: ``median_ms`` or ``energy_mj``.
    :return: the median over rounds; None where no round has both.
    """
    others = {(turn['repeat'], turn['round']): value(turn) for turn in reference}
    ratios = []
    for turn in own:
        other, mine = others.get((turn['repeat'], turn['round'])), value(turn)
        if other is not None and mine is not None and mine > LEAST_DIVISOR:
            ratios.append(other / mine)
    return float(np.median(ratios)) if ratios else None


def median_ms(turn: Turn) -> float:
    """
    Return the median duration of a turn in milliseconds.

    :param turn: the turn.
    """
    return _median_ms([turn])


def _median_ms(turns: Sequence[Turn]) -> float:
    durations_ns = [duration_ns for turn in turns for duration_ns in turn['durations_ns']]
    return float(np.median(durations_ns)) / 1e6


def _median_of(turns: Sequence[Turn], value: Callable[[Turn], Optional[float]]
               ) -> Optional[float]:
    values = [value(turn) for turn in turns]  # type: List[Optional[float]]
    known = [entry for entry in values if entry is not None]
    return float(np.median(known)) if known else None
