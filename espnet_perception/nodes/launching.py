# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the launch files of the nodes share: one node, for one camera or for none."""

import os
from typing import Any, Callable, Dict, List, Sequence, Tuple

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
    ('namespace', '', 'Namespace of the node, as front for /front/{}'),
    ('params_file', os.path.join(CONFIG, '{}.yaml'), 'Parameter file; empty for none'),
    ('autostart', 'true', 'false: leave the transitions to ros2 lifecycle or a manager'),
    ('use_sim_time', 'false', 'true: the clock of a bag or a simulation'),
    ('log_level', 'info', 'debug, info, warn or error'),
)
CAMERA_ARGUMENTS = (
    ('image', 'image',
     'Topic of the camera images; for image_transport:=compressed, without /compressed'),
    ('image_transport', '', 'raw or compressed'),
    ('model', '', 'Name of a model, path of a model directory, or path of an upstream .pth file'),
    ('engine', '', 'auto, tensorrt, openvino, onnxruntime or torch'),
    ('precision', '', 'fp32, fp16 or int8, as far as the engine has it'),
    ('fastdds_profile', os.path.join(CONFIG, 'fastdds_profile.xml'),
     'Fast DDS profile for large images; empty for none; one in the environment goes first'),
)
CAMERA_PARAMETERS = ('model', 'engine', 'precision', 'image_transport')
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')

Topics = Sequence[Tuple[str, str]]


def describe(node: str, topics: Topics = ()) -> LaunchDescription:
    """
    Return what the launch file of a node for a camera starts.

    :param node: name of the node; its executable is NAME_node, its parameters config/NAME.yaml.
    :param topics: name and description of the topics that it takes beside the images; each
        becomes an argument.
    """
    arguments = CAMERA_ARGUMENTS + tuple((name, name, description) for name, description in topics)
    return _describe(node, arguments, lambda given: of_camera(given, [name for name, _ in topics]))


def describe_without_camera(node: str, texts: Topics = ()) -> LaunchDescription:
    """
    Return what the launch file of a node that sees no images starts.

    :param node: name of the node, as for ``describe``.
    :param texts: name and description of further arguments, each a parameter that holds text.
    """
    arguments = tuple((name, '', description) for name, description in texts)
    return _describe(node, arguments, lambda given: {'parameters': [
        {name: ParameterValue(given[name], value_type=str) for name, _ in texts if given[name]}]})


def of_camera(given: Dict[str, str], topics: Sequence[str]) -> Dict[str, Any]:
    """
    Return what a camera adds to the action of its node; only parameters that were given are set.

    :param given: argument to value.
    :param topics: which arguments are topics that it takes beside the images.
    """
    return {'parameters': [{name: ParameterValue(given[name], value_type=str)
                            for name in CAMERA_PARAMETERS if given[name]}],
            'remappings': [('image', given['image']),
                           ('image/compressed', given['image'] + '/compressed')]
            + [(name, given[name]) for name in topics],
            'additional_env': profile_environment(given['fastdds_profile'])}


def make_node(node: str, given: Dict[str, str], parameters: Sequence[Any] = (), **more: Any
              ) -> LifecycleNode:
    """
    Return the node.

    :param node: its name.
    :param given: argument to value.
    :param parameters: go before those of every node.
    :param more: further arguments of the action.
    """
    everywhere = {name: ParameterValue(given[name] == 'true', value_type=bool)
                  for name in ('autostart', 'use_sim_time')}
    files = [given['params_file']] if given['params_file'] else []  # type: List[Any]
    return LifecycleNode(
        package='espnet_perception', executable=node + '_node', name=node,
        namespace=given['namespace'], output='screen', emulate_tty=True,
        parameters=[values for values in files + list(parameters) + [everywhere] if values],
        ros_arguments=['--log-level', '{}:={}'.format(logger_name(given['namespace'], node),
                                                      given['log_level'])], **more)


def _describe(node: str, more_arguments: Sequence[Tuple[str, str, str]],
              more: Callable[[Dict[str, str]], Dict[str, Any]]) -> LaunchDescription:
    arguments = [(name, default.replace('{}', node), description.replace('{}', node))
                 for name, default, description in tuple(more_arguments) + ARGUMENTS]
    declared = [DeclareLaunchArgument(name, default_value=default, description=description)
                for name, default, description in arguments]

    def nodes(context: Any) -> List[LifecycleNode]:
        given = {name: LaunchConfiguration(name).perform(context) for name, *_ in arguments}
        return [make_node(node, given, **more(given))]

    return LaunchDescription(declared + [OpaqueFunction(function=nodes)])


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
