# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The wheels' build paths are rewritten once, and the prefix gets working setup files."""

import importlib.util
from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip('ament_package', reason='ament_package is not installed; run make setup')

REPOSITORY = Path(__file__).resolve().parents[2]
PATHS = {'prefix': '/v', 'include': '/usr/include/python3.11', 'numpy': '/v/lib/numpy/include'}


def load_tool():
    spec = importlib.util.spec_from_file_location('mend_ros_prefix',
                                                  REPOSITORY / 'tools/mend_ros_prefix.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load_tool()


@pytest.fixture
def prefix(tmp_path) -> Path:
    """Make a prefix as pip leaves it: one package with build paths, one rclpy."""
    index = tmp_path / 'share/ament_index/resource_index'
    for folder in (index / 'parent_prefix_path', index / 'packages', tmp_path / 'share/a/cmake',
                   tmp_path / 'share/rclpy'):
        folder.mkdir(parents=True)
    (index / 'parent_prefix_path/a').write_text('/opt/python/cp311-cp311')
    (index / 'packages/a').write_text('')
    (tmp_path / 'share/a/cmake/aExport.cmake').write_text(
        'set(x "/opt/python/cp311-cp311/include/python3.11;/usr/include")\n')
    (tmp_path / 'share/rclpy/package.xml').write_text('<version>7.1.5</version>')
    return tmp_path


@pytest.mark.parametrize('before, after', [
    ('"/opt/python/cp311-cp311/include/python3.11"', '"/usr/include/python3.11"'),
    ('/opt/python/cp312-cp312/lib/python3.12/site-packages/numpy/_core/include;/y',
     '/v/lib/numpy/include;/y'),
    ('/opt/python/cp310-cp310', '/v'),
    ('/opt/python/cp310-cp310:/x', '/v:/x'),
    ('/opt/python/cp313-cp313t/share/a', '/v/share/a'),
    ('/opt/pythonic', '/opt/pythonic'),
])
def test_paths(before, after):
    assert tool.mend_text(before, PATHS) == after
    assert tool.mend_text(after, PATHS) == after


def test_files_are_mended_once(prefix):
    assert tool.mend_build_paths(prefix, PATHS) == 2
    assert tool.mend_build_paths(prefix, PATHS) == 0
    mended = (prefix / 'share/a/cmake/aExport.cmake').read_text()
    assert mended == 'set(x "/usr/include/python3.11;/usr/include")\n'
    index = prefix / 'share/ament_index/resource_index/parent_prefix_path/a'
    assert index.read_text() == '/v'


def test_setup_files_work(prefix):
    (prefix / 'lib/site').mkdir(parents=True)
    (prefix / 'lib/site/ros_x.libs').mkdir()
    tool.write_setup_files(prefix, 'jazzy', str(prefix / 'lib/site'))
    show = 'echo "$ROS_DISTRO|$ROS_VERSION|$LD_LIBRARY_PATH"'
    lines = [f'source {prefix}/setup.bash'] * 2 + [show]
    done = subprocess.run(['/bin/bash', '-c', '\n'.join(lines)], env={'PATH': '/usr/bin:/bin'},
                          capture_output=True, text=True)
    assert done.stdout.strip() == f'jazzy|2|{prefix}/lib/site/ros_x.libs', done.stderr


def test_the_distribution_is_told_by_rclpy(prefix):
    assert tool.installed_distro(prefix) == 'jazzy'
    (prefix / 'share/rclpy/package.xml').write_text('<version>9.1.2</version>')
    assert tool.installed_distro(prefix) == 'kilted'


def test_an_environment_without_rclpy_is_refused(tmp_path):
    with pytest.raises(SystemExit, match='found nothing; install one of requirements/ros'):
        tool.installed_distro(tmp_path)


def test_the_running_environment_is_mended():
    mended = Path(sys.prefix) / 'share/ament_index/resource_index/parent_prefix_path/rclpy'
    if not mended.is_file():
        pytest.skip('ROS 2 does not come from wheels here')
    assert mended.read_text() == sys.prefix
    assert (Path(sys.prefix) / 'setup.bash').is_file()
