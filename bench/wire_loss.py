#!/usr/bin/env python3
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Count frames lost between a camera and the node, with and without the shipped Fast DDS profile.

A camera process publishes bgr8 with sensor-data QoS; the real node runs in a process of its own.
The third run gives the node a network that is too slow for the camera: those drops are its own,
and its diagnostics must tell them from losses on the wire.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from processes import DEADLINE_S, ended, Listener, PROFILE, start_camera, start_node, values_of

ROWS = (
    ('received', 'Events since startup'),
    ('masks published', 'frames published since startup'),
    ('dropped by the node itself', 'frames dropped by the node since startup'),
    ('lost on the wire (diagnostics)', 'frames lost on the wire since startup'),
)


def main() -> None:
    """Run the three cases and print them side by side."""
    options = parse_arguments()
    listener = Listener()
    fast, slow = (128, 64), (2 * options.width, 2 * options.height)
    cases = [('Fast DDS default', None, fast), ('shipped profile', PROFILE, fast),
             ('shipped, slow network', PROFILE, slow)]
    results = [(name, measure(listener, options, profile, size))
               for name, profile, size in cases]
    print('{} frames of {}x{} bgr8 at {:g} Hz, sensor-data QoS'.format(
        options.frames, options.width, options.height, options.rate))
    print('{:>32}'.format('') + ''.join(f'{name:>24}' for name, _values in results))
    for title, key in ROWS:
        print(f'{title:>32}' + ''.join(f'{values[key]:>24}' for _name, values in results))


def measure(listener: Listener, options: argparse.Namespace, profile: Optional[Path],
            size: Tuple[int, int]) -> Dict[str, Any]:
    """
    Let the camera run into the node, and return what the node counted.

    :param listener: reads the diagnostics.
    :param options: the command line.
    :param profile: Fast DDS profile of both processes, or None.
    :param size: (width, height) at which the network runs.
    :return: values of the frames task.
    """
    from diagnostic_msgs.msg import DiagnosticArray
    arrays = listener.collect(DiagnosticArray, '/diagnostics')
    node = start_node(profile, {'model': options.model, 'engine': options.engine, 'threads': 1,
                                'network_width': size[0], 'network_height': size[1],
                                'expected_rate_hz': options.rate, 'diagnostics_period_s': 0.5})
    with ended(node):
        listener.wait_until_active(arrays)
        camera = start_camera(profile, options.rate, options.frames, options.width,
                              options.height)
        with ended(camera):
            listener.spin_until(lambda: camera.poll() is not None,
                                DEADLINE_S + options.frames / options.rate)
        count = len(arrays)
        listener.spin_until(lambda: len(arrays) > count + 3, DEADLINE_S)
        return values_of(arrays[-1][1], 'frames')


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--model', default='espnetv2_s0.5_synthetic')
    parser.add_argument('--engine', default='auto')
    parser.add_argument('--width', type=int, default=1024)
    parser.add_argument('--height', type=int, default=512)
    parser.add_argument('--rate', type=float, default=30.0, help='frames per second')
    parser.add_argument('--frames', type=int, default=300)
    return parser.parse_args()


if __name__ == '__main__':
    main()
