# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The one small contract of everything that measures this machine.

A sensor has a name, a source and a place; ``read`` gives a value or None, never a made-up zero,
and ``problem`` says why there is none.
"""

from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.errors import SensorError

ABSENT, DENIED, UNREADABLE = 'absent', 'permission denied', 'unreadable'
RAIL, TEMPERATURE, GPU, BATTERY, MODE = 'rail', 'temperature', 'gpu', 'battery', 'mode'
# What a rail is to the power of the whole machine: all of it, a summand, or within another rail.
WHOLE, PART, DETAIL = 'whole', 'part', 'detail'


class Measurement(NamedTuple):
    """
    What a rail says at one moment.

    :param power_mw: power in milliwatts; None of a rail that only counts energy.
    :param counter_mj: counted energy in millijoules; None of a rail that only tells power.
    """

    power_mw: Optional[float] = None
    counter_mj: Optional[float] = None


class GpuState(NamedTuple):
    """
    How busy a GPU is.

    :param load_percent: 0 to 100; None where it is not told.
    :param clock_mhz: clock of the cores in megahertz; None where it is not told.
    """

    load_percent: Optional[float] = None
    clock_mhz: Optional[float] = None


class BatteryState(NamedTuple):
    """
    How a battery is.

    :param status: the kernel's word: Charging, Discharging, Not charging, Full or Unknown.
    :param percent: charge, 0 to 100; None where it is not told.
    :param power_mw: power in milliwatts that flows, always positive; None where it is not told.
    :param remaining_s: seconds until it is empty at the present power; None unless discharging.
    """

    status: str
    percent: Optional[float] = None
    power_mw: Optional[float] = None
    remaining_s: Optional[float] = None

    @property
    def discharging(self) -> bool:
        """Return whether the machine lives on it."""
        return self.status == DISCHARGING


DISCHARGING = 'Discharging'


class Missing(NamedTuple):
    """
    Something that was looked for in vain.

    :param what: the source or rail, as INA3221.
    :param reason: ABSENT, DENIED or UNREADABLE.
    :param where: the path or library where it was looked for.
    :param advice: what the user can do about it; may be empty.
    """

    what: str
    reason: str
    where: str
    advice: str = ''

    def sentence(self) -> str:
        """Return all of it in one line."""
        return '{}: {} ({}){}'.format(self.what, self.reason, self.where,
                                      '; ' + self.advice if self.advice else '')


class Sensor:
    """
    Something that can be read again and again.

    :param kind: RAIL, TEMPERATURE, GPU, BATTERY or MODE, which gives the type of its values:
        Measurement, degrees Celsius, GpuState, BatteryState or text.
    :param name: unique within its kind.
    :param source: the reader it belongs to, as INA3221.
    :param where: path or device that is read.
    :param measure: returns the value, or None where there is nothing to measure at present;
        raises SensorError where it cannot be read.
    """

    def __init__(self, kind: str, name: str, source: str, where: str,
                 measure: Callable[[], Any]) -> None:
        self.kind, self.name, self.source, self.where = kind, name, source, where
        self.problem = ''
        self._measure = measure

    def read(self) -> Optional[Any]:
        """Return the value; None where there is none, and then ``problem`` says what is wrong."""
        try:
            value = self._measure()
        except SensorError as error:
            self.problem = str(error)
            return None
        self.problem = ''
        return value


class Rail(Sensor):
    """
    A supply line whose power or energy is measured.

    :param name: unique among the rails.
    :param source: the reader it belongs to.
    :param where: path or device that is read.
    :param measure: returns a Measurement.
    :param role: WHOLE, PART or DETAIL.
    :param wrap_mj: value of the energy counter after which it starts at zero again; None where
        it has no such value, or there is no counter.
    """

    def __init__(self, name: str, source: str, where: str, measure: Callable[[], Any],
                 role: str = PART, wrap_mj: Optional[float] = None) -> None:
        Sensor.__init__(self, RAIL, name, source, where, measure)
        self.role, self.wrap_mj = role, wrap_mj


Found = Tuple[List[Sensor], List[Missing]]


def unique(name: str, taken: Sequence[str], distinction: str) -> str:
    """
    Return a name that is not taken.

    :param name: the wanted one.
    :param taken: names in use.
    :param distinction: put behind it where it is taken, as the address of the chip.
    """
    if name not in taken:
        return name
    distinct, number = '{}@{}'.format(name, distinction), 1
    while distinct in taken:
        number += 1
        distinct = '{}@{}#{}'.format(name, distinction, number)
    return distinct
