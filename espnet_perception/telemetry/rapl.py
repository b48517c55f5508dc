# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
RAPL, the energy counters of Intel and AMD processors (Linux powercap).

Since 2020 the kernel lets only root read them.
"""

import os
from typing import Callable

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

SOURCE = 'RAPL'
COUNTERS = 'class/powercap/*/energy_uj'
ADVICE = 'sudo chmod a+r it, or a udev rule (docs/power.md)'
MICROJOULES = 1000.0  # in a millijoule
# What counts beside the packages; core and uncore are within them.
SUMMANDS = ('package', 'dram')
MEMORY_MAPPED = 'intel-rapl-mmio'  # the same counters once more


def find(sysfs: Sysfs) -> Found:
    """
    Find the counters.

    :param sysfs: where to look.
    :return: the rails, and what is missing.
    """
    paths = sysfs.find(COUNTERS)
    twice = any(MEMORY_MAPPED not in path for path in paths)
    rails = []  # type: List[Rail]
    missing = []  # type: List[Missing]
    for path in paths:
        if twice and MEMORY_MAPPED in path:
            continue
        zone = os.path.basename(os.path.dirname(path))
        try:
            sysfs.number(path)
        except SensorError as error:
            missing.append(Missing('{} {}'.format(SOURCE, _name(sysfs, path)), error.reason, path,
                                   ADVICE))
            continue
        name = unique(_name(sysfs, path), [rail.name for rail in rails], zone)
        wrap_uj = sysfs.optional(os.path.join(os.path.dirname(path), 'max_energy_range_uj'))
        rails.append(Rail(name, SOURCE, path, _measure(sysfs, path), _role(name),
                          wrap_uj / MICROJOULES if wrap_uj else None))
    if not paths:
        missing.append(Missing(SOURCE, ABSENT, sysfs.places(COUNTERS)))
    return list(rails), missing


def _measure(sysfs: Sysfs, path: str) -> Callable[[], Measurement]:
    microjoules = sysfs.often(path)
    return lambda: Measurement(counter_mj=microjoules() / MICROJOULES)


def _name(sysfs: Sysfs, path: str) -> str:
    """Return the name of a counter; of one within a package, as package-0/core."""
    folder = os.path.dirname(path)
    zone = os.path.basename(folder)
    try:
        name = sysfs.text(os.path.join(folder, 'name'))
    except SensorError:
        return zone
    if zone.count(':') < 2:
        return name
    parent = os.path.join(os.path.dirname(folder), zone.rpartition(':')[0])
    try:
        return '{}/{}'.format(sysfs.text(os.path.join(parent, 'name')), name)
    except SensorError:
        return name


def _role(name: str) -> str:
    """Return what a counter is to the whole machine: psys is the platform."""
    own_name = name.split('/')[-1]
    if own_name.startswith('psys'):
        return WHOLE
    return PART if own_name.startswith(SUMMANDS) else DETAIL
