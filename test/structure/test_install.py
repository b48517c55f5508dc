# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What is in the repository is what gets installed: code, launch files, configurations, models."""

import os
from pathlib import Path
import runpy
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from source_tree import PACKAGE, REPOSITORY

SHARE = Path('share') / PACKAGE
FOLDERS = ('launch', 'config', 'models')


@pytest.fixture(scope='module')
def prefix(tmp_path_factory) -> Path:
    """Install the package as colcon does, into a folder of its own."""
    base = tmp_path_factory.mktemp('install')
    (base / 'info').mkdir()
    done = subprocess.run(
        [sys.executable, 'setup.py', '--quiet', 'egg_info', '--egg-base', str(base / 'info'),
         'build', '--build-base', str(base / 'build'),
         'install', '--prefix', str(base / 'prefix'), '--record', str(base / 'record'),
         '--single-version-externally-managed'],
        cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return base / 'prefix'


def visible_files(folder: Path) -> set:
    return {path.relative_to(REPOSITORY) for path in folder.rglob('*') if path.is_file()
            and '__pycache__' not in path.parts and not path.name.startswith('.')}


@pytest.mark.parametrize('name', FOLDERS)
def test_folders_are_installed(prefix, name):
    wanted = visible_files(REPOSITORY / name)
    assert wanted
    assert [path for path in wanted if not (prefix / SHARE / path).is_file()] == []


def test_index_and_manifest(prefix):
    assert (prefix / SHARE / 'package.xml').is_file()
    assert (prefix / 'share/ament_index/resource_index/packages' / PACKAGE).is_file()


def test_all_files_of_the_package(prefix):
    site_packages = next(prefix.glob('lib/python*/site-packages'))
    wanted = visible_files(REPOSITORY / PACKAGE)
    assert [path for path in wanted if not (site_packages / path).is_file()] == []


def test_executables_start_with_the_python_of_the_environment(prefix):
    scripts = list((prefix / 'lib' / PACKAGE).iterdir())
    assert {'segmentation_node', 'classification_node', 'power_node', 'command_node',
            'espnet-perception'} <= {script.name for script in scripts}
    for script in scripts:
        assert script.read_text(encoding='utf-8').splitlines()[0] == '#!/usr/bin/env python3'
        assert script.stat().st_mode & 0o111


def test_the_command_is_on_the_path(prefix):
    environment = dict(os.environ, PYTHONPATH=str(next(prefix.glob('lib/python*/site-packages'))))
    done = subprocess.run([sys.executable, str(prefix / 'bin/espnet-perception'), '--help'],
                          cwd=prefix, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'replay' in done.stdout
    assert (prefix / 'bin/espnet-perception').stat().st_mode & 0o111


def packages_for(version: tuple, monkeypatch) -> set:
    """Return the packages that setup.py installs for a version of Python."""
    import setuptools
    found = {}
    monkeypatch.setattr(setuptools, 'setup', found.update)
    monkeypatch.setattr(sys, 'version_info', version)
    monkeypatch.chdir(REPOSITORY)
    runpy.run_path('setup.py', run_name='__main__')
    return set(found['packages'])


def test_the_robot_goes_without_the_tools(monkeypatch):
    robot = packages_for((3, 6, 9), monkeypatch)
    workstation = packages_for((3, 10, 0), monkeypatch)
    assert {name.split('.')[1] for name in workstation - robot} == {'training', 'evaluation',
                                                                    'synthetic'}
    assert f'{PACKAGE}.nodes' in robot


def test_every_import_is_declared():
    manifest = ElementTree.parse(REPOSITORY / 'package.xml').getroot()
    declared = {tag.text for kind in ('depend', 'exec_depend') for tag in manifest.findall(kind)}
    assert {'rclpy', 'sensor_msgs', 'std_msgs', 'std_srvs', 'diagnostic_msgs', 'lifecycle_msgs',
            'espnet_msgs', 'cv_bridge', 'vision_msgs', 'launch', 'launch_ros', 'python3-numpy',
            'python3-opencv', 'python3-yaml'} <= declared
