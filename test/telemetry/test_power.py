# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every kind of machine is read right to the milliwatt, and what cannot be read is said."""

import errno
import os

from espnet_perception.telemetry.power import discover, look
from espnet_perception.telemetry.sensor import BatteryState, GpuState, Measurement
from espnet_perception.telemetry.sysfs import read_file, Sysfs
import fake_machines
import pytest


def powers_mw(sensors):
    """Return the power of every rail by name."""
    return {rail.name: rail.read().power_mw for rail in sensors.rails}


def total_mw(sensors):
    """Return the sum of the rails that are the whole machine."""
    return sum(rail.read().power_mw for rail in sensors.totals[0])


def values(sensors):
    """Return what sensors say, by name."""
    return {sensor.name: sensor.read() for sensor in sensors}


def refusing(number, *endings):
    """Return a function that reads files, but fails on those with one of the endings."""
    def read(path):
        if path.endswith(endings):
            raise OSError(number, os.strerror(number), path)
        return read_file(path)
    return read


def test_a_tx2_with_jetpack_4(tmp_path):
    fake_machines.tx2(tmp_path)
    sensors = discover(str(tmp_path))
    assert powers_mw(sensors) == {'VDD_IN': 5389, 'VDD_SYS_CPU': 1373, 'VDD_SYS_DDR': 1107,
                                  'VDD_SYS_GPU': 1147, 'VDD_SYS_SOC': 991, 'VDD_4V0_WIFI': 19}
    assert [[rail.name for rail in rails] for rails in sensors.totals] == [['VDD_IN']]
    assert values(sensors.gpus) == {'GPU': GpuState(48.7, 1134.75)}
    assert values(sensors.temperatures) == {'BCPU-therm': 41.5, 'GPU-therm': 39.0}
    assert sensors.no_power_sentence() == ''
    assert any(sentence.startswith('found INA3221 rail VDD_IN') for sentence in
               sensors.sentences())


def test_a_xavier_nx_with_jetpack_5(tmp_path):
    fake_machines.xavier_nx(tmp_path)
    sensors = discover(str(tmp_path))
    assert powers_mw(sensors) == {'VDD_IN': pytest.approx(6071.04, abs=1e-9),
                                  'VDD_CPU_GPU_CV': pytest.approx(1649.016, abs=1e-9),
                                  'VDD_SOC': pytest.approx(1322.184, abs=1e-9)}
    assert total_mw(sensors) == pytest.approx(6071.04)
    assert values(sensors.gpus) == {'GPU': GpuState(100.0, 114.75)}
    assert values(sensors.temperatures) == {'CPU-therm': 38.0}
    assert [(entry.what, entry.reason) for entry in sensors.missing
            if entry.where.endswith('thermal_zone1/temp')] == [
                ('thermal zone CV-therm', 'unreadable')]


def test_an_orin_with_jetpack_6_has_no_rail_for_all_so_the_total_is_the_sum(tmp_path):
    fake_machines.orin(tmp_path)
    sensors = discover(str(tmp_path))
    assert set(powers_mw(sensors)) == {'VDD_GPU_SOC', 'VDD_CPU_CV', 'VIN_SYS_5V0',
                                       'VDDQ_VDD2_1V8AO'}
    assert total_mw(sensors) == pytest.approx(
        19088 * .186 + 19088 * .042 + 5016 * .783 + 19104 * .034, abs=1e-6)
    assert values(sensors.gpus) == {'GPU': GpuState(12.5, None)}


def test_two_rails_of_the_same_name_are_told_apart(tmp_path):
    fake_machines.hwmon_chip(tmp_path, '1-0040', (('VDD_A', 1000, 1),), 3)
    fake_machines.hwmon_chip(tmp_path, '1-0041', (('VDD_A', 1000, 2), ('VDD_A', 1000, 3)), 4)
    assert powers_mw(discover(str(tmp_path))) == {'VDD_A': 1.0, 'VDD_A@1-0041': 2.0,
                                                  'VDD_A@1-0041#2': 3.0}


def test_another_chip_of_the_bus_is_no_power_monitor(tmp_path):
    fake_machines.hwmon_chip(tmp_path, '1-0040', (('VDD_A', 1000, 1),))
    fake_machines.write(tmp_path, 'bus/i2c/devices/1-0040/hwmon/hwmon3/name', 'ltc2945')
    assert discover(str(tmp_path)).rails == []


def test_a_laptop_lives_on_its_battery(tmp_path):
    fake_machines.laptop(tmp_path)
    sensors = discover(str(tmp_path))
    rails = {rail.name: rail.read() for rail in sensors.rails}
    assert rails == {'BAT0': Measurement(12345.0), 'package-0': Measurement(None, 1000.0),
                     'package-0/core': Measurement(None, 400.0)}
    assert [[rail.name for rail in rails] for rails in sensors.totals] == [['BAT0'],
                                                                           ['package-0']]
    assert values(sensors.batteries) == {
        'BAT0': BatteryState('Discharging', 83.0, 12345.0, 12000.0)}
    assert sensors.rails[1].wrap_mj == 262143328.850


@pytest.mark.parametrize('status', ['Charging', 'Full', 'Not charging'])
def test_power_that_flows_into_a_battery_is_not_what_the_machine_uses(tmp_path, status):
    fake_machines.laptop(tmp_path, status)
    sensors = discover(str(tmp_path))
    rail = sensors.rails[0]
    assert (rail.name, rail.read(), rail.problem) == ('BAT0', None, '')
    assert values(sensors.batteries)['BAT0'] == BatteryState(status, 83.0, 12345.0, None)


def test_current_times_voltage_whatever_the_sign(tmp_path):
    fake_machines.laptop(tmp_path)
    for name, value in (('power_now', 0), ('current_now', -1111000), ('voltage_now', 11113000),
                        ('charge_now', 2222000), ('capacity', 'x'), ('energy_full', 50000000)):
        fake_machines.write(tmp_path, fake_machines.BATTERY + '/' + name, value)
    sensors = discover(str(tmp_path))
    assert sensors.rails[0].read().power_mw == pytest.approx(12346.543, abs=1e-6)
    state = sensors.batteries[0].read()
    assert state.power_mw == pytest.approx(12346.543, abs=1e-6)
    assert (state.percent, state.remaining_s) == (pytest.approx(82.3), pytest.approx(7200.0))


def test_a_battery_that_tells_no_power_is_never_zero(tmp_path):
    fake_machines.laptop(tmp_path)
    fake_machines.write(tmp_path, fake_machines.BATTERY + '/power_now', 0)
    sensors = discover(str(tmp_path))
    assert sensors.rails[0].read() is None
    assert sensors.batteries[0].read().power_mw is None


def test_a_desktop_with_nothing(tmp_path):
    fake_machines.desktop(tmp_path)
    sensors = discover(str(tmp_path))
    assert (sensors.rails, sensors.totals, sensors.temperatures) == ([], [], [])
    sentence = sensors.no_power_sentence()
    assert sentence.startswith('no power sensor found: looked at INA3221: absent (')
    for place in ('bus/i2c/devices/*/hwmon/hwmon*', 'class/power_supply/*',
                  'class/powercap/*/energy_uj'):
        assert str(tmp_path / place) in sentence


@pytest.mark.parametrize('number, reason', [
    (errno.EACCES, 'permission denied'), (errno.EPERM, 'permission denied'),
    (errno.ENODATA, 'unreadable'), (errno.ENOENT, 'absent')])
def test_denied_is_told_from_absent(tmp_path, number, reason):
    fake_machines.laptop(tmp_path)
    sensors = look(Sysfs(str(tmp_path), refusing(number, 'energy_uj')))
    assert [rail.name for rail in sensors.rails] == ['BAT0']
    entry, = [entry for entry in sensors.missing if entry.what == 'RAPL package-0']
    assert (entry.reason, entry.where) == (
        reason, str(tmp_path / 'class/powercap/intel-rapl:0/energy_uj'))
    assert 'chmod a+r' in entry.sentence()


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read everything')
def test_denied_by_the_real_file_system(tmp_path):
    fake_machines.laptop(tmp_path)
    os.chmod(str(tmp_path / 'class/powercap/intel-rapl:0/energy_uj'), 0)
    assert 'permission denied' in [entry.reason for entry in discover(str(tmp_path)).missing]


def test_without_the_whole_the_rails_of_a_module_are_no_total(tmp_path):
    fake_machines.tx2(tmp_path)
    denied = '0-0041/iio:device1/in_power0_input'
    sensors = look(Sysfs(str(tmp_path), refusing(errno.EACCES, denied)))
    assert 'VDD_IN' not in powers_mw(sensors)
    assert sensors.totals == []
    assert [entry.reason for entry in sensors.missing
            if entry.what == 'INA3221 rail VDD_IN'] == ['permission denied']


def test_a_rail_that_disappears_is_none_and_says_so(tmp_path):
    fake_machines.tx2(tmp_path)
    rail, = [rail for rail in discover(str(tmp_path)).rails if rail.name == 'VDD_IN']
    path = tmp_path / fake_machines.JETPACK4 / '0-0041/iio:device1/in_power0_input'
    path.unlink()
    assert rail.read() is None
    assert rail.problem == '{} is absent'.format(path)
    path.write_text('not now\n')
    assert rail.read() is None
    assert "holds 'not now\\n', expected an integer" in rail.problem
    path.write_text('4321\n')
    assert (rail.read(), rail.problem) == (Measurement(4321.0), '')


def test_a_link_to_a_folder_is_not_a_second_machine(tmp_path):
    fake_machines.xavier_nx(tmp_path)
    os.symlink(str(tmp_path / fake_machines.JETPACK5 / '7-0040'),
               str(tmp_path / fake_machines.JETPACK5 / '7-0040-again'))
    assert len(discover(str(tmp_path)).rails) == 3


def test_a_root_with_brackets_is_a_path_and_no_pattern(tmp_path):
    root = tmp_path / 'case[1]'
    fake_machines.tx2(root)
    assert len(discover(str(root)).rails) == 6
