# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Clocks, governors and load are told where the kernel tells them, and never made up."""

from espnet_perception.telemetry.processor import examine_processor
from espnet_perception.telemetry.sysfs import Sysfs
from fake_machines import write


def test_policies_of_two_kinds_of_cores(tmp_path):
    """A TX2: four A57 and two Denver cores, each kind with a policy of its own."""
    for number, governor, clock in ((0, 'schedutil', 345600), (1, 'performance', 2035200)):
        folder = 'devices/system/cpu/cpufreq/policy{}'.format(number)
        write(tmp_path, folder + '/scaling_governor', governor)
        write(tmp_path, folder + '/scaling_cur_freq', clock)
        write(tmp_path, folder + '/scaling_min_freq', 345600)
        write(tmp_path, folder + '/scaling_max_freq', 2035200)
    write(tmp_path, 'proc/loadavg', '0.52 0.58 0.59 1/389 12345')
    state = examine_processor(Sysfs(str(tmp_path)), str(tmp_path))
    assert state.governors == ('performance', 'schedutil')
    assert state.clock_mhz == (345.6, 2035.2)
    assert state.limits_mhz == (345.6, 2035.2)
    assert state.load == 0.52


def test_a_virtual_machine_tells_clocks_alone(tmp_path):
    write(tmp_path, 'proc/cpuinfo', 'cpu MHz\t\t: 2596.1\n\ncpu MHz\t\t: 2400.0')
    state = examine_processor(Sysfs(str(tmp_path)), str(tmp_path))
    assert state == ((), (2400.0, 2596.1), None, None)


def test_a_machine_that_tells_nothing(tmp_path):
    assert examine_processor(Sysfs(str(tmp_path)), str(tmp_path)) == ((), None, None, None)
