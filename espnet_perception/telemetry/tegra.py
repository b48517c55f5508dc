# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Jetson boards: load and clock of the GPU, and the power mode."""

import shutil
import subprocess
from typing import Callable

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.sensor import (
    ABSENT,
    Found,
    GPU,
    GpuState,
    Missing,
    MODE,
    Sensor,
    UNREADABLE,
)
from espnet_perception.telemetry.sysfs import Sysfs

SOURCE = 'Tegra GPU'
LOADS = ('devices/gpu.0/load', 'devices/platform/gpu.0/load', 'devices/platform/*.gpu/load',
         'devices/platform/*/*.gpu/load')
CHIPS = ('gm20b', 'gp10b', 'gv11b', 'ga10b', 'gpu')
CLOCKS = (tuple('devices/*.{0}/devfreq/*.{0}/cur_freq'.format(chip) for chip in CHIPS)
          + tuple('devices/*/*.{0}/devfreq/*.{0}/cur_freq'.format(chip) for chip in CHIPS)
          + tuple('class/devfreq/*.{}/cur_freq'.format(chip) for chip in CHIPS))
PER_MILLE = 10.0  # in a percent
HERTZ = 1e6  # in a megahertz
NVPMODEL = 'nvpmodel'
MODE_LINE = 'NV Power Mode:'
MODE_TIMEOUT_S = 5.0
MODE_EVERY_NS = 10 * 10 ** 9  # it starts a process, so it is not asked more often


def find_gpu(sysfs: Sysfs) -> Found:
    """
    Find load and clock of the GPU.

    :param sysfs: where to look.
    :return: the sensor, or what is missing.
    """
    loads, clocks = sysfs.find(*LOADS), sysfs.find(*CLOCKS)
    if not loads and not clocks:
        return [], [Missing(SOURCE, ABSENT, sysfs.places(LOADS[0], CLOCKS[0]))]

    def measure() -> GpuState:
        load = sysfs.optional(loads[0]) if loads else None
        clock = sysfs.optional(clocks[0]) if clocks else None
        if load is None and clock is None:
            sysfs.number((loads or clocks)[0])  # says why
        return GpuState(None if load is None else load / PER_MILLE,
                        None if clock is None else clock / HERTZ)

    try:
        measure()
    except SensorError as error:
        return [], [Missing(SOURCE, error.reason, (loads or clocks)[0])]
    return [Sensor(GPU, 'GPU', SOURCE, ', '.join(loads[:1] + clocks[:1]), measure)], []


def find_mode(command: str = NVPMODEL) -> Found:
    """
    Find the power mode of the board.

    :param command: name or path of NVIDIA's program.
    :return: the sensor, or what is missing.
    """
    path = shutil.which(command)
    if path is None:
        return [], [Missing('power mode', ABSENT, 'program ' + command)]
    sensor = Sensor(MODE, NVPMODEL, NVPMODEL, path, remembered(lambda: ask_mode(path)))
    if sensor.read() is None:
        return [], [Missing('power mode', UNREADABLE, path, sensor.problem)]
    return [sensor], []


def ask_mode(path: str) -> str:
    """
    Return the name of the power mode, as MAXN.

    :param path: path of nvpmodel.
    :raises SensorError: it fails or says something else.
    """
    try:
        done = subprocess.run([path, '-q'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=MODE_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise SensorError('{} -q fails: {}'.format(path, error))
    lines = done.stdout.decode('utf-8', 'replace').splitlines()  # type: List[str]
    for line in lines:
        if line.startswith(MODE_LINE):
            return line[len(MODE_LINE):].strip()
    raise SensorError("{} -q says '{}', expected a line '{} ...'".format(
        path, ' '.join(lines)[:80], MODE_LINE))


def remembered(ask: Callable[[], str], clock: Callable[[], int] = monotonic_ns
               ) -> Callable[[], str]:
    """
    Return a function that asks at most every ten seconds.

    :param ask: returns the answer.
    :param clock: monotonic nanoseconds.
    """
    asked_ns, answer = None, ''  # type: Optional[int], str

    def answer_again() -> str:
        nonlocal asked_ns, answer
        now_ns = clock()
        if asked_ns is None or not 0 <= now_ns - asked_ns < MODE_EVERY_NS:
            answer, asked_ns = ask(), now_ns
        return answer

    return answer_again
