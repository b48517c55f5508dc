# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The processes of the benchmarks: a node, a camera and a listener, each in a process of its own.

Run as a script it is the camera: `processes.py RATE_HZ FRAMES WIDTH HEIGHT`.
"""

import array
from contextlib import contextmanager
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import Any, Dict, Iterator, List, Optional

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
PROFILE = REPOSITORY / 'config' / 'fastdds_profile.xml'
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
RUN_NODE = 'from espnet_perception.nodes.segmentation import main; raise SystemExit(main())'
DEADLINE_S = 60.0


def environment(profile: Optional[Path]) -> Dict[str, str]:
    """
    Return the environment of a child process, on a domain of this benchmark's own.

    :param profile: Fast DDS profile; None for the defaults of Fast DDS.
    """
    values = dict(os.environ, ROS_DOMAIN_ID=str(1 + os.getpid() % 100),
                  ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST',
                  PYTHONPATH=os.pathsep.join([str(REPOSITORY), os.environ.get('PYTHONPATH', '')]))
    for name in PROFILE_VARIABLES:
        values.pop(name, None)
        if profile is not None:
            values[name] = str(profile)
    return values


def start_node(profile: Optional[Path], parameters: Dict[str, Any]) -> subprocess.Popen:
    """
    Start the segmentation node.

    :param profile: Fast DDS profile of its process, or None.
    :param parameters: its parameters.
    """
    command = [sys.executable, '-c', RUN_NODE, '--ros-args', '--log-level', 'warn']
    for name, value in parameters.items():
        command += ['-p', f'{name}:={value}']
    return subprocess.Popen(command, env=environment(profile))


def start_camera(profile: Optional[Path], rate_hz: float, frames: int, width: int,
                 height: int) -> subprocess.Popen:
    """
    Start a camera that publishes bgr8 with sensor-data QoS once somebody has subscribed.

    :param profile: Fast DDS profile of its process, or None.
    :param rate_hz: frames per second.
    :param frames: how many to publish before it ends.
    :param width: pixels.
    :param height: pixels.
    """
    return subprocess.Popen([sys.executable, __file__, str(rate_hz), str(frames), str(width),
                             str(height)], env=environment(profile))


class Listener:
    """Collects messages and the moments of their arrival."""

    def __init__(self) -> None:
        import rclpy
        os.environ.update(environment(PROFILE))
        rclpy.init()
        self.node = rclpy.create_node('bench_listener')

    def collect(self, message_type: Any, topic: str) -> List[Any]:
        """
        Subscribe and return the growing list of (arrival in ns of the system clock, message).

        :param message_type: type of the messages.
        :param topic: absolute name.
        """
        from rclpy.qos import qos_profile_sensor_data
        found = []
        self.node.create_subscription(
            message_type, topic, lambda message: found.append((time.time_ns(), message)),
            qos_profile_sensor_data)
        return found

    def spin_until(self, condition: Any, deadline_s: float) -> bool:
        """
        Spin until a condition holds; return whether it did in time.

        :param condition: called without arguments.
        :param deadline_s: seconds.
        """
        import rclpy
        end_s = time.monotonic() + deadline_s
        while not condition() and time.monotonic() < end_s:
            rclpy.spin_once(self.node, timeout_sec=0.05)
        return bool(condition())

    def wait_until_active(self, arrays: List[Any]) -> None:
        """
        Wait until the node is active.

        :param arrays: growing list of what arrives on /diagnostics.
        :raises RuntimeError: it is not in time.
        """
        if not self.spin_until(lambda: arrays and values_of(arrays[-1][1], 'model').get(
                'lifecycle state') == 'active', DEADLINE_S):
            raise RuntimeError('the node did not become active; see its log above')


@contextmanager
def ended(*processes: subprocess.Popen) -> Iterator[None]:
    """
    End processes with the body, however that ends.

    :param processes: the processes.
    """
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(DEADLINE_S)


def values_of(message: Any, task: str) -> Dict[str, str]:
    """
    Return the values of one task of a DiagnosticArray.

    :param message: the array.
    :param task: name after the colon.
    """
    for status in message.status:
        if status.name.endswith(': ' + task):
            return {entry.key: entry.value for entry in status.values}
    return {}


def _camera(rate_hz: float, frames: int, width: int, height: int) -> None:
    import rclpy
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image
    rclpy.init()
    node = rclpy.create_node('bench_camera')
    publisher = node.create_publisher(Image, '/image', qos_profile_sensor_data)
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    message = Image(height=height, width=width, step=3 * width, encoding='bgr8',
                    data=array.array('B', pixels.tobytes()))
    message.header.frame_id = 'camera'
    while publisher.get_subscription_count() == 0:
        time.sleep(0.05)
    time.sleep(1.0)  # both ends must have found each other
    due_s = time.monotonic()
    for _ in range(frames):
        time.sleep(max(0.0, due_s - time.monotonic()))
        due_s += 1.0 / rate_hz
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
    time.sleep(1.0)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == '__main__':
    _camera(float(sys.argv[1]), *(int(value) for value in sys.argv[2:5]))
