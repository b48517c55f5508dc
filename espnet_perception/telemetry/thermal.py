# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Temperatures of the machine's thermal zones."""

import os
from typing import Callable

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.sensor import (
    ABSENT,
    Found,
    Missing,
    Sensor,
    TEMPERATURE,
    unique,
)
from espnet_perception.telemetry.sysfs import Sysfs

SOURCE = 'thermal zone'
ZONES = 'class/thermal/thermal_zone*'
MILLIDEGREES = 1000.0  # in a degree
# A zone that is switched off reads far beyond these.
LOWEST_C, HIGHEST_C = -100.0, 200.0
# Reads 100 degrees on every Tegra, whatever its temperature is.
PLACEHOLDER = 'PMIC-Die'


def find(sysfs: Sysfs) -> Found:
    """
    Find the zones.

    :param sysfs: where to look.
    :return: a sensor each, and what is missing.
    """
    sensors = []  # type: List[Sensor]
    missing = []  # type: List[Missing]
    for folder in sysfs.find(ZONES):
        path, name = os.path.join(folder, 'temp'), os.path.basename(folder)
        measure = _measure(sysfs, path)
        try:
            name = sysfs.text(os.path.join(folder, 'type'))
            if name == PLACEHOLDER:
                continue
            measure()
        except SensorError as error:
            missing.append(Missing('{} {}'.format(SOURCE, name), error.reason, path))
            continue
        sensors.append(Sensor(TEMPERATURE, unique(name, [sensor.name for sensor in sensors],
                                                  os.path.basename(folder)),
                              SOURCE, path, measure))
    if not sensors and not missing:
        missing = [Missing(SOURCE, ABSENT, sysfs.places(ZONES))]
    return sensors, missing


def _measure(sysfs: Sysfs, path: str) -> Callable[[], float]:
    def measure() -> float:
        celsius = sysfs.number(path) / MILLIDEGREES
        if not LOWEST_C < celsius < HIGHEST_C:
            raise SensorError('{} says {:g} degrees C: the zone is switched off'.format(
                path, celsius))
        return celsius
    return measure
