# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
INA3221 power monitors of Jetson boards: three rails a chip.

JetPack 4 (kernel 4.9) has NVIDIA's IIO driver, which tells milliwatts. JetPack 5 and 6 have the
mainline hwmon driver, which tells millivolts and milliamperes only.
"""

import os
from typing import Callable, List, NamedTuple

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.sensor import (
    ABSENT,
    DETAIL,
    Found,
    Measurement,
    Missing,
    PART,
    Rail,
    unique,
    WHOLE,
)
from espnet_perception.telemetry.sysfs import Sysfs

SOURCE = 'INA3221'
IIO = 'bus/i2c/drivers/ina3221*/*/iio:device*'
HWMON = 'bus/i2c/devices/*/hwmon/hwmon*'
CHIP = 'ina3221'
# Labels of the rail that feeds the whole module.
TOTAL_LABELS = ('VDD_IN', 'POM_5V_IN')
ADVICE = 'read it as root, or let a udev rule make it readable (docs/power.md)'


class Channel(NamedTuple):
    """
    One channel of a chip.

    :param label_path: holds the name of the rail.
    :param measure: reads it.
    :param value_path: what is read, for messages.
    """

    label_path: str
    measure: Callable[[], Measurement]
    value_path: str


def find(sysfs: Sysfs) -> Found:
    """
    Find the rails of all chips.

    :param sysfs: where to look.
    :return: the rails, and what is missing.
    """
    channels = [channel for folder in sysfs.find(IIO) for channel in _iio(sysfs, folder)]
    channels += [channel for folder in sysfs.find(HWMON) for channel in _hwmon(sysfs, folder)]
    if not channels:
        return [], [Missing(SOURCE, ABSENT, sysfs.places(IIO, HWMON))]
    rails = []  # type: List[Rail]
    missing = []  # type: List[Missing]
    labels = []  # type: List[str]
    for channel in channels:
        label = os.path.basename(channel.label_path)  # until its name is known
        try:
            label = sysfs.text(channel.label_path)
            if 'NC' in label:  # not connected
                continue
            labels.append(label)
            channel.measure()
        except SensorError as error:
            missing.append(Missing('{} rail {}'.format(SOURCE, label), error.reason,
                                   channel.value_path, ADVICE))
            continue
        rails.append(Rail(unique(label, [rail.name for rail in rails],
                                 _address(channel.value_path)),
                          SOURCE, channel.value_path, channel.measure))
    has_total = any(label in TOTAL_LABELS for label in labels)
    for rail in rails:
        is_total = rail.name in TOTAL_LABELS
        rail.role = WHOLE if is_total else DETAIL if has_total else PART
    return list(rails), missing


def _iio(sysfs: Sysfs, folder: str) -> List[Channel]:
    """Return the channels of a chip with NVIDIA's driver, numbered from 0."""
    def channel(number: int) -> Channel:
        path = os.path.join(folder, 'in_power{}_input'.format(number))
        milliwatts = sysfs.often(path)
        return Channel(os.path.join(folder, 'rail_name_{}'.format(number)),
                       lambda: Measurement(float(milliwatts())), path)
    return [one for one in map(channel, range(3)) if os.path.lexists(one.label_path)]


def _hwmon(sysfs: Sysfs, folder: str) -> List[Channel]:
    """Return the channels of a chip with the mainline driver, numbered from 1; 7 is their sum."""
    name_path = os.path.join(folder, 'name')
    if os.path.lexists(name_path):
        try:
            if not sysfs.text(name_path).startswith(CHIP):
                return []
        except SensorError:
            return []

    def channel(number: int) -> Channel:
        path = os.path.join(folder, 'curr{}_input'.format(number))
        milliamperes = sysfs.often(path)
        millivolts = sysfs.often(os.path.join(folder, 'in{}_input'.format(number)))
        return Channel(os.path.join(folder, 'in{}_label'.format(number)),
                       lambda: Measurement(millivolts() * milliamperes() / 1000.0), path)
    return [one for one in map(channel, range(1, 4)) if os.path.lexists(one.label_path)]


def _address(path: str) -> str:
    """Return the I2C address of the chip that a path belongs to, as 1-0041."""
    parts = path.split(os.sep)
    for folder in ('hwmon', 'iio:device'):
        for index, part in enumerate(parts):
            if part.startswith(folder):
                return parts[index - 1]
    return path
