# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Learning rate schedules as closed forms of the epoch, so that a resumed run needs no replay.

``cyclic`` is Equation 1 and section 4.1 of the ESPNetv2 paper, ``fixed`` that of its Table 4;
``cyclic_released`` and ``hybrid`` are what the released code does instead: a first epoch at the
lowest rate, cycles from the second on, and every milestone one epoch later.
"""

import math
from typing import Any, Callable, Dict, List, NamedTuple, Sequence

from espnet_perception.errors import SettingsError, unknown_key_sentence

PAPER_MILESTONES = (50, 100, 130, 160, 190, 220, 250, 280)


class Schedule(NamedTuple):
    """
    What a schedule needs to know.

    :param kind: a key of SCHEDULES
    :param rate: learning rate at the beginning; eta_max of the cyclic ones
    :param epochs: of the whole run
    :param warm_up: epochs that climb linearly to the schedule's rate; 0 for none
    :param lowest: eta_min of the cyclic ones: the step down of each epoch, and the last rate
        of each cycle where rate = cycle * lowest
    :param cycle: epochs of a cycle, T
    :param milestones: epochs from which the rate is multiplied by factor once more
    :param factor: see milestones
    :param power: of poly
    :param cycles_until: of hybrid: epoch from which the rate falls linearly to zero
    """

    kind: str
    rate: float
    epochs: int
    warm_up: float = 0.0
    lowest: float = 0.0
    cycle: int = 5
    milestones: Sequence[int] = ()
    factor: float = 0.5
    power: float = 0.9
    cycles_until: int = 61


def learning_rate(schedule: Schedule, epoch: float) -> float:
    """
    Return the rate at a time of the run.

    :param schedule: checked by ``check``
    :param epoch: whole epochs as the papers count them (from 0), or with the part of the epoch
        that is done; schedules by steps hold their rate within an epoch
    """
    rate = SCHEDULES[schedule.kind](schedule, epoch)
    if epoch < schedule.warm_up:
        rate *= max(epoch, 1e-3) / schedule.warm_up
    return rate


def of_settings(settings: Any) -> Schedule:
    """
    Return the schedule that the settings of a training script ask for.

    :param settings: schedule, learning_rate, epochs and schedule_options count
    :raises SettingsError: an unknown option, or as ``check``
    """
    for key in settings.schedule_options:
        if key not in Schedule._field_defaults:
            raise SettingsError(unknown_key_sentence('option of the schedule', key,
                                                     list(Schedule._field_defaults)))
    return check(Schedule(settings.schedule, settings.learning_rate, settings.epochs,
                          **settings.schedule_options))


def check(schedule: Schedule) -> Schedule:
    """
    Return the schedule if its rate is positive in every epoch.

    :raises SettingsError: unknown kind, or a rate that is not positive; says at which epoch
    """
    if schedule.kind not in SCHEDULES:
        raise SettingsError(unknown_key_sentence('schedule', schedule.kind, SCHEDULES))
    for epoch, rate in enumerate(rates(schedule)):
        if not rate > 0 or not math.isfinite(rate):
            raise SettingsError(
                'the schedule {} has the learning rate {:g} in epoch {}, expected one above 0; '
                'for cyclic, choose lowest <= rate / (cycle - 1)'.format(
                    schedule.kind, rate, epoch))
    return schedule


def rates(schedule: Schedule) -> List[float]:
    """Return the rate at the beginning of every epoch."""
    return [learning_rate(schedule, epoch) for epoch in range(schedule.epochs)]


def _decay(schedule: Schedule, epoch: float) -> float:
    return schedule.factor ** sum(epoch >= milestone for milestone in schedule.milestones)


def _constant(schedule: Schedule, epoch: float) -> float:
    return schedule.rate


def _fixed(schedule: Schedule, epoch: float) -> float:
    """Table 4: the rate is multiplied by the factor at each milestone."""
    return schedule.rate * _decay(schedule, epoch)


def _cyclic(schedule: Schedule, epoch: float) -> float:
    """Equation 1: eta_max - (t mod T) eta_min, t mod T running from 0 to T - 1."""
    rate = schedule.rate - (int(epoch) % schedule.cycle) * schedule.lowest
    return rate * _decay(schedule, epoch)


def _cyclic_released(schedule: Schedule, epoch: float) -> float:
    if epoch < 1:
        return schedule.lowest
    return _cyclic(schedule, epoch - 1)


def _hybrid(schedule: Schedule, epoch: float) -> float:
    """Cycles, then a line from the lowest rate that would reach zero just after the run."""
    if epoch < schedule.cycles_until:
        return _cyclic_released(schedule, epoch)
    rest = schedule.epochs - schedule.cycles_until + 1
    return schedule.lowest * (1 - (int(epoch) - schedule.cycles_until + 1) / rest)


def _poly(schedule: Schedule, epoch: float) -> float:
    return schedule.rate * (1 - min(epoch / schedule.epochs, 1 - 1e-9)) ** schedule.power


def _linear(schedule: Schedule, epoch: float) -> float:
    return schedule.rate * (1 - min(epoch / schedule.epochs, 1 - 1e-9))


def _cosine(schedule: Schedule, epoch: float) -> float:
    """Half a cosine from the rate, after the warm-up, to the lowest rate at the end."""
    done = (epoch - schedule.warm_up) / max(1e-9, schedule.epochs - schedule.warm_up)
    share = 0.5 * (1 + math.cos(math.pi * min(max(done, 0.0), 1 - 1e-6)))
    return schedule.lowest + (schedule.rate - schedule.lowest) * share


SCHEDULES: Dict[str, Callable[[Schedule, float], float]] = {
    'constant': _constant, 'fixed': _fixed, 'cyclic': _cyclic,
    'cyclic_released': _cyclic_released, 'hybrid': _hybrid, 'poly': _poly, 'linear': _linear,
    'cosine': _cosine}
