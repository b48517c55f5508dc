# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tell what the machine draws: ros2 launch espnet_perception power.launch.py."""

from espnet_perception.nodes.launching import describe_without_camera
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node."""
    return describe_without_camera('power')
