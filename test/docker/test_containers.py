# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The files in docker/ as far as they can be checked without Docker.

hadolint reads them with the shell text inside; what they copy, start and set exists here.
"""

import ast
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKER = REPOSITORY / 'docker'
DOCKERFILES = sorted(DOCKER.glob('*.Dockerfile'))
COMPOSE_FILES = sorted(set(DOCKER.glob('*.yaml')) - {DOCKER / 'hadolint.yaml'})
MACHINES = [path for path in COMPOSE_FILES if path.name != 'compose.yaml']
SHARED_BY_LAUNCH_FILES = REPOSITORY / 'espnet_perception/nodes/launching.py'


def hadolint(path) -> subprocess.CompletedProcess:
    """Lint one file with the rules of the project."""
    places = os.pathsep.join([os.path.dirname(sys.executable), os.environ['PATH']])
    program = shutil.which('hadolint', path=places)
    if program is None:
        pytest.skip('hadolint is not installed; see requirements/dev.txt')
    return subprocess.run([program, '--no-color', '--config', str(DOCKER / 'hadolint.yaml'),
                           str(path)], capture_output=True, text=True)


def steps(path):
    """Return (instruction, rest) of a Dockerfile, lines joined, without comments."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith('#')]
    joined = '\n'.join(lines).replace('\\\n', ' ')
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def ignored(path):
    """Say whether the build context leaves a path out."""
    patterns = [line for line in (REPOSITORY / '.dockerignore').read_text().splitlines()
                if line and line[0] != '#']
    return any(Path(path).match(pattern) for pattern in patterns)


def content(path):
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def filled(text):
    """Return a value of a compose file with the defaults of its variables."""
    return re.sub(r'\$\{\w+:-([^}]*)\}', r'\1', text)


def launch_arguments(name):
    """Return what a launch file of the package takes."""
    tree = ast.parse(SHARED_BY_LAUNCH_FILES.read_text())
    names = {node.targets[0].id: ast.walk(node.value) for node in tree.body
             if isinstance(node, ast.Assign)}
    kinds = ['ARGUMENTS'] if name == 'power' else ['ARGUMENTS', 'CAMERA_ARGUMENTS']
    rows = [part for kind in kinds for part in names[kind] if isinstance(part, ast.Tuple)]
    own = ast.walk(ast.parse((REPOSITORY / f'launch/{name}.launch.py').read_text()))
    rows += [part for part in own if isinstance(part, ast.Tuple)]
    return {row.elts[0].value for row in rows if isinstance(row.elts[0], ast.Constant)}


def test_there_is_something_to_check():
    assert {path.stem for path in DOCKERFILES} == {'jetson', 'jetpack6', 'desktop', 'devices'}
    assert {path.stem for path in COMPOSE_FILES} == {'compose', 'jetson', 'jetpack6'}


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.stem)
def test_hadolint_is_content(path):
    done = hadolint(path)
    assert (done.stdout, done.returncode) == ('', 0)


def test_hadolint_finds_a_bad_file(tmp_path):
    path = tmp_path / 'Dockerfile'
    path.write_text('FROM debian\nRUN apt-get update && apt-get install curl\n')
    done = hadolint(path)
    assert done.returncode == 1
    assert 'DL3006' in done.stdout and 'DL3015' in done.stdout


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.stem)
def test_base_is_a_released_image(path):
    """A tag that says which ROS or L4T, also where a build argument holds it."""
    arguments = dict(rest.split('=', 1) for kind, rest in steps(path)
                     if kind == 'ARG' and '=' in rest)
    bases = [re.sub(r'\$\{(\w+)\}', lambda found: arguments[found.group(1)], rest)
             for kind, rest in steps(path) if kind == 'FROM']
    assert bases
    for base in bases:
        assert re.search(r':\S*(jazzy|l4t-r32|r36)\S*$', base), base


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.stem)
def test_what_is_copied_exists(path):
    """In the repository, and in what reaches the builder."""
    copied = [rest.split()[:-1] for kind, rest in steps(path) if kind == 'COPY']
    assert copied
    for source in (source for sources in copied for source in sources):
        assert (REPOSITORY / source).exists(), source
        assert source == '.' or not ignored(source), source


def test_what_colcon_builds_reaches_the_builder():
    """All that setup.py names; and what is no part of it stays away."""
    needed = ('package.xml', 'setup.py', 'setup.cfg', 'espnet_perception', 'espnet_msgs',
              'launch', 'config', 'models', 'resource', 'tools', 'requirements', 'docker')
    for name in needed:
        assert (REPOSITORY / name).exists() and not ignored(name), name
    for name in ('.git', '.venv', '.venv-py36', 'build', 'install-kilted', 'runs', 'test',
                 'espnet_perception/__pycache__'):
        assert ignored(name), name


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.stem)
def test_it_starts_something_with_ros_sourced(path):
    found = dict(steps(path))
    assert json.loads(found['ENTRYPOINT']) == ['/usr/local/bin/perception_entrypoint.sh']
    assert 'ROS_PREFIX=' in ' '.join(rest for kind, rest in steps(path) if kind == 'ENV')
    check_command(json.loads(found['CMD']))
    assert os.access(DOCKER / 'entrypoint.sh', os.X_OK)


def check_command(words):
    """Refuse launch files and arguments of this package that do not exist."""
    assert words[:2] in (['ros2', 'launch'], ['ros2', 'run'])
    if words[2] != 'espnet_perception':
        assert words[2] in ('v4l2_camera', 'foxglove_bridge')
        return
    assert (REPOSITORY / 'launch' / words[3]).is_file()
    known = launch_arguments(words[3].split('.')[0])
    given = {word.split(':=')[0] for word in words[4:]}
    assert given <= known, given - known


def test_services():
    """Camera, segmentation, power and bridge, each with a command that exists."""
    services = content(DOCKER / 'compose.yaml')['services']
    assert set(services) == {'camera', 'segmentation', 'power', 'bridge'}
    for service in services.values():
        check_command(filled(service['command']).split())
        assert (service['network_mode'], service['ipc']) == ('host', 'host')
        assert (DOCKER / service['build']['context'] / service['build']['dockerfile']).is_file()
    model = re.search(r'model:=(\S+)', filled(services['segmentation']['command'])).group(1)
    assert (REPOSITORY / 'models' / model / 'card.yaml').is_file()


def test_the_camera_publishes_what_is_labelled():
    services = content(DOCKER / 'compose.yaml')['services']
    assert '__ns:=/camera' in services['camera']['command']
    assert 'image:=/camera/image_raw' in services['segmentation']['command']


@pytest.mark.parametrize('path', MACHINES, ids=lambda path: path.stem)
def test_other_machines_change_services_that_exist(path):
    """A Jetson builds its own image, runs it with NVIDIA's runtime and speaks with Humble."""
    services = content(path)['services']
    assert set(services) == set(content(DOCKER / 'compose.yaml')['services'])
    for name in ('segmentation', 'power'):
        assert services[name]['runtime'] == 'nvidia'
        assert services[name]['build']['dockerfile'] == f'docker/{path.stem}.Dockerfile'
        assert services[name]['image'] == f'espnet_perception:{path.stem}'
    for name in ('camera', 'bridge'):
        assert services[name]['build']['args'] == {'ROS_DISTRO': 'humble'}


def test_pip_installs_lists_that_exist():
    for path in DOCKERFILES:
        for name in re.findall(r'-r /tmp/(\S+)', path.read_text()):
            assert (REPOSITORY / name).is_file(), name
