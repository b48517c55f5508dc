#!/usr/bin/env python3
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure what the power recorder costs: processor time as a share of one core.

It reads the sensors of this machine, or with --root a folder that looks like /sys; with
--rails N it makes such a folder with N rails of a Jetson with JetPack 5 (two files a rail). The
time that a real sensor takes on its bus comes on top.
"""

import argparse
from pathlib import Path
import tempfile
import time

from espnet_perception.telemetry.power import discover
from espnet_perception.telemetry.recorder import PowerRecorder
from espnet_perception.telemetry.sysfs import ROOT

CHANNELS = 3  # of one chip


def make_rails(root: Path, count: int) -> None:
    """
    Make a folder that looks like /sys of a Jetson.

    :param root: where.
    :param count: number of rails.
    """
    for number in range(count):
        chip, channel = divmod(number, CHANNELS)
        folder = root / 'bus/i2c/devices/1-004{}/hwmon/hwmon{}'.format(chip, chip)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (('in{}_label', f'RAIL_{number}'), ('in{}_input', '5000'),
                           ('curr{}_input', '1000')):
            (folder / name.format(channel + 1)).write_text(text + '\n')


def share_percent(root: str, rate_hz: float, seconds: float) -> float:
    """
    Return the processor time of this process while it records, in percent of one core.

    :param root: as for ``discover``.
    :param rate_hz: samples per second.
    :param seconds: how long.
    """
    with PowerRecorder(discover(root), rate_hz) as recorder:
        time.sleep(0.5)
        start_s, cpu_s = time.monotonic(), time.process_time()
        time.sleep(seconds)
        used_s, passed_s = time.process_time() - cpu_s, time.monotonic() - start_s
        samples = recorder.report(int(passed_s * 1e9)).samples
    print(f'{rate_hz:5.0f} Hz asked, {samples / passed_s:6.1f} Hz reached, '
          f'{len(recorder.sensors.rails)} rails: {100 * used_s / passed_s:.2f} % of one core')
    return 100 * used_s / passed_s


def main() -> None:
    """Measure at several rates."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--root', default=ROOT, help='folder to read (%(default)s)')
    parser.add_argument('--rails', type=int, metavar='N', help='make a folder with N rails')
    parser.add_argument('--rates', type=float, nargs='+', default=[10, 20, 50, 100])
    parser.add_argument('--seconds', type=float, default=10.0, help='for each rate')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.rails:
            make_rails(Path(folder), options.rails)
        for rate_hz in options.rates:
            share_percent(folder if options.rails else options.root, rate_hz, options.seconds)


if __name__ == '__main__':
    main()
