# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
NVIDIA GPUs of desktops and servers through NVML (nvidia-ml-py, which may be absent).

Jetson boards have no NVML before JetPack 6; their GPU is read by ``tegra``.
"""

from typing import Any, Callable, Optional

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.sensor import (
    ABSENT,
    DENIED,
    Found,
    GPU,
    GpuState,
    Measurement,
    Missing,
    PART,
    Rail,
    Sensor,
    TEMPERATURE,
    UNREADABLE,
)

SOURCE = 'NVML'
LIBRARY = 'nvidia-ml-py'


def find(library: Optional[Any] = None) -> Found:
    """
    Find the GPUs.

    :param library: the module pynvml, or one that looks like it; None imports it.
    :return: a rail, a temperature and a GPU for each, and what is missing.
    """
    if library is None:
        try:
            import pynvml as library
        except ImportError:
            return [], [Missing(SOURCE, ABSENT, 'Python package ' + LIBRARY,
                                'pip install {} on a machine with an NVIDIA GPU'.format(LIBRARY))]
    try:
        library.nvmlInit()
        count = library.nvmlDeviceGetCount()
    except library.NVMLError as error:
        return [], [Missing(SOURCE, ABSENT, 'NVIDIA driver: {}'.format(error))]
    sensors = []  # type: List[Sensor]
    missing = [] if count else [Missing(SOURCE, ABSENT, 'NVIDIA driver: it has no GPU')]
    for index in range(count):
        try:
            gpu = Gpu(library, index)
        except library.NVMLError as error:
            missing.append(Missing('{} GPU {}'.format(SOURCE, index), UNREADABLE, str(error)))
            continue
        sensors += [Sensor(TEMPERATURE, gpu.name, SOURCE, gpu.model, gpu.temperature_c),
                    Sensor(GPU, gpu.name, SOURCE, gpu.model, gpu.state)]
        try:
            gpu.measure()
        except SensorError as error:
            missing.append(Missing('{} power of {}'.format(SOURCE, gpu.name), error.reason,
                                   gpu.model))
            continue
        sensors.append(Rail(gpu.name, SOURCE, gpu.model, gpu.measure, PART))
    return sensors, missing


class Gpu:
    """
    One GPU.

    :param library: the module pynvml.
    :param index: its number.
    """

    def __init__(self, library: Any, index: int) -> None:
        self._library = library
        self._handle = library.nvmlDeviceGetHandleByIndex(index)
        model = library.nvmlDeviceGetName(self._handle)
        self.model = model.decode() if isinstance(model, bytes) else model
        self.name = 'GPU {}'.format(index)
        self._counts = self._optional(library.nvmlDeviceGetTotalEnergyConsumption) is not None

    def measure(self) -> Measurement:
        """
        Return milliwatts, and since Volta also the energy counter, which is the more exact.

        :raises SensorError: it tells no power.
        """
        power_mw = self._read(self._library.nvmlDeviceGetPowerUsage)
        counter_mj = None
        if self._counts:
            counter_mj = float(self._read(self._library.nvmlDeviceGetTotalEnergyConsumption))
        return Measurement(float(power_mw), counter_mj)

    def temperature_c(self) -> float:
        """
        Return degrees Celsius.

        :raises SensorError: it tells none.
        """
        return float(self._read(self._library.nvmlDeviceGetTemperature,
                                self._library.NVML_TEMPERATURE_GPU))

    def state(self) -> GpuState:
        """Return load and clock as far as they are told."""
        load = self._optional(self._library.nvmlDeviceGetUtilizationRates)
        clock_mhz = self._optional(self._library.nvmlDeviceGetClockInfo,
                                   self._library.NVML_CLOCK_SM)
        return GpuState(None if load is None else float(load.gpu),
                        None if clock_mhz is None else float(clock_mhz))

    def _read(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(self._handle, *arguments)
        except self._library.NVMLError as error:
            denied = getattr(error, 'value', None) == self._library.NVML_ERROR_NO_PERMISSION
            raise SensorError('{} of {} is not read: {}'.format(
                getattr(function, '__name__', 'a value'), self.name, error),
                DENIED if denied else UNREADABLE)

    def _optional(self, function: Callable[..., Any], *arguments: Any) -> Optional[Any]:
        try:
            return self._read(function, *arguments)
        except SensorError:
            return None
