# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Where ROS 2 comes from: wheels by default, an installation where one is sourced."""

from pathlib import Path
import subprocess

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def workspace(**environment: str) -> subprocess.CompletedProcess:
    """Source workspace.sh in an otherwise empty environment and print what it decided."""
    script = 'source tools/workspace.sh && echo $ORIGIN $DISTRO ${VENV##*/} ${INSTALL##*/}'
    return subprocess.run(['/bin/bash', '-c', script], cwd=REPOSITORY, env=environment,
                          capture_output=True, text=True)


def prefix_with_rclpy(folder: Path, wheels: bool) -> str:
    """Make a folder that looks like a ROS 2 prefix and return its path."""
    (folder / 'share/rclpy').mkdir(parents=True)
    (folder / 'share/rclpy/package.xml').touch()
    if wheels:
        (folder / 'pyvenv.cfg').touch()
    return str(folder)


@pytest.mark.parametrize('environment, decided', [
    ({}, 'wheels jazzy .venv install'),
    ({'DISTRO': ''}, 'wheels jazzy .venv install'),
    ({'DISTRO': 'kilted'}, 'wheels kilted .venv-kilted install-kilted'),
    ({'ROS_DISTRO': 'humble'}, 'wheels jazzy .venv install'),
])
def test_wheels(environment, decided):
    assert workspace(**environment).stdout.strip() == decided


def test_an_unknown_distribution_is_refused():
    done = workspace(DISTRO='humble')
    assert done.returncode == 1
    assert 'DISTRO=humble: there are wheels for jazzy and kilted' in done.stderr
    assert 'source /opt/ros/humble/setup.bash' in done.stderr


def test_a_sourced_installation_is_used(tmp_path):
    prefix = prefix_with_rclpy(tmp_path / 'opt ros', wheels=False)
    done = workspace(AMENT_PREFIX_PATH='/nowhere:' + prefix, ROS_DISTRO='humble')
    assert done.stdout.strip() == 'system humble .venv-system-humble install-system-humble'


def test_sourced_wheels_are_no_installation(tmp_path):
    prefix = prefix_with_rclpy(tmp_path, wheels=True)
    done = workspace(AMENT_PREFIX_PATH=prefix, ROS_DISTRO='kilted')
    assert done.stdout.strip() == 'wheels jazzy .venv install'
