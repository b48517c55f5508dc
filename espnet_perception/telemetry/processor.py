# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Clocks, governor and load of the processor, without which no benchmark can be judged."""

import os
from typing import List, NamedTuple, Optional, Tuple

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.hardware import read_text
from espnet_perception.telemetry.sysfs import Sysfs

POLICIES = 'devices/system/cpu/cpufreq/policy*'
CPUINFO, LOADAVG = 'proc/cpuinfo', 'proc/loadavg'
KILOHERTZ = 1e3  # in a megahertz


class ProcessorState(NamedTuple):
    """
    How the processor is at one moment.

    :param governors: of the cores, each kind once; empty where the kernel tells none.
    :param clock_mhz: lowest and highest clock of the cores now; None where none is told.
    :param limits_mhz: lowest and highest clock that the governor may choose; None likewise.
    :param load: mean number of processes that ran or wanted to, over a minute; None likewise.
    """

    governors: Tuple[str, ...]
    clock_mhz: Optional[Tuple[float, float]]
    limits_mhz: Optional[Tuple[float, float]]
    load: Optional[float]


def examine_processor(sysfs: Sysfs, root: str = '/') -> ProcessorState:
    """
    Look at the processor.

    :param sysfs: reads /sys.
    :param root: folder that holds proc/, another one in tests.
    """
    policies = sysfs.find(POLICIES)
    clocks = _megahertz(sysfs, policies, 'scaling_cur_freq') or _clocks_of_cpuinfo(root)
    limits = (_megahertz(sysfs, policies, 'scaling_min_freq')[:1]
              + _megahertz(sysfs, policies, 'scaling_max_freq')[-1:])
    load = read_text(os.path.join(root, LOADAVG))
    return ProcessorState(
        tuple(sorted(set(_texts(sysfs, policies, 'scaling_governor')))),
        (clocks[0], clocks[-1]) if clocks else None,
        (limits[0], limits[1]) if len(limits) == 2 else None,
        float(load.split()[0]) if load else None)


def _megahertz(sysfs: Sysfs, policies: List[str], name: str) -> List[float]:
    """Return the values of an attribute, sorted."""
    values = [sysfs.optional(os.path.join(policy, name)) for policy in policies]
    return sorted(value / KILOHERTZ for value in values if value is not None)


def _texts(sysfs: Sysfs, policies: List[str], name: str) -> List[str]:
    texts = []
    for policy in policies:
        try:
            texts.append(sysfs.text(os.path.join(policy, name)))
        except SensorError:
            continue  # what cannot be read is not told
    return texts


def _clocks_of_cpuinfo(root: str) -> List[float]:
    """Return the clocks that /proc/cpuinfo tells, as virtual machines have no other."""
    lines = (read_text(os.path.join(root, CPUINFO)) or '').splitlines()
    return sorted(float(line.partition(':')[2]) for line in lines if line.startswith('cpu MHz'))
