# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The rows of the power node say what is wrong, with value and threshold."""

from espnet_perception.nodes.diagnostics import collect, ERROR, OK, STALE, WARN
from espnet_perception.nodes.power_diagnostics import (
    BatteryTask,
    FrameEnergyTask,
    PowerContext,
    PowerTask,
    TemperatureTask,
)
from espnet_perception.settings import PowerNodeSettings
from espnet_perception.telemetry.frame_energy import FrameEnergy
from espnet_perception.telemetry.health import MachineHealth
from espnet_perception.telemetry.power import discover, Sensors
from espnet_perception.telemetry.recorder import PowerReport, RailReport
from espnet_perception.telemetry.sensor import BatteryState, GpuState, Rail
import pytest

SENSORS = Sensors((Rail('VDD_IN', 'INA3221', 'here', lambda: None),))
RAIL = RailReport('VDD_IN', 'INA3221', 5389.0, 10778.0, 2.0)
TOTAL = RAIL._replace(name='total', source='')
POWER = PowerReport(0.05, 10 ** 9, 20, (RAIL,), TOTAL, ('VDD_IN',), None)
HEALTH = MachineHealth(POWER, [], {}, {}, {'GPU': GpuState(48.7, None)}, 'MAXN')


def run(task_type, health=HEALTH, sensors=SENSORS, failure='', **settings):
    """Return the status of a task and its values."""
    seen = PowerContext('active', failure, PowerNodeSettings(**settings), sensors, health)
    status, = collect('power', [task_type(lambda: seen)])
    return status, dict(status.values)


def powered(**changes):
    """Return a health whose power is changed."""
    return HEALTH._replace(power=POWER._replace(**changes))


def test_power():
    status, values = run(PowerTask)
    assert (status.level, status.message) == (OK, 'total 5389 mW from VDD_IN')
    assert values['power VDD_IN (mW)'] == values['power total (mW)'] == '5389.000'
    assert values['energy VDD_IN (mJ)'] == '10778.000'
    assert values['samples per second (Hz)'] == '20.000'
    assert (values['load GPU (%)'], values['power mode']) == ('48.700', 'MAXN')
    assert not {'clock GPU (MHz)', 'idle power (mW)'} & set(values)


@pytest.mark.parametrize('threshold_mw, level', [(0.0, OK), (5389.0, OK), (5388.0, WARN)])
def test_power_at_its_threshold(threshold_mw, level):
    status, _values = run(PowerTask, warn_power_mw=threshold_mw)
    assert status.level == level
    assert (level == OK) or '5389 mW (threshold 5388 mW)' in status.message


def test_a_rail_that_disappeared():
    gone = RAIL._replace(power_mw=None, problem='/sys/x is absent')
    status, values = run(PowerTask, powered(rails=(gone,), total=TOTAL._replace(power_mw=None)))
    assert (status.level, status.message) == (
        WARN, 'rail VDD_IN has disappeared: /sys/x is absent')
    assert 'power VDD_IN (mW)' not in values
    assert values['energy VDD_IN (mJ)'] == '10778.000'


def test_a_sensor_that_does_not_answer():
    status, _values = run(PowerTask, powered(age_s=3.0))
    assert (status.level, status.message) == (
        STALE, 'no sample for 3.0 s (threshold 2 s): a sensor does not answer')


def test_no_sensor(tmp_path):
    sensors = discover(str(tmp_path))
    nothing = powered(rails=(), total=TOTAL._replace(power_mw=None), total_rails=())
    status, values = run(PowerTask, nothing, sensors)
    assert status.level == WARN
    assert status.message.startswith('no power sensor found: looked at INA3221: absent (')
    assert values['not found: RAPL'] == 'absent ({}/class/powercap/*/energy_uj)'.format(tmp_path)


@pytest.mark.parametrize('failure, level, message', [
    ('', OK, 'not active, so not measuring'),
    ('cannot configure: x', ERROR, 'cannot configure: x')])
def test_a_node_that_is_not_active(failure, level, message):
    status, values = run(PowerTask, None, failure=failure)
    assert (status.level, status.message) == (level, message)
    for task_type in (FrameEnergyTask, TemperatureTask, BatteryTask):
        assert run(task_type, None)[0].level == OK


def test_energy_per_frame():
    costs = [FrameEnergy('front/segmentation', 100, 10.0, 538.9, None),
             FrameEnergy('rear/segmentation', 0, 10.0, None, 2000.0)]
    status, values = run(FrameEnergyTask, HEALTH._replace(frame_energies=costs))
    assert (status.level, status.message) == (OK, 'front/segmentation 538.9 mJ')
    assert values['energy per frame front/segmentation (mJ)'] == '538.900'
    assert values['frames in window rear/segmentation'] == '0'
    assert values['subtracted idle power rear/segmentation (mW)'] == '2000.000'
    assert 'energy per frame rear/segmentation (mJ)' not in values


def test_energy_above_idle_is_said():
    costs = [FrameEnergy('segmentation', 100, 10.0, 338.9, 2000.0)]
    status, _values = run(FrameEnergyTask, HEALTH._replace(frame_energies=costs))
    assert status.message == 'segmentation 338.9 mJ above idle'


@pytest.mark.parametrize('costs, message', [
    ([], 'no perception node of this machine reports frames'),
    ([FrameEnergy('a', 0, 1.0, None, None)], 'no frames, or no power, in the window')])
def test_no_energy_per_frame(costs, message):
    status, _values = run(FrameEnergyTask, HEALTH._replace(frame_energies=costs))
    assert (status.level, status.message) == (OK, message)


@pytest.mark.parametrize('threshold_c, level, message', [
    (61.0, OK, 'at most 61.0 C at CPU'), (0.0, OK, 'at most 61.0 C at CPU'),
    (60.5, WARN, 'CPU 61.0 C (threshold 60.5 C)')])
def test_temperature_at_its_threshold(threshold_c, level, message):
    warm = HEALTH._replace(temperatures={'GPU': 41.5, 'CPU': 61.0, 'CV': None})
    status, values = run(TemperatureTask, warm, warn_temperature_c=threshold_c)
    assert (status.level, status.message) == (level, message)
    assert values == {'temperature GPU (C)': '41.500', 'temperature CPU (C)': '61.000'}


@pytest.mark.parametrize('state, level, message', [
    (BatteryState('Discharging', 20.0, 9000.0, 1200.0), OK, 'BAT0 discharging 20 %'),
    (BatteryState('Discharging', 19.0, 9000.0, 1200.0), WARN,
     'BAT0 is at 19 % (threshold 20 %), 20 min left'),
    (BatteryState('Charging', 5.0, 9000.0), OK, 'BAT0 charging 5 %'),
    (BatteryState(''), WARN, 'BAT0 has disappeared')])
def test_battery_at_its_threshold(state, level, message):
    status, values = run(BatteryTask, HEALTH._replace(batteries={'BAT0': state}))
    assert (status.level, status.message) == (level, message)
    if state.remaining_s is not None:
        assert values['remaining time BAT0 (s)'] == '1200.000'


def test_no_battery():
    assert run(BatteryTask)[0].message == 'no battery'
