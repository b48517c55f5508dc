# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The power mode of a board is what nvpmodel says."""

from espnet_perception.errors import SensorError
from espnet_perception.telemetry import tegra
import pytest

ANSWER = '#!/bin/sh\n[ "$1" = -q ] && printf "NV Fan Mode:quiet\\nNV Power Mode: {}\\n0\\n"\n'


@pytest.fixture
def program(tmp_path):
    """Return the path of a program that answers as nvpmodel does."""
    path = tmp_path / 'nvpmodel'
    path.write_text(ANSWER.format('MAXP_CORE_ARM'))
    path.chmod(0o755)
    return path


def test_the_mode_and_how_long_it_is_believed(program):
    sensors, missing = tegra.find_mode(str(program))
    assert (sensors[0].read(), missing) == ('MAXP_CORE_ARM', [])
    now_ns = [0]
    ask = tegra.remembered(lambda: tegra.ask_mode(str(program)), lambda: now_ns[0])
    assert ask() == 'MAXP_CORE_ARM'
    program.write_text(ANSWER.format('MAXN'))
    assert ask() == 'MAXP_CORE_ARM'
    now_ns[0] = 10 ** 10
    assert ask() == 'MAXN'


def test_a_board_without_modes():
    sensors, missing = tegra.find_mode('/no/such/nvpmodel')
    assert (sensors, missing[0].reason) == ([], 'absent')


def test_a_program_that_says_something_else(program):
    program.write_text('#!/bin/sh\necho must be root\n')
    with pytest.raises(SensorError, match="says 'must be root', expected a line 'NV Power Mode:"):
        tegra.ask_mode(str(program))
    sensors, missing = tegra.find_mode(str(program))
    assert (sensors, missing[0].reason) == ([], 'unreadable')
