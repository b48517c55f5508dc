# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the launch files of the nodes share: one node for one camera."""

import os
from typing import Any, Dict, List, Sequence, Tuple

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

CONFIG = os.path.join(get_package_share_directory('espnet_perception'), 'config')

# Name, default, description. An empty default leaves the parameter to the parameter file and to
# the defaults of the node. {} is the name of the node.
ARGUMENTS = (
    ('image', 'image',
     'Topic of the camera images; for image_transport:=compressed, without /compressed'),
    ('image_transport', '', 'raw or compressed'),
    ('namespace', '', 'Namespace of the node, as front for /front/{}'),
    ('model', '', 'Name of a model, path of a model directory, or path of an upstream .pth file'),
    ('engine', '', 'auto, torch, onnxruntime or openvino'),
    ('params_file', os.path.join(CONFIG, '{}.yaml'), 'Parameter file; empty for none'),
    ('autostart', 'true', 'false: leave the transitions to ros2 lifecycle or a manager'),
    ('use_sim_time', 'false', 'true: the clock of a bag or a simulation'),
    ('log_level', 'info', 'debug, info, warn or error'),
    ('fastdds_profile', os.path.join(CONFIG, 'fastdds_profile.xml'),
     'Fast DDS profile for large images; empty for none; one in the environment goes first'),
)
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')

Topics = Sequence[Tuple[str, str]]


def describe(node: str, topics: Topics = ()) -> LaunchDescription:
    """
    Return what a launch file of a node starts.

    :param node: name of the node; its executable is NAME_node, its parameters config/NAME.yaml.
    :param topics: name and description of the topics that it takes beside the images; each
        becomes an argument.
    """
    arguments = [(name, default.replace('{}', node), description.replace('{}', node))
                 for name, default, description in ARGUMENTS]
    arguments += [(name, name, description) for name, description in topics]
    declared = [DeclareLaunchArgument(name, default_value=default, description=description)
                for name, default, description in arguments]

    def nodes(context: Any) -> List[LifecycleNode]:
        given = {name: LaunchConfiguration(name).perform(context) for name, *_ in arguments}
        return [make_node(node, given, [name for name, _ in topics])]

    return LaunchDescription(declared + [OpaqueFunction(function=nodes)])


def make_node(node: str, given: Dict[str, str], topics: Sequence[str]) -> LifecycleNode:
    """
    Return the node, with only those parameters set that were given.

    :param node: its name.
    :param given: argument to value.
    :param topics: which arguments are topics that it takes beside the images.
    """
    parameters = [given['params_file']] if given['params_file'] else []  # type: List[Any]
    parameters.append({name: ParameterValue(given[name] == 'true', value_type=bool)
                       for name in ('autostart', 'use_sim_time')})
    parameters.append({name: ParameterValue(given[name], value_type=str)
                       for name in ('model', 'engine', 'image_transport') if given[name]})
    return LifecycleNode(
        package='espnet_perception', executable=node + '_node', name=node,
        namespace=given['namespace'], output='screen', emulate_tty=True,
        parameters=[values for values in parameters if values],
        remappings=[('image', given['image']),
                    ('image/compressed', given['image'] + '/compressed')]
        + [(name, given[name]) for name in topics],
        additional_env=profile_environment(given['fastdds_profile']),
        ros_arguments=['--log-level', '{}:={}'.format(logger_name(given['namespace'], node),
                                                      given['log_level'])])


def logger_name(namespace: str, node: str) -> str:
    """
    Return the name of a node's logger; ROS itself then stays as quiet as it is.

    :param namespace: namespace of the node, perhaps empty.
    :param node: its name.
    """
    return '.'.join([part for part in namespace.split('/') if part] + [node])


def profile_environment(profile: str) -> Dict[str, str]:
    """
    Return the environment variables that give Fast DDS the profile.

    :param profile: path of the profile, or empty.
    """
    if not profile or any(os.environ.get(name) for name in PROFILE_VARIABLES):
        return {}
    return dict.fromkeys(PROFILE_VARIABLES, profile)
