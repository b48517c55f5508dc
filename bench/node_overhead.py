#!/usr/bin/env python3
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure what the segmentation node adds to the network.

A camera process publishes bgr8 at a fixed rate, the real node runs in a process of its own, and
this process subscribes to the mask: three processes and real DDS. The overhead is the time from
the arrival of a camera message in the node to its mask being published, minus inference.
"""

import argparse
import statistics

from processes import DEADLINE_S, ended, Listener, PROFILE, start_camera, start_node, values_of

STAGES = ('wait', 'decode', 'preprocess', 'inference', 'postprocess', 'publish', 'extras',
          'overhead', 'camera stamp to publish')


def main() -> None:
    """Run the three processes and print the medians."""
    options = parse_arguments()
    node = start_node(PROFILE, {'model': options.model, 'engine': options.engine,
                                'threads': options.threads,
                                'network_width': options.network_width or options.width,
                                'network_height': options.network_height or options.height,
                                'latency_window': options.frames - options.warm_up,
                                'diagnostics_period_s': 0.5})
    with ended(node):
        measure(options)


def measure(options: argparse.Namespace) -> None:
    """
    Let the camera run, and print.

    :param options: the command line.
    """
    from diagnostic_msgs.msg import DiagnosticArray
    from sensor_msgs.msg import Image
    listener = Listener()
    masks = listener.collect(Image, '/segmentation/mask')
    arrays = listener.collect(DiagnosticArray, '/diagnostics')
    listener.wait_until_active(arrays)
    camera = start_camera(PROFILE, options.rate, options.frames, options.width, options.height)
    with ended(camera):
        listener.spin_until(lambda: camera.poll() is not None,
                            DEADLINE_S + options.frames / options.rate)
    count = len(arrays)
    listener.spin_until(lambda: len(arrays) > count + 1, DEADLINE_S)
    latency, frames = values_of(arrays[-1][1], 'latency'), values_of(arrays[-1][1], 'frames')
    print('{} frames of {}x{} at {:g} Hz: {} masks published, {} received here'.format(
        options.frames, options.width, options.height, options.rate,
        frames['frames published since startup'], len(masks)))
    print('model', values_of(arrays[-1][1], 'model'))
    for stage in STAGES:
        print('{:>24}  median {:>8} ms   p95 {:>8} ms'.format(
            stage, latency[stage + ' p50 (ms)'], latency[stage + ' p95 (ms)']))
    ages_ms = [(arrival_ns - message.header.stamp.sec * 10**9 - message.header.stamp.nanosec) / 1e6
               for arrival_ns, message in masks[options.warm_up:]]
    outside_ms = statistics.median(ages_ms)
    print('{:>24}  median {:>8.3f} ms   (minus inference {:.3f} ms)'.format(
        'camera to subscriber', outside_ms, outside_ms - float(latency['inference p50 (ms)'])))
    print('node overhead: {} ms median'.format(latency['overhead p50 (ms)']))
    if int(frames['frames dropped by the node since startup']):
        print('the node could not keep up, so frames waited in it: use a lower --rate')


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--model', default='espnetv2_s0.5_synthetic')
    parser.add_argument('--engine', default='auto')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--network-width', type=int, default=0, help="default: the camera's")
    parser.add_argument('--network-height', type=int, default=0, help="default: the camera's")
    parser.add_argument('--width', type=int, default=1024)
    parser.add_argument('--height', type=int, default=512)
    parser.add_argument('--rate', type=float, default=4.0, help='frames per second')
    parser.add_argument('--frames', type=int, default=60)
    parser.add_argument('--warm-up', type=int, default=10, help='first frames left out')
    return parser.parse_args()


if __name__ == '__main__':
    main()
