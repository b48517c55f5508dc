# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Package espnet_perception for ament_python; read by colcon, also with Python 3.6."""

import os
import sys

from setuptools import find_packages, setup

PACKAGE = 'espnet_perception'
SHARE = os.path.join('share', PACKAGE)
INSTALLED_FOLDERS = ('launch', 'config', 'models')
# The tools for a workstation need Python 3.10; the robot's older interpreter goes without them.
WORKSTATION_PACKAGES = ('training', 'evaluation', 'synthetic')


def excluded_packages():
    """Return the patterns of the packages that this interpreter cannot run."""
    if sys.version_info >= (3, 10):
        return []
    names = [PACKAGE + '.' + name for name in WORKSTATION_PACKAGES]
    return names + [name + '.*' for name in names]


def files_below(folder):
    """Yield (directory, file paths) for a folder and all below it, without caches."""
    for directory, subdirectories, names in sorted(os.walk(folder)):
        subdirectories[:] = [name for name in subdirectories if name != '__pycache__']
        paths = [os.path.join(directory, name) for name in sorted(names) if name[0] != '.']
        if paths and '__pycache__' not in directory:
            yield directory, paths


def share_files():
    """Return the data_files entries of the folders that are installed as they are."""
    return [(os.path.join(SHARE, directory), paths)
            for folder in INSTALLED_FOLDERS
            for directory, paths in files_below(folder)]


def package_files(package):
    """Return the files of one package that are not Python source, such as report templates."""
    folder = package.replace('.', os.sep)
    return [name for name in sorted(os.listdir(folder))
            if os.path.isfile(os.path.join(folder, name))
            and not name.endswith(('.py', '.pyc')) and name[0] != '.']


packages = find_packages(include=[PACKAGE, PACKAGE + '.*'], exclude=excluded_packages())

setup(
    name=PACKAGE,
    version='0.1.0',
    packages=packages,
    package_data={package: package_files(package) for package in packages},
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/' + PACKAGE]),
        (SHARE, ['package.xml']),
        ('bin', ['tools/espnet-perception']),
    ] + share_files(),
    install_requires=['setuptools'],
    extras_require={'test': ['pytest'], 'cluster': ['ray']},
    zip_safe=False,
    maintainer='espnet_perception contributors',
    maintainer_email='maintainers@espnet-perception.invalid',
    description='Segmentation and classification of camera images with ESPNetv2, for ROS 2',
    license='Apache-2.0',
    entry_points={
        'console_scripts': [
            'classification_node = espnet_perception.nodes.classification:main',
            'command_node = espnet_perception.nodes.command:main',
            'power_node = espnet_perception.nodes.power:main',
            'segmentation_node = espnet_perception.nodes.segmentation:main',
            'espnet-perception = espnet_perception.cli.main:main',
        ],
    },
)
