# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Understand short commands: ros2 launch espnet_perception command.launch.py model:=..."""

from espnet_perception.nodes.launching import describe_without_camera
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node."""
    return describe_without_camera('command', (
        ('model', 'Directory or name of a command model'),
        ('grammar', 'Folder of the grammar of the commands; empty for that of the package')))
