# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""NVML is called as it really is, and what a GPU does not tell is not made up."""

import inspect

from espnet_perception.telemetry import nvml
from espnet_perception.telemetry.power import discover
from espnet_perception.telemetry.sensor import GpuState, Measurement
import pytest


class FakeNvml:
    """A driver with GPUs that tell what they are told to; named as in nvidia-ml-py."""

    NVML_ERROR_NO_PERMISSION = 4
    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1

    class NVMLError(Exception):
        """As in the library, with the number of the error."""

        def __init__(self, value):
            Exception.__init__(self, 'error {}'.format(value))
            self.value = value

    def __init__(self, count=1, **errors):
        self.count, self.errors, self.energy_mj = count, errors, 123456

    def _answer(self, name, value):
        if name in self.errors:
            raise self.NVMLError(self.errors[name])
        return value

    def nvmlInit(self):
        return self._answer('nvmlInit', None)

    def nvmlDeviceGetCount(self):
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetName(self, handle):
        return b'Some GPU'

    def nvmlDeviceGetPowerUsage(self, handle):
        return self._answer('nvmlDeviceGetPowerUsage', 75123)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        return self._answer('nvmlDeviceGetTotalEnergyConsumption', self.energy_mj)

    def nvmlDeviceGetTemperature(self, handle, sensor):
        return self._answer('nvmlDeviceGetTemperature', 61 + sensor)

    def nvmlDeviceGetUtilizationRates(self, handle):
        class Rates:
            gpu = 87
        return self._answer('nvmlDeviceGetUtilizationRates', Rates())

    def nvmlDeviceGetClockInfo(self, handle, type):  # noqa: A002 as in the library
        return {self.NVML_CLOCK_SM: 1410}[type]


def sensors_of(found):
    """Return the sensors by kind."""
    return {sensor.kind: sensor for sensor in found[0]}


def test_the_double_has_the_names_and_parameters_of_the_library():
    library = pytest.importorskip('pynvml', reason='nvidia-ml-py is not installed')
    double = FakeNvml()
    names = [name for name in dir(double) if name.startswith('nvml')]
    assert len(names) == 9
    for name in names:
        assert (list(inspect.signature(getattr(double, name)).parameters)
                == list(inspect.signature(getattr(library, name)).parameters))
    for name in ('NVML_ERROR_NO_PERMISSION', 'NVML_TEMPERATURE_GPU', 'NVML_CLOCK_SM'):
        assert getattr(library, name) == getattr(double, name)
    assert library.NVMLError(library.NVML_ERROR_NO_PERMISSION).value == 4


def test_a_gpu():
    sensors = sensors_of(nvml.find(FakeNvml()))
    rail = sensors['rail']
    assert (rail.name, rail.where, rail.role) == ('GPU 0', 'Some GPU', 'part')
    assert rail.read() == Measurement(75123.0, 123456.0)
    assert sensors['temperature'].read() == 61.0
    assert sensors['gpu'].read() == GpuState(87.0, 1410.0)


def test_an_old_gpu_has_no_energy_counter():
    library = FakeNvml(nvmlDeviceGetTotalEnergyConsumption=3)
    assert sensors_of(nvml.find(library))['rail'].read() == Measurement(75123.0, None)


def test_what_a_gpu_does_not_tell():
    library = FakeNvml(nvmlDeviceGetUtilizationRates=3, nvmlDeviceGetPowerUsage=4)
    sensors, missing = nvml.find(library)
    assert [sensor.kind for sensor in sensors] == ['temperature', 'gpu']
    assert sensors[1].read() == GpuState(None, 1410.0)
    assert (missing[0].what, missing[0].reason) == ('NVML power of GPU 0', 'permission denied')


def test_a_gpu_that_falls_off_the_bus():
    library = FakeNvml()
    rail = sensors_of(nvml.find(library))['rail']
    library.errors = {'nvmlDeviceGetPowerUsage': 15}
    assert rail.read() is None
    assert rail.problem == 'nvmlDeviceGetPowerUsage of GPU 0 is not read: error 15'


@pytest.mark.parametrize('library, sentence', [
    (FakeNvml(nvmlInit=12), 'NVML: absent (NVIDIA driver: error 12)'),
    (FakeNvml(count=0), 'NVML: absent (NVIDIA driver: it has no GPU)')])
def test_without_a_gpu(tmp_path, library, sentence):
    assert sentence in discover(str(tmp_path), library).no_power_sentence()


def test_without_the_library(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, 'pynvml', None)
    sensors, missing = nvml.find()
    assert sensors == []
    assert 'Python package nvidia-ml-py); pip install nvidia-ml-py' in missing[0].sentence()


def test_the_library_itself_on_this_machine():
    pytest.importorskip('pynvml', reason='nvidia-ml-py is not installed')
    sensors, missing = nvml.find()
    assert sensors or missing
    for sensor in sensors:
        assert sensor.read() is not None, sensor.problem
