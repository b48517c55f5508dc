# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write requirements/constraints*.txt from the running environment.

For whoever raises a pin: edit the lists in requirements/, make a fresh environment, check that
everything passes, then run this with its interpreter. `pip freeze` is no substitute: it lists
pseudo-distributions that the ROS wheels carry (rclpy==7.1.5) and no index has.
"""

import argparse
from importlib import metadata
from pathlib import Path
from typing import Iterable, List, Tuple

from mend_ros_prefix import installed_distro

# pip comes with the environment; the arrays differ between wheels and a ROS installation.
NOT_CONSTRAINED = ('pip', 'wheel', 'ml-dtypes', 'numpy', 'opencv-python-headless')
HEAD = '# Everything that pip brought along, written by tools/write_constraints.py: do not edit.\n'


def installed_by_pip() -> List[Tuple[str, str]]:
    """Return (name, version) of the distributions that pip installed, sorted by name."""
    found = {dist.name.lower().replace('_', '-'): dist.version.split('+')[0]
             for dist in metadata.distributions()
             if (dist.read_text('INSTALLER') or '').strip() == 'pip'}
    return sorted((name, found[name]) for name in found if name not in NOT_CONSTRAINED)


def write_pins(path: Path, pins: Iterable[Tuple[str, str]], marker: str) -> None:
    """
    Write one constraints file.

    :param path: the file
    :param pins: (name, version) pairs
    :param marker: environment marker that follows each pin, or an empty string
    """
    path.write_text(HEAD + ''.join(f'{name}=={version}{marker}\n' for name, version in pins),
                    encoding='utf-8')


def main() -> None:
    """Write both files of the running environment's distribution."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--prefix', type=Path, required=True, help='the virtual environment')
    parser.add_argument('--to', type=Path, default=Path('requirements'))
    args = parser.parse_args()
    pins = installed_by_pip()
    ros = [pin for pin in pins if pin[0].startswith('ros-')]
    others = [pin for pin in pins if not pin[0].startswith('ros-')]
    write_pins(args.to / f'constraints-{installed_distro(args.prefix)}.txt', ros, '')
    # Python 3.10 needs older ones in places; the lists themselves pin what matters there.
    write_pins(args.to / 'constraints.txt', others, "; python_version >= '3.11'")


if __name__ == '__main__':
    main()
