# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Watch several cameras: one node each, all from one file."""

import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import SetParameter
import yaml

SHARE = get_package_share_directory('espnet_perception')

# Name, default, description.
ARGUMENTS = (
    ('config', os.path.join(SHARE, 'config', 'perception.yaml'),
     'YAML file that names the cameras; config/perception.yaml explains it'),
    ('use_sim_time', 'false', 'true: the clock of a bag or a simulation'),
    ('log_level', 'info', 'debug, info, warn or error'),
)
# What may stand under a camera: which node, arguments of its launch file, and parameters.
NODES = ('segmentation', 'classification')
CAMERA_KEYS = ('node', 'image', 'camera_info', 'image_transport', 'model', 'engine', 'autostart',
               'fastdds_profile', 'parameters')
OWN_KEYS = ('node', 'parameters')
FILE_KEYS = ('parameters', 'cameras')


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and what starts the nodes."""
    declared = [DeclareLaunchArgument(name, default_value=default, description=description)
                for name, default, description in ARGUMENTS]
    return LaunchDescription(declared + [OpaqueFunction(function=make_cameras)])


def make_cameras(context) -> list:
    """
    Return one group per camera of the file.

    :param context: launch context with the arguments.
    """
    given = {name: LaunchConfiguration(name).perform(context) for name, *_ in ARGUMENTS}
    with open(given['config'], encoding='utf-8') as stream:
        content = yaml.safe_load(stream)
    check(content, given['config'])
    passed_on = {name: given[name] for name in ('use_sim_time', 'log_level')}
    return [make_camera(name, camera, content.get('parameters') or {}, passed_on)
            for name, camera in content['cameras'].items()]


def make_camera(name: str, camera: dict, parameters: dict, passed_on: dict) -> GroupAction:
    """
    Return the node of one camera with its parameters.

    :param name: name of the camera, and namespace of its node.
    :param camera: what stands under it in the file.
    :param parameters: parameters of every camera; those of the camera itself come after them.
    :param passed_on: more arguments of the node's launch file.
    """
    arguments = {key: str(value).lower() if isinstance(value, bool) else str(value)
                 for key, value in camera.items() if key not in OWN_KEYS}
    arguments.update(passed_on, namespace=name, params_file='')
    merged = dict(parameters, **(camera.get('parameters') or {}))
    return GroupAction(
        [SetParameter(name=key, value=value) for key, value in merged.items()]
        + [IncludeLaunchDescription(
            PythonLaunchDescriptionSource(os.path.join(
                SHARE, 'launch', camera.get('node', NODES[0]) + '.launch.py')),
            launch_arguments=arguments.items())])


def check(content: dict, path: str) -> None:
    """
    Refuse a file with keys that would be ignored.

    :param content: the file's content.
    :param path: its path, for the message.
    """
    if not isinstance(content, dict) or not content.get('cameras'):
        raise ValueError(f"{path} has no key 'cameras' with a camera under it")
    foreign = [camera['node'] for camera in content['cameras'].values()
               if camera.get('node', NODES[0]) not in NODES]
    if foreign:
        raise ValueError('{} has unknown nodes: {}; valid are {}'.format(
            path, ', '.join(str(name) for name in foreign), ', '.join(NODES)))
    unknown = [key for key in content if key not in FILE_KEYS]
    unknown += [f'cameras.{name}.{key}' for name, camera in content['cameras'].items()
                for key in camera if key not in CAMERA_KEYS]
    if unknown:
        raise ValueError('{} has unknown keys: {}; valid are {}, and under a camera {}'.format(
            path, ', '.join(unknown), ', '.join(FILE_KEYS), ', '.join(CAMERA_KEYS)))
