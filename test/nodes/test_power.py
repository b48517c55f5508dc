# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The power node in its own process with a fake machine, over real DDS."""

import math

from camera_images import image_bgr, image_message
import fake_machines
import pytest

NODE = '/power'
FAST = {'publish_period_s': 0.1, 'diagnostics_period_s': 0.2, 'energy_window_s': 2.0,
        'rate_hz': 50.0}


class PowerCase:
    """A power node, what it says, and the files that it reads."""

    def __init__(self, start_node, peer, root, name='power', **parameters):
        from diagnostic_msgs.msg import DiagnosticArray
        from espnet_msgs.msg import PowerReading
        self.peer, self.root, self.name = peer, root, name
        self.node = start_node('__node:=' + name, node='power', root=root,
                               **dict(FAST, **parameters))
        self.readings = peer.collect(PowerReading, '/{}/power'.format(name))
        self._arrays = peer.collect(DiagnosticArray, '/diagnostics')

    def reading(self, condition):
        """Wait for a reading for which a condition holds."""
        self.readings.clear()

        def found():
            return [reading for reading in self.readings if condition(reading)]
        return self.peer.wait_for(found, 'reading\n' + self.node.log())[0]

    def status(self, task, condition):
        """Wait for a row of the diagnostics for which a condition holds."""
        self._arrays.clear()

        def found():
            statuses = [status for array in self._arrays for status in array.status
                        if status.name == '{}: {}'.format(self.name, task)]
            return [status for status in statuses if condition(status)]
        return self.peer.wait_for(found, 'status of {}\n{}'.format(task, self.node.log()))[0]


def values(status):
    """Return the values of a status by key."""
    return {entry.key: entry.value for entry in status.values}


@pytest.fixture(scope='module')
def tx2(start_node, peer, tmp_path_factory):
    """Return the power node of a TX2."""
    root = tmp_path_factory.mktemp('tx2')
    fake_machines.tx2(root)
    return PowerCase(start_node, peer, root)


def vdd_in(root):
    """Return the path of the power of VDD_IN."""
    return root / fake_machines.JETPACK4 / '0-0041/iio:device1/in_power0_input'


def test_the_message(tx2):
    from espnet_perception.telemetry.hardware import hardware_id
    reading = tx2.reading(lambda reading: reading.total_energy_mj > 0)
    rails = {rail.name: rail for rail in reading.rails}
    assert {name: rail.power_mw for name, rail in rails.items()} == {
        'VDD_IN': pytest.approx(5389), 'VDD_SYS_CPU': pytest.approx(1373),
        'VDD_SYS_DDR': pytest.approx(1107), 'VDD_SYS_GPU': pytest.approx(1147),
        'VDD_SYS_SOC': pytest.approx(991), 'VDD_4V0_WIFI': pytest.approx(19)}
    assert rails['VDD_IN'].energy_mj == pytest.approx(5389 * rails['VDD_IN'].measured_s)
    assert (reading.total_mw, list(reading.total_rails)) == (pytest.approx(5389), ['VDD_IN'])
    assert (reading.hardware_id, reading.header.frame_id) == (hardware_id(), '')
    assert reading.period_s == pytest.approx(0.1)
    assert math.isnan(reading.idle_mw)
    assert dict(zip(reading.temperature_names, reading.temperatures_c)) == {
        'BCPU-therm': 41.5, 'GPU-therm': 39.0}
    assert (list(reading.gpu_names), reading.gpu_loads_percent[0]) == (
        ['GPU'], pytest.approx(48.7))
    assert list(reading.battery_names) == []


def test_levels_at_thresholds(tx2):
    assert tx2.status('power', lambda status: status.level == b'\0').message == \
        'total 5389 mW from VDD_IN'
    assert tx2.peer.set_parameter(NODE, 'warn_power_mw', 5000.0)[0]
    warned = tx2.status('power', lambda status: status.level == b'\1')
    assert 'the total power is 5389 mW (threshold 5000 mW)' in warned.message
    assert values(warned)['power VDD_IN (mW)'] == '5389.000'
    assert tx2.peer.set_parameter(NODE, 'warn_power_mw', 0)[0]
    fake_machines.write(tx2.root, 'class/thermal/thermal_zone2/temp', 90500)
    hot = tx2.status('temperature', lambda status: status.level == b'\1')
    assert hot.message == 'GPU-therm 90.5 C (threshold 85 C)'
    assert warned.hardware_id == tx2.readings[-1].hardware_id
    assert not tx2.peer.set_parameter(NODE, 'warn_battery_percent', 101.0)[0]


def test_services(tx2):
    from std_srvs.srv import Trigger
    before = tx2.reading(lambda reading: reading.total_energy_mj > 2 * 5389)
    answer = tx2.peer.call(Trigger, NODE + '/reset_energy')
    assert answer.success, answer.message
    after = tx2.reading(lambda reading: reading.total_energy_mj < before.total_energy_mj)
    assert after.total_energy_mj == pytest.approx(5389 * after.rails[0].measured_s, rel=0.01)
    answer = tx2.peer.call(Trigger, NODE + '/measure_idle')
    assert (answer.success, answer.message) == (True, 'idle power is 5389 mW')
    assert tx2.reading(lambda reading: reading.idle_mw > 0).idle_mw == pytest.approx(5389)


def test_energy_per_frame_of_the_real_node(tx2, start_node, tiny_model_dir):
    from sensor_msgs.msg import Image
    segmentation = start_node('__node:=seeing', model=tiny_model_dir, engine='torch',
                              diagnostics_period_s=0.2)
    camera = tx2.peer.publisher(Image, '/image')
    message = image_message(image_bgr(3))

    def cost_of(reading):
        return [cost for cost in reading.frame_energies
                if cost.node == 'seeing' and cost.energy_per_frame_mj > 0]

    def costs():
        camera.publish(message)
        return tx2.readings and cost_of(tx2.readings[-1])
    tx2.readings.clear()
    cost = tx2.peer.wait_for(costs, 'energy per frame\n' + segmentation.log())[0]
    assert cost.energy_per_frame_mj == pytest.approx(5389 * cost.window_s / cost.frames, rel=1e-3)
    assert math.isnan(cost.idle_mw)
    assert tx2.peer.set_parameter(NODE, 'subtract_idle', True)[0]

    def above_idle():
        camera.publish(message)
        return [cost for reading in tx2.readings[-1:] for cost in reading.frame_energies
                if cost.node == 'seeing' and cost.idle_mw > 0]
    cost = tx2.peer.wait_for(above_idle, 'energy above idle')[0]
    assert cost.idle_mw == pytest.approx(5389)
    assert cost.energy_per_frame_mj == pytest.approx(0, abs=1e-3)
    segmentation.stop()


def test_a_rail_that_disappears(tx2):
    vdd_in(tx2.root).unlink()
    reading = tx2.reading(lambda reading: math.isnan(reading.total_mw))
    rails = {rail.name: rail for rail in reading.rails}
    assert math.isnan(rails['VDD_IN'].power_mw)
    assert rails['VDD_IN'].energy_mj > 0
    assert rails['VDD_IN'].problem.endswith('in_power0_input is absent')
    assert rails['VDD_SYS_GPU'].power_mw == pytest.approx(1147)
    status = tx2.status('power', lambda status: status.level == b'\1')
    assert 'rail VDD_IN has disappeared' in status.message
    vdd_in(tx2.root).write_text('5000\n')
    assert tx2.reading(lambda reading: reading.total_mw == pytest.approx(5000))


def test_the_life_cycle(tx2):
    from std_srvs.srv import Trigger
    assert tx2.peer.change_state(NODE, 'deactivate')
    status = tx2.status('power', lambda status: 'not active' in status.message)
    assert values(status)['lifecycle state'] == 'inactive'
    answer = tx2.peer.call(Trigger, NODE + '/reset_energy')
    assert (answer.success, answer.message) == (False, 'nothing is measured: activate the node')
    assert tx2.peer.change_state(NODE, 'cleanup')
    assert tx2.peer.change_state(NODE, 'configure')
    assert tx2.peer.change_state(NODE, 'activate')
    assert tx2.reading(lambda reading: reading.total_mw == pytest.approx(5000))
    assert tx2.node.stop() == 0
    assert 'Traceback' not in tx2.node.log()


def test_a_laptop(start_node, peer, tmp_path):
    fake_machines.laptop(tmp_path)
    case = PowerCase(start_node, peer, tmp_path, 'laptop', warn_battery_percent=90.0)
    reading = case.reading(lambda reading: reading.total_mw > 0)
    assert (reading.total_mw, list(reading.total_rails)) == (pytest.approx(12345), ['BAT0'])
    assert (list(reading.battery_names), list(reading.battery_states)) == (
        ['BAT0'], ['Discharging'])
    assert (reading.battery_percents[0], reading.battery_powers_mw[0],
            reading.battery_remaining_s[0]) == (83.0, 12345.0, 12000.0)
    status = case.status('battery', lambda status: status.level == b'\1')
    assert status.message == 'BAT0 is at 83 % (threshold 90 %), 200 min left'
    case.node.stop()


def test_without_any_sensor_the_node_runs_and_says_where_it_looked(start_node, peer, tmp_path):
    fake_machines.desktop(tmp_path)
    case = PowerCase(start_node, peer, tmp_path, 'desktop')
    status = case.status('power', lambda status: status.level == b'\1')
    assert status.message.startswith('no power sensor found: looked at INA3221: absent (')
    assert str(tmp_path / 'class/powercap/*/energy_uj') in status.message
    reading = case.reading(lambda reading: True)
    assert (list(reading.rails), math.isnan(reading.total_mw)) == ([], True)
    assert 'no power sensor found: looked at' in case.node.log()
    assert case.node.stop() == 0
