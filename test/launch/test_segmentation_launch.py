# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch file starts a node that becomes active and ends cleanly, in the real launch."""

import os
import unittest

import pytest

pytest.importorskip('espnet_msgs.msg', reason='needs a sourced workspace with espnet_msgs')
try:
    from ament_index_python.packages import get_package_share_directory
    from launch import LaunchDescription
    from launch.actions import IncludeLaunchDescription, SetEnvironmentVariable
    from launch.launch_description_sources import PythonLaunchDescriptionSource
    import launch_testing.actions
    import launch_testing.asserts
    SHARE = get_package_share_directory('espnet_perception')
except ImportError:
    pytest.skip('launch_testing comes with a ROS installation', allow_module_level=True)
except LookupError:
    pytest.skip('needs a sourced workspace with espnet_perception', allow_module_level=True)

DOMAIN = 1 + (os.getpid() + 50) % 100


@pytest.mark.launch_test
def generate_test_description():
    """Launch the shipped model at a small size."""
    path = os.path.join(SHARE, 'launch', 'segmentation.launch.py')
    return LaunchDescription([
        SetEnvironmentVariable('ROS_DOMAIN_ID', str(DOMAIN)),
        SetEnvironmentVariable('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST'),
        SetEnvironmentVariable('OMP_NUM_THREADS', '1'),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(path),
            launch_arguments={'engine': 'torch', 'namespace': 'front',
                              'image': '/camera/image'}.items()),
        launch_testing.actions.ReadyToTest()])


class TestWhileItRuns(unittest.TestCase):
    """The node activates itself and has taken the arguments."""

    def test_it_becomes_active(self, proc_output):
        proc_output.assertWaitFor('active: ', timeout=90)
        proc_output.assertWaitFor('on /camera/image', timeout=5)


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    """Nothing went wrong at the end."""

    def test_exit_status(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
