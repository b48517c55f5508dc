# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""`make setup` says in one sentence what the system lacks and how to get it."""

import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Dict

import pytest

CHECK = Path(__file__).resolve().parents[2] / 'tools/check_needs.sh'
NEEDED_BY_THE_SCRIPT = ('bash', 'uname', 'sed', 'sort', 'head')
PRESENT = {'gcc': '', 'g++': '', 'make': '', 'cmake': 'echo cmake version 3.25.1',
           'python3': f'exec {os.path.realpath(sys.executable)} "$@"'}
OLD_PYTHON = """case "$2" in
  *print*) echo 3.8 ;;
  *) exit 1 ;;
esac"""


def check(folder: Path, changes: Dict[str, str],
          **environment: str) -> subprocess.CompletedProcess:
    """
    Run the check on a machine that has only the given programs.

    :param folder: becomes the PATH
    :param changes: program name to the shell text of its body; None takes it away
    """
    for name in NEEDED_BY_THE_SCRIPT:
        (folder / name).symlink_to(shutil.which(name))
    for name, body in {**PRESENT, **changes}.items():
        if body is not None:
            path = folder / name
            path.unlink(missing_ok=True)
            path.write_text('#!/bin/bash\n' + body + '\n', encoding='utf-8')
            path.chmod(0o755)
    return subprocess.run([str(CHECK)], env={'PATH': str(folder), **environment},
                          capture_output=True, text=True)


def test_a_complete_machine_passes(tmp_path):
    done = check(tmp_path, {})
    assert (done.returncode, done.stderr) == (0, '')


@pytest.mark.parametrize('changes, sentence', [
    ({'python3': None}, 'missing: Python 3.10 or newer (python3 not found). Install it: sudo apt'),
    ({'python3': OLD_PYTHON}, 'missing: Python 3.10 or newer (python3 is 3.8)'),
    ({'gcc': None}, 'missing: gcc. Install it: sudo apt install build-essential'),
    ({'g++': None}, 'missing: g++. Install it: sudo apt install build-essential'),
    ({'make': None}, 'missing: make. Install it: sudo apt install build-essential'),
    ({'cmake': None}, 'missing: CMake 3.22 or newer (cmake not found)'),
    ({'cmake': 'echo cmake version 3.16.3'}, 'missing: CMake 3.22 or newer (cmake is 3.16.3)'),
    ({'uname': 'echo aarch64'}, 'missing: ROS 2 wheels for aarch64'),
])
def test_one_thing_is_missing(tmp_path, changes, sentence):
    done = check(tmp_path, changes)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


def test_everything_is_missing(tmp_path):
    done = check(tmp_path, dict.fromkeys(PRESENT))
    assert done.returncode == 1
    assert [line.split()[1].rstrip('.') for line in done.stderr.splitlines()] == [
        'Python', 'gcc', 'g++', 'make', 'CMake']


def test_an_installation_needs_colcon(tmp_path):
    done = check(tmp_path, {'uname': 'echo aarch64'}, ORIGIN='system')
    assert done.returncode == 1
    assert done.stderr.startswith('missing: colcon')
    assert len(done.stderr.splitlines()) == 1
