# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Say what one camera sees: ros2 launch espnet_perception classification.launch.py model:=..."""

from espnet_perception.nodes.launching import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node."""
    return describe('classification')
