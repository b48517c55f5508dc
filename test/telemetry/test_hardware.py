# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The machine is named by its board, else its GPU, else its CPU."""

from espnet_perception.telemetry.hardware import hardware_id


def write(path, text):
    """Write a file of a fake root."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_serial_of_the_board_comes_first(tmp_path):
    write(tmp_path / 'proc/cpuinfo', 'model name\t: Some CPU @ 2 GHz\n')
    assert hardware_id(str(tmp_path)) == 'Some CPU @ 2 GHz'
    write(tmp_path / 'proc/driver/nvidia/gpus/0000:01:00.0/information',
          'Model: \t\t Some GPU\nIRQ:   31\n')
    assert hardware_id(str(tmp_path)) == 'Some GPU'
    write(tmp_path / 'proc/device-tree/serial-number', '0421018031234\0')
    assert hardware_id(str(tmp_path)) == '0421018031234'


def test_a_machine_that_tells_nothing_still_has_a_name(tmp_path):
    assert hardware_id(str(tmp_path))
