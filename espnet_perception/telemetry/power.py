# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Everything on this machine that tells power, energy, temperature, battery or GPU load.

``discover`` looks once and says what it found and what not; ``recorder`` reads the rails in a
thread and integrates their energy.
"""

from typing import Any, List, NamedTuple, Optional, Tuple

from espnet_perception.telemetry import battery, ina3221, nvml, rapl, tegra, thermal
from espnet_perception.telemetry.sensor import (
    BATTERY,
    GPU,
    Missing,
    MODE,
    PART,
    RAIL,
    Rail,
    Sensor,
    TEMPERATURE,
    WHOLE,
)
from espnet_perception.telemetry.sysfs import ROOT, Sysfs

# The readers of /sys, in the order in which their rails are trusted to be the whole machine.
READERS = (ina3221.find, battery.find, rapl.find, thermal.find, tegra.find_gpu)
POWER_SOURCES = (ina3221.SOURCE, battery.SOURCE, rapl.SOURCE, nvml.SOURCE)


class Sensors(NamedTuple):
    """
    What was found.

    :param sensors: everything that can be read.
    :param missing: everything that cannot, each with the reason and the place.
    """

    sensors: Tuple[Sensor, ...] = ()
    missing: Tuple[Missing, ...] = ()

    @property
    def rails(self) -> List[Rail]:
        """Return the rails, those of one source together."""
        return [sensor for sensor in self.sensors if isinstance(sensor, Rail)]

    @property
    def temperatures(self) -> List[Sensor]:
        """Return the sensors of degrees Celsius."""
        return self.of_kind(TEMPERATURE)

    @property
    def gpus(self) -> List[Sensor]:
        """Return the sensors of GpuState."""
        return self.of_kind(GPU)

    @property
    def batteries(self) -> List[Sensor]:
        """Return the sensors of BatteryState."""
        return self.of_kind(BATTERY)

    @property
    def mode(self) -> Optional[str]:
        """Return the power mode of the board; None where it has none."""
        for sensor in self.of_kind(MODE):
            return sensor.read()
        return None

    @property
    def totals(self) -> List[List[Rail]]:
        """
        Return which rails together are the whole machine, the best choice first.

        A rail that feeds everything is better than a sum of parts. A battery feeds everything
        only while it discharges, so there may be a second choice.
        """
        wholes = [[rail] for rail in self.rails if rail.role == WHOLE]
        parts = [rail for rail in self.rails if rail.role == PART]
        return wholes + ([parts] if parts else [])

    def of_kind(self, kind: str) -> List[Sensor]:
        """
        Return the sensors of a kind.

        :param kind: RAIL, TEMPERATURE, GPU, BATTERY or MODE.
        """
        return [sensor for sensor in self.sensors if sensor.kind == kind]

    def sentences(self) -> List[str]:
        """Say in one line each what was found and what not."""
        return (['found {} {} {} ({})'.format(sensor.source, sensor.kind, sensor.name,
                                              sensor.where) for sensor in self.sensors]
                + [entry.sentence() for entry in self.missing])

    def no_power_sentence(self) -> str:
        """Say where power was looked for; empty where a rail was found."""
        if self.of_kind(RAIL):
            return ''
        return 'no power sensor found: looked at ' + '; '.join(
            entry.sentence() for entry in self.missing if entry.what.startswith(POWER_SOURCES))


def discover(root: str = ROOT, library: Optional[Any] = None) -> Sensors:
    """
    Look for everything that can be read.

    :param root: /sys, or a folder that looks like it.
    :param library: the module pynvml, or one that looks like it; None imports it where the root
        is /sys, since NVML always speaks of this machine.
    :return: what was found, and what not.
    """
    return look(Sysfs(root), library)


def look(sysfs: Sysfs, library: Optional[Any] = None) -> Sensors:
    """
    Look for everything that can be read, with a given way to read files.

    :param sysfs: reads the files.
    :param library: as for ``discover``.
    """
    found = [find(sysfs) for find in READERS]  # type: List[Found]
    if library is not None or sysfs.root == ROOT:
        found.append(nvml.find(library))
    found.append(tegra.find_mode())
    return Sensors(tuple(sensor for sensors, _missing in found for sensor in sensors),
                   tuple(entry for _sensors, missing in found for entry in missing))
