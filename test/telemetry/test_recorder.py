# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The recorder goes on whatever a rail does, and says what it made of it."""

import gc
import os
import shutil
import threading
import time

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.power import discover, Sensors
from espnet_perception.telemetry.recorder import PowerRecorder
from espnet_perception.telemetry.sensor import Measurement, Rail
from espnet_perception.telemetry.sysfs import Sysfs
import fake_machines
import pytest

SECOND = 10 ** 9
DEADLINE_S = 30.0


class Simulation:
    """A recorder of a fake machine, whose clock the test moves."""

    def __init__(self, root, rate_hz=50.0):
        self.now_ns, self.root = SECOND, root
        self.period_ns = int(SECOND / rate_hz)
        self.recorder = PowerRecorder(discover(str(root)), rate_hz, clock=lambda: self.now_ns)

    def run(self, seconds, each=None):
        """Let time pass; a function writes what the machine says at a stamp before each sample."""
        for _number in range(int(seconds * SECOND / self.period_ns)):
            if each is not None:
                each(self.now_ns)
            self.recorder.sample()
            self.now_ns += self.period_ns

    def report(self, window_s=1.0):
        """Return the report and its rails by name."""
        report = self.recorder.report(int(window_s * SECOND))
        return report, {rail.name: rail for rail in report.rails}


@pytest.fixture
def tx2(tmp_path):
    """Return a simulation of a TX2."""
    fake_machines.tx2(tmp_path)
    return Simulation(tmp_path)


@pytest.fixture
def laptop(tmp_path):
    """Return a simulation of a laptop that discharges."""
    fake_machines.laptop(tmp_path)
    return Simulation(tmp_path)


def vdd_in(root):
    """Return the path of the power of VDD_IN."""
    return root / fake_machines.JETPACK4 / '0-0041/iio:device1/in_power0_input'


def test_powers_and_energies(tx2):
    tx2.run(2.02)
    report, rails = tx2.report()
    assert (report.total.power_mw, report.total_rails) == (pytest.approx(5389.0), ('VDD_IN',))
    assert report.total.energy_mj == pytest.approx(2 * 5389.0)
    assert rails['VDD_SYS_GPU'].power_mw == pytest.approx(1147.0)
    assert rails['VDD_SYS_GPU'].energy_mj == pytest.approx(2 * 1147.0)
    assert (report.samples, rails['VDD_IN'].measured_s) == (49, pytest.approx(2.0))


def test_a_rail_that_disappears_is_marked_and_the_rest_goes_on(tx2):
    tx2.run(1.02)
    vdd_in(tx2.root).unlink()
    tx2.run(1.0)
    report, rails = tx2.report()
    assert rails['VDD_IN'].power_mw is None
    assert rails['VDD_IN'].problem.endswith('in_power0_input is absent')
    assert rails['VDD_IN'].energy_mj == pytest.approx(5389.0)
    assert rails['VDD_IN'].measured_s == pytest.approx(1.0)
    assert rails['VDD_SYS_GPU'].energy_mj == pytest.approx(2 * 1147.0, rel=0.02)
    assert (report.total.power_mw, report.total.problem) == (None, rails['VDD_IN'].problem)
    vdd_in(tx2.root).write_text('5000\n')
    tx2.run(1.02)
    report, rails = tx2.report(0.5)
    assert report.total.power_mw == rails['VDD_IN'].power_mw == pytest.approx(5000.0)
    assert report.total.measured_s == pytest.approx(2.0)


def test_a_battery_that_is_plugged_in_leaves_the_total_to_the_processor(laptop):
    def count(stamp_ns):
        fake_machines.rapl(laptop.root, 'intel-rapl:0', 'package-0', stamp_ns * 20 // 1000)
    laptop.run(2.02, count)
    report, rails = laptop.report()
    assert (report.total_rails, report.total.power_mw) == (('BAT0',), pytest.approx(12345.0))
    assert rails['package-0'].power_mw == pytest.approx(20000.0)
    laptop.recorder.measure_idle(SECOND)
    fake_machines.write(laptop.root, fake_machines.BATTERY + '/status', 'Charging')
    laptop.run(2.02, count)
    report, rails = laptop.report()
    assert (report.total_rails, report.total.power_mw) == (('package-0',), pytest.approx(20000.0))
    assert (rails['BAT0'].power_mw, rails['BAT0'].problem) == (None, '')
    assert report.idle_mw is None
    mixed = laptop.recorder.energy(0, laptop.now_ns)
    assert mixed.mean_mw == pytest.approx(20000.0)


def test_counters_that_wrap_and_jump(laptop):
    wrap_uj = 262143328850
    start_uj = wrap_uj - 30 * 10 ** 6

    def count(stamp_ns):
        energy_uj = (start_uj + (stamp_ns - SECOND) * 20 // 1000) % wrap_uj
        fake_machines.rapl(laptop.root, 'intel-rapl:0', 'package-0', energy_uj)
    laptop.run(3.02, count)
    _report, rails = laptop.report()
    assert rails['package-0'].energy_mj == pytest.approx(60000.0, rel=1e-6)
    start_uj = wrap_uj // 2
    laptop.run(1.02, count)
    assert laptop.report()[1]['package-0'].jumps == 1
    assert laptop.report()[1]['package-0'].energy_mj == pytest.approx(80000.0, rel=1e-6)


def test_idle_power_is_subtracted_on_request_and_said(tx2):
    with pytest.raises(SensorError, match='measured for 0.0 of the last 1.0 s'):
        tx2.recorder.measure_idle(SECOND)
    vdd_in(tx2.root).write_text('2000\n')
    tx2.run(1.5)
    assert tx2.recorder.measure_idle(SECOND) == pytest.approx(2000.0)
    start_ns = tx2.now_ns
    vdd_in(tx2.root).write_text('5000\n')
    tx2.run(1.02)
    end_ns = start_ns + SECOND
    plain = tx2.recorder.energy(start_ns, end_ns)
    above = tx2.recorder.energy(start_ns, end_ns, above_idle=True)
    assert (plain.energy_mj, plain.idle_mw) == (pytest.approx(5000.0), None)
    assert (above.energy_mj, above.idle_mw) == (pytest.approx(3000.0), pytest.approx(2000.0))
    assert tx2.report()[0].idle_mw == pytest.approx(2000.0)


@pytest.mark.parametrize('rate_hz', [0.0, 9.0, 101.0, float('nan')])
def test_a_rate_that_is_not_meant(tmp_path, rate_hz):
    with pytest.raises(SensorError, match='expected 10 to 100'):
        PowerRecorder(discover(str(tmp_path)), rate_hz)


def test_what_cannot_be_asked(tx2):
    tx2.run(1.0)
    with pytest.raises(SensorError, match='idle power of total was not measured'):
        tx2.recorder.energy(0, 1, above_idle=True)
    with pytest.raises(SensorError, match="no rail 'VDD_OUT'; there are: total, VDD_4V0_WIFI"):
        tx2.recorder.energy(0, 1, 'VDD_OUT')


def test_a_clock_that_steps(tx2):
    tx2.run(2.02)
    tx2.now_ns -= 10 * SECOND
    tx2.run(1.02)
    report, _rails = tx2.report()
    assert report.total.energy_mj == pytest.approx(3 * 5389.0)
    tx2.now_ns += 3600 * SECOND
    tx2.run(1.02)
    report, rails = tx2.report()
    assert report.total.energy_mj == pytest.approx(4 * 5389.0)
    assert report.total.power_mw == pytest.approx(5389.0)


def test_reset(tx2):
    tx2.run(2.02)
    tx2.recorder.reset_energy()
    assert tx2.report()[0].total.energy_mj is None
    tx2.run(1.0)
    assert tx2.report()[0].total.energy_mj == pytest.approx(5389.0)


def test_readings_that_are_old_are_not_shown_as_present(tx2):
    tx2.run(2.0)
    tx2.now_ns += 5 * SECOND
    report, rails = tx2.report()
    assert (report.total.power_mw, rails['VDD_IN'].power_mw) == (None, None)


def test_no_sensor_at_all(tmp_path):
    fake_machines.desktop(tmp_path)
    simulation = Simulation(tmp_path)
    simulation.run(1.0)
    report, rails = simulation.report()
    assert rails == {}
    assert (report.total.power_mw, report.total.energy_mj, report.total_rails) == (None, None, ())


def wait_for(condition):
    """Wait until a condition holds."""
    end_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end_s
        threading.Event().wait(0.01)


def test_the_thread_samples_in_time(tmp_path):
    fake_machines.tx2(tmp_path)
    start_ns = monotonic_ns()
    with PowerRecorder(discover(str(tmp_path)), 100.0) as recorder:
        wait_for(lambda: recorder.report(60 * SECOND).samples >= 20)
        assert recorder.report(60 * SECOND).samples <= (monotonic_ns() - start_ns) / 1e7 + 2
    samples = recorder.report(60 * SECOND).samples
    assert [thread.name for thread in threading.enumerate() if thread.name == 'power'] == []
    assert recorder.report(60 * SECOND).samples == samples


def test_what_was_drawn_while_the_recorder_rested_is_not_counted(laptop):
    laptop.run(0.5)
    before_mj = laptop.report()[1]['package-0'].energy_mj
    fake_machines.rapl(laptop.root, 'intel-rapl:0', 'package-0', 6 * 10 ** 6)
    laptop.recorder.start()
    laptop.recorder.stop()
    laptop.run(0.5)
    assert laptop.report()[1]['package-0'].energy_mj == before_mj == 0.0


def test_a_sensor_that_breaks_its_contract_does_not_end_the_thread():
    calls = []

    def measure():
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError('no idea')
        return Measurement(1.0)
    with PowerRecorder(Sensors((Rail('a', 'test', 'here', measure),)), 100.0) as recorder:
        wait_for(lambda: len(calls) > 2)
    assert recorder.failure.startswith("RuntimeError('no idea'")
    assert recorder.report(60 * SECOND).total.power_mw == pytest.approx(1.0)


def test_a_rail_that_is_taken_away_and_put_back_is_noticed_though_its_file_is_open(tmp_path):
    """As when a driver is loaded anew: the open file is of no use any more."""
    path = tmp_path / 'power'
    path.write_text('5000\n')
    read = Sysfs(str(tmp_path)).often(str(path))
    assert [read(), read()] == [5000, 5000]
    path.write_text('6000\n')
    assert read() == 6000
    path.unlink()
    with pytest.raises(SensorError, match='power is absent'):
        read()
    path.write_text('7000\n')
    assert read() == 7000
    (tmp_path / 'new').write_text('8000\n')
    (tmp_path / 'new').replace(path)
    assert read() == 8000
    path.write_text('oops\n')
    with pytest.raises(SensorError, match="holds 'oops.*', expected an integer"):
        read()
    path.write_text('9000\n')
    assert read() == 9000


def test_files_are_closed_when_their_reader_goes(tmp_path):
    fake_machines.tx2(tmp_path)

    def opened():
        return sum(str(tmp_path) in os.readlink(link.path)
                   for link in os.scandir('/proc/self/fd') if os.path.islink(link.path))
    simulation = Simulation(tmp_path)
    simulation.run(0.1)
    assert opened() == 6
    del simulation
    gc.collect()
    assert opened() == 0


def test_a_chip_that_disappears_whole_and_a_clock_that_steps_at_the_same_time(tx2):
    """Nothing is made up, and what is left goes on."""
    tx2.run(1.02)
    shutil.rmtree(str(tx2.root / fake_machines.JETPACK4 / '0-0041'))
    tx2.now_ns -= SECOND // 2
    tx2.run(1.02)
    report, rails = tx2.report(0.5)
    assert (report.total.power_mw, rails['VDD_SYS_CPU'].power_mw) == (None, None)
    assert report.total.energy_mj == pytest.approx(5389.0)
    assert rails['VDD_SYS_GPU'].power_mw == pytest.approx(1147.0)
    assert rails['VDD_SYS_GPU'].measured_s == pytest.approx(2.0)


def test_samples_of_the_total_for_whoever_draws_them(tx2):
    tx2.run(1.02)
    points = tx2.recorder.total_points(SECOND + SECOND // 2)
    assert [point.stamp_ns for point in points] == [
        SECOND + number * SECOND // 50 for number in range(26, 51)]
    assert points[-1].energy_mj - points[0].energy_mj == pytest.approx(5389.0 * 24 / 50)
    assert tx2.recorder.total_points(100 * SECOND) == []
