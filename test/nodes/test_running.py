# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Signals end a process in order, however many there are and whenever they come."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures('ros')
PROGRAM = """
import os, signal
from espnet_perception.nodes.running import StopRequest
stop = StopRequest()
for number in {signals}:
    os.kill(os.getpid(), number)
stop.wait()
print('in order')
"""


def end(signals, repository):
    """Run a program that gets the signals before it waits; return exit status and output."""
    done = subprocess.run([sys.executable, '-c', PROGRAM.format(signals=signals)], timeout=60,
                          cwd=repository, stdout=subprocess.PIPE, universal_newlines=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize('signals', ['[signal.SIGINT]', '[signal.SIGTERM]',
                                     '[signal.SIGINT, signal.SIGINT]'])
def test_one_or_two_signals_end_in_order(signals, repository):
    assert end(signals, repository) == (0, 'in order\n')


def test_three_signals_end_at_once(repository):
    assert end('[signal.SIGINT] * 3', repository) == (130, '')


def test_a_wrong_command_line_is_said_in_one_line(repository, tmp_path):
    program = ('from espnet_perception.nodes.running import run; '
               'raise SystemExit(run(None, ["--ros-args", "--params-file", "/no/such.yaml"]))')
    done = subprocess.run([sys.executable, '-c', program], timeout=60, cwd=repository,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)
    assert done.returncode == 1
    assert 'cannot start: ' in done.stderr
    assert '/no/such.yaml' in done.stderr
    assert 'Traceback' not in done.stderr
