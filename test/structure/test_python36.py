# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What runs on the robot keeps to the syntax and the standard library of Python 3.6."""

from pathlib import Path
import subprocess
import sys
from typing import List

import pytest
import robot_side
from source_tree import REPOSITORY

pytest.importorskip('vermin', reason='vermin is not installed; see requirements/dev.txt')


def findings(paths: List[Path]) -> str:
    """Return what vermin says against Python 3.6; empty when nothing."""
    command = [sys.executable, '-c', 'import vermin; vermin.main()',
               '-t=3.6-', '--eval-annotations', '--no-tips', '--violations', '--processes=1']
    done = subprocess.run(command + [str(path) for path in paths], cwd=REPOSITORY,
                          capture_output=True, text=True)
    return '' if done.returncode == 0 else done.stdout + done.stderr


def robot_paths() -> List[Path]:
    """Return the robot's files and folders with their tests, and what prepares their tests."""
    paths = robot_side.code() + robot_side.tests() + ['setup.py', 'tools/label_maps.py']
    return [REPOSITORY / path for path in paths]


def test_the_robot_runs_python_36():
    assert all(path.exists() for path in robot_paths())
    assert findings(robot_paths()) == ''


@pytest.mark.parametrize('text', [
    'from dataclasses import dataclass',
    'if (n := 3) > 2:\n    pass',
    'def f(sizes: list[int]) -> None:\n    pass',
    'x = 1\nprint(f"{x=}")',
    'import subprocess\nsubprocess.run([], capture_output=True)',
    'from __future__ import annotations',
])
def test_newer_python_is_found(tmp_path, text):
    path = tmp_path / 'sample.py'
    path.write_text(text + '\n', encoding='utf-8')
    assert '3.6' in findings([path])


def test_python_36_passes(tmp_path):
    path = tmp_path / 'sample.py'
    path.write_text('from typing import List\nx: List[int] = []\nprint(f"{x}")\n')
    assert findings([path]) == ''
