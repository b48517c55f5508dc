# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Label the images of one camera: ros2 launch espnet_perception segmentation.launch.py."""

import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

CONFIG = os.path.join(get_package_share_directory('espnet_perception'), 'config')

# Name, default, description. An empty default leaves the parameter to the parameter file and to
# the defaults of the node.
ARGUMENTS = (
    ('image', 'image',
     'Topic of the camera images; for image_transport:=compressed, without /compressed'),
    ('camera_info', 'camera_info', "Topic of the camera's sensor_msgs/CameraInfo"),
    ('image_transport', '', 'raw or compressed'),
    ('namespace', '', 'Namespace of the node, as front for /front/segmentation'),
    ('model', '', 'Name of a model, path of a model directory, or path of an upstream .pth file'),
    ('engine', '', 'auto, torch, onnxruntime or openvino'),
    ('params_file', os.path.join(CONFIG, 'segmentation.yaml'),
     'Parameter file; empty for none'),
    ('autostart', 'true', 'false: leave the transitions to ros2 lifecycle or a manager'),
    ('use_sim_time', 'false', 'true: the clock of a bag or a simulation'),
    ('log_level', 'info', 'debug, info, warn or error'),
    ('fastdds_profile', os.path.join(CONFIG, 'fastdds_profile.xml'),
     'Fast DDS profile for large images; empty for none; one in the environment goes first'),
)
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node."""
    declared = [DeclareLaunchArgument(name, default_value=default, description=description)
                for name, default, description in ARGUMENTS]
    return LaunchDescription(declared + [OpaqueFunction(function=make_node)])


def make_node(context) -> list:
    """
    Return the node, with only those parameters set that were given.

    :param context: launch context with the arguments.
    """
    given = {name: LaunchConfiguration(name).perform(context) for name, *_ in ARGUMENTS}
    parameters = [given['params_file']] if given['params_file'] else []
    parameters.append({name: ParameterValue(given[name] == 'true', value_type=bool)
                       for name in ('autostart', 'use_sim_time')})
    parameters.append({name: ParameterValue(given[name], value_type=str)
                       for name in ('model', 'engine', 'image_transport') if given[name]})
    return [LifecycleNode(
        package='espnet_perception', executable='segmentation_node', name='segmentation',
        namespace=given['namespace'], output='screen', emulate_tty=True,
        parameters=[values for values in parameters if values],
        remappings=[('image', given['image']),
                    ('image/compressed', given['image'] + '/compressed'),
                    ('camera_info', given['camera_info'])],
        additional_env=profile_environment(given['fastdds_profile']),
        ros_arguments=['--log-level', '{}:={}'.format(logger_name(given['namespace']),
                                                      given['log_level'])])]


def logger_name(namespace: str) -> str:
    """
    Return the name of the node's logger; ROS itself then stays as quiet as it is.

    :param namespace: namespace of the node, perhaps empty.
    """
    return '.'.join([part for part in namespace.split('/') if part] + ['segmentation'])


def profile_environment(profile: str) -> dict:
    """
    Return the environment variables that give Fast DDS the profile.

    :param profile: path of the profile, or empty.
    """
    if not profile or any(os.environ.get(name) for name in PROFILE_VARIABLES):
        return {}
    return dict.fromkeys(PROFILE_VARIABLES, profile)
