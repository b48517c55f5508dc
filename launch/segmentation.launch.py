# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Label the images of one camera: ros2 launch espnet_perception segmentation.launch.py."""

from espnet_perception.nodes.launching import describe
from launch import LaunchDescription

# Topics beside the images, with what they are.
TOPICS = (('camera_info', "Topic of the camera's sensor_msgs/CameraInfo"),)


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node."""
    return describe('segmentation', TOPICS)
