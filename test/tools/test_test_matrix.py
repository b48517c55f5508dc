# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The legs of the test matrix: what is absent is skipped, what is wrong is refused."""

import os
from pathlib import Path
import shutil
import subprocess

import pytest
import robot_side

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / 'tools/test_matrix.sh'
PROGRAMS = ('bash', 'dirname', 'ls', 'mktemp', 'rm')


@pytest.fixture
def run_legs(tmp_path):
    """Return a function that runs legs on a machine with nothing but the given Pythons."""
    def run(*legs, **pythons: str) -> subprocess.CompletedProcess:
        folder = tmp_path / 'bin'
        folder.mkdir()
        for name in PROGRAMS:
            (folder / name).symlink_to(shutil.which(name))
        for name, body in pythons.items():
            path = folder / name.replace('_', '.')
            path.write_text('#!/bin/bash\n' + body + '\n')
            path.chmod(0o755)
        environment = {'PATH': str(folder), 'PYENV_ROOT': str(tmp_path / 'none'),
                       'TMPDIR': str(tmp_path)}
        return subprocess.run([str(SCRIPT), *legs], env=environment, capture_output=True,
                              text=True)
    return run


def test_absent_pythons_are_skipped_with_a_reason(run_legs):
    done = run_legs()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f'leg {leg}: skipped, there is no Python {leg} with venv in PATH or pyenv '
        f'(pyenv install {leg})' for leg in ('3.6', '3.8', '3.10', '3.12')]


def test_a_python_that_does_not_start_is_absent(run_legs):
    """As pyenv's stand-in of a version that is not chosen."""
    assert 'leg 3.6: skipped' in run_legs('3.6', python3_6='exit 127').stdout


def test_an_unknown_leg_is_refused(run_legs):
    done = run_legs('2.7')
    assert done.returncode == 2
    assert done.stderr == "unknown leg '2.7'; valid are 3.6 3.8 3.10 3.12\n"


def test_temporary_files_are_gone(run_legs, tmp_path):
    run_legs('3.6')
    assert os.listdir(str(tmp_path)) == ['bin']


@pytest.mark.parametrize('leg', ['3.6', '3.8'])
def test_versions_are_exact(leg):
    lines = (REPOSITORY / f'requirements/matrix/{leg}.txt').read_text().splitlines()
    pins = [line for line in lines if not line.startswith('#')]
    assert pins
    assert all(line.count('==') == 1 for line in pins)


def test_the_robot_has_tests_that_exist():
    assert {'test/networks', 'test/engines', 'test/pipeline', 'test/telemetry', 'test/commands',
            'test/weights', 'test/export', 'test/test_model_card.py'} <= set(robot_side.tests())
    for path in robot_side.code() + robot_side.tests() + robot_side.slow_tests():
        assert (REPOSITORY / path).exists()
