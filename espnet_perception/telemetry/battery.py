# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Batteries (Linux power_supply): what they give, how full they are, how long they last."""

import os
from typing import List, Optional

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.sensor import (
    ABSENT,
    BATTERY,
    BatteryState,
    DISCHARGING,
    Found,
    Measurement,
    Missing,
    Rail,
    Sensor,
    WHOLE,
)
from espnet_perception.telemetry.sysfs import Sysfs

SOURCE = 'battery'
SUPPLIES = 'class/power_supply/*'
MICROWATTS = 1000.0  # in a milliwatt
PICOWATTS = 1e9  # in a milliwatt: microvolts times microamperes
SECONDS = 3600.0  # in an hour


class Battery:
    """
    One battery.

    :param sysfs: reads its attributes.
    :param folder: its folder.
    """

    def __init__(self, sysfs: Sysfs, folder: str) -> None:
        self.name = os.path.basename(folder)
        self.folder = folder
        self._sysfs = sysfs

    def read(self) -> BatteryState:
        """
        Read it.

        :raises SensorError: its status cannot be read.
        """
        status = self._sysfs.text(os.path.join(self.folder, 'status'))
        current_ua = self._number('current_now')
        power_mw = self._power_mw(current_ua)
        if status == 'Unknown' and current_ua is not None and current_ua < 0:
            status = DISCHARGING
        if status != DISCHARGING:
            return BatteryState(status, self._percent(), power_mw)
        # Zero while the machine lives on it: the driver does not know.
        return BatteryState(status, self._percent(), power_mw or None,
                            self._remaining_s(current_ua))

    def _number(self, name: str) -> Optional[int]:
        return self._sysfs.optional(os.path.join(self.folder, name))

    def _power_mw(self, current_ua: Optional[int]) -> Optional[float]:
        """Return power_now, or current times voltage; drivers do not agree on the sign."""
        power_uw = self._number('power_now')
        if power_uw:
            return abs(power_uw) / MICROWATTS
        voltage_uv = self._number('voltage_now')
        if current_ua is not None and voltage_uv is not None:
            return abs(current_ua) * voltage_uv / PICOWATTS
        return None if power_uw is None else 0.0

    def _remaining_s(self, current_ua: Optional[int]) -> Optional[float]:
        for left, flow in ((self._number('energy_now'), self._number('power_now')),
                           (self._number('charge_now'), current_ua)):
            if left is not None and flow:
                return left / float(abs(flow)) * SECONDS
        told_s = self._number('time_to_empty_now')
        return float(told_s) if told_s else None

    def _percent(self) -> Optional[float]:
        capacity = self._number('capacity')
        if capacity is not None:
            return float(capacity)
        for kind in ('energy', 'charge'):
            left, full = self._number(kind + '_now'), self._number(kind + '_full')
            if left is not None and full:
                return 100.0 * left / full
        return None


def find(sysfs: Sysfs) -> Found:
    """
    Find the batteries that feed the machine; those of mice and other devices are not.

    :param sysfs: where to look.
    :return: a sensor each and one rail of all that discharge, and what is missing.
    """
    batteries = []  # type: List[Battery]
    missing = []  # type: List[Missing]
    for folder in sysfs.find(SUPPLIES):
        try:
            if not _feeds_the_machine(sysfs, folder):
                continue
            battery = Battery(sysfs, folder)
            battery.read()
        except SensorError as error:
            missing.append(Missing('{} {}'.format(SOURCE, os.path.basename(folder)), error.reason,
                                   folder))
            continue
        batteries.append(battery)
    if not batteries:
        missing = missing or [Missing(SOURCE, ABSENT, sysfs.places(SUPPLIES))]
        return [], missing
    sensors = [Sensor(BATTERY, battery.name, SOURCE, battery.folder, battery.read)
               for battery in batteries]  # type: List[Sensor]
    sensors.append(Rail('+'.join(battery.name for battery in batteries), SOURCE,
                        sysfs.places(SUPPLIES), lambda: _given(batteries), WHOLE))
    return sensors, missing


def _feeds_the_machine(sysfs: Sysfs, folder: str) -> bool:
    if sysfs.text(os.path.join(folder, 'type')) != 'Battery':
        return False
    try:
        return sysfs.text(os.path.join(folder, 'scope')) != 'Device'
    except SensorError:  # most batteries have no such attribute
        return True


def _given(batteries: List[Battery]) -> Optional[Measurement]:
    """Return the power of all batteries that discharge; None while the machine is plugged in."""
    states = [battery.read() for battery in batteries]
    powers_mw = [state.power_mw for state in states if state.discharging]
    known_mw = [power_mw for power_mw in powers_mw if power_mw is not None]
    if not known_mw or len(known_mw) < len(powers_mw):
        return None
    return Measurement(sum(known_mw))
