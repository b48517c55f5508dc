# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""How the machine is at one moment: power, frames, temperatures, batteries, GPUs."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from espnet_perception.telemetry.frame_energy import FrameEnergy
from espnet_perception.telemetry.power import Sensors
from espnet_perception.telemetry.recorder import PowerReport
from espnet_perception.telemetry.sensor import BatteryState, GpuState, Sensor

GONE = BatteryState('')


class MachineHealth(NamedTuple):
    """
    How the machine is.

    :param power: rails and total.
    :param frame_energies: what the frames of each perception node cost.
    :param temperatures: degrees Celsius by sensor; None where one cannot be read at present.
    :param batteries: state by battery; one that cannot be read has no status.
    :param gpus: load and clock by GPU.
    :param mode: power mode of the board; empty where there is none.
    """

    power: PowerReport
    frame_energies: List[FrameEnergy]
    temperatures: Dict[str, Optional[float]]
    batteries: Dict[str, BatteryState]
    gpus: Dict[str, GpuState]
    mode: str


def examine(sensors: Sensors, power: PowerReport, frame_energies: List[FrameEnergy]
            ) -> MachineHealth:
    """
    Read all that is not a rail, and put everything together.

    :param sensors: what was found.
    :param power: what the recorder says.
    :param frame_energies: what the ledger says.
    """
    temperatures = {sensor.name: sensor.read() for sensor in sensors.temperatures}
    batteries = _values(sensors.batteries, GONE)
    gpus = _values(sensors.gpus, GpuState())
    return MachineHealth(power, frame_energies, temperatures, batteries, gpus, sensors.mode or '')


def _values(sensors: Sequence[Sensor], otherwise: Any) -> Dict[str, Any]:
    """Return what sensors say by name; what cannot be read is replaced."""
    values = {sensor.name: sensor.read() for sensor in sensors}
    return {name: otherwise if value is None else value for name, value in values.items()}
