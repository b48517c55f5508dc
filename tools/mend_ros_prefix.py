# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Make a virtual environment that holds the ROS 2 wheels behave like a ROS 2 prefix.

Run it with the interpreter of that environment, after pip; running it again changes nothing.

The wheels carry the paths of the machine that built them in their CMake files and in their
ament index, and they come without the prefix's setup files. This script rewrites the former to
the paths of this environment and writes the latter from ament_package's own templates, so that
``source .venv/setup.bash`` does what ``source /opt/ros/<distro>/setup.bash`` does.
"""

import argparse
from pathlib import Path
import re
import sys
import sysconfig
from typing import Dict, Iterator

from ament_package import templates
import numpy

BUILD_PREFIX = re.compile(r'/opt/python/cp\d+-cp\d+t?(?P<rest>[^\s;"\'>:]*)')
DISTRO_OF_RCLPY = {'7': 'jazzy', '9': 'kilted'}
ENVIRONMENT_LINES = """
# --- what the wheels leave out: the names of the distribution, and their bundled libraries ---
export ROS_DISTRO={distro}
export ROS_VERSION=2
export ROS_PYTHON_VERSION=3
for _espnet_libs in "{site_packages}"/ros_*.libs; do
  case ":$LD_LIBRARY_PATH:" in
    *":$_espnet_libs:"*) ;;
    *) export LD_LIBRARY_PATH="${{LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}}$_espnet_libs" ;;
  esac
done
unset _espnet_libs
"""


def replacement(rest: str, paths: Dict[str, str]) -> str:
    """
    Return this environment's path for a path below the builder's prefix.

    :param rest: what follows ``/opt/python/cpXY-cpXY``; empty for the prefix itself
    :param paths: the keys 'prefix', 'include' (Python headers) and 'numpy' (NumPy headers)
    """
    if rest.startswith('/include/python'):
        return paths['include']
    if '/numpy/' in rest and rest.endswith('/include'):
        return paths['numpy']
    return paths['prefix'] + rest


def mend_text(text: str, paths: Dict[str, str]) -> str:
    """
    Rewrite every path of the build machine in a text.

    :param text: the content of a CMake or ament index file
    :param paths: see ``replacement``
    """
    return BUILD_PREFIX.sub(lambda match: replacement(match.group('rest'), paths), text)


def files_with_build_paths(prefix: Path) -> Iterator[Path]:
    """
    List the files below a prefix that may carry paths of the build machine.

    :param prefix: root of the virtual environment
    """
    yield from (prefix / 'share').glob('*/cmake/*.cmake')
    yield from (prefix / 'share/ament_index/resource_index/parent_prefix_path').glob('*')


def mend_build_paths(prefix: Path, paths: Dict[str, str]) -> int:
    """
    Mend the files of a prefix in place.

    :param prefix: root of the virtual environment
    :param paths: see ``replacement``
    :return: how many files changed; 0 when it had been done before
    """
    changed = 0
    for path in files_with_build_paths(prefix):
        text = path.read_text(encoding='utf-8')
        mended = mend_text(text, paths)
        if mended != text:
            path.write_text(mended, encoding='utf-8')
            changed += 1
    return changed


def write_setup_files(prefix: Path, distro: str, site_packages: str) -> None:
    """
    Write setup.*, local_setup.* and _local_setup_util.py into a prefix.

    :param prefix: root of the virtual environment
    :param distro: the ROS distribution's name, for ROS_DISTRO
    :param site_packages: folder that holds the wheels' bundled libraries (ros_*.libs)
    """
    # The base interpreter: the environment's own one sets LD_LIBRARY_PATH for itself at start, and
    # the setup files would then believe that the caller's shell had it already.
    base_interpreter = str(Path(sys.executable).resolve())
    values = {
        'CMAKE_INSTALL_PREFIX': str(prefix),
        'ament_package_PYTHON_EXECUTABLE': base_interpreter,
        'SKIP_PARENT_PREFIX_PATH': '',
    }
    for name in templates.get_prefix_level_template_names():
        template = str(templates.get_prefix_level_template_path(name))
        if name.endswith('.in'):
            name, text = name[:-len('.in')], templates.configure_file(template, values)
        else:
            text = Path(template).read_text(encoding='utf-8')
        if name == 'local_setup.sh':
            text += ENVIRONMENT_LINES.format(distro=distro, site_packages=site_packages)
        (prefix / name).write_text(text, encoding='utf-8')


def installed_distro(prefix: Path) -> str:
    """
    Tell the ROS distribution by the version of the installed rclpy.

    :param prefix: root of the virtual environment
    :raises SystemExit: when rclpy is absent or of no distribution known here
    """
    package_xml = prefix / 'share/rclpy/package.xml'
    text = package_xml.read_text(encoding='utf-8') if package_xml.is_file() else ''
    match = re.search(r'<version>(\d+)\.', text)
    if match is None or match.group(1) not in DISTRO_OF_RCLPY:
        found = 'major version ' + match.group(1) if match else 'nothing'
        raise SystemExit(f'{package_xml}: expected rclpy of {sorted(DISTRO_OF_RCLPY.values())}, '
                         f'found {found}; install one of requirements/ros-*.txt first')
    return DISTRO_OF_RCLPY[match.group(1)]


def main() -> None:
    """Mend the environment of the running interpreter."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--prefix', type=Path, default=Path(sys.prefix),
                        help='root of the virtual environment (default: the running one)')
    prefix = parser.parse_args().prefix.resolve()
    paths = {
        'prefix': str(prefix),
        'include': sysconfig.get_paths()['include'],
        'numpy': numpy.get_include(),
    }
    distro = installed_distro(prefix)
    changed = mend_build_paths(prefix, paths)
    write_setup_files(prefix, distro, sysconfig.get_paths()['purelib'])
    print(f'{prefix}: ROS 2 {distro}, {changed} files mended, setup files written')


if __name__ == '__main__':
    main()
