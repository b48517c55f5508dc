# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The one clock of the package: integer nanoseconds (Python 3.6 has no perf_counter_ns)."""

import time

try:
    _counter_ns = time.perf_counter_ns  # novermin
except AttributeError:  # Python 3.6
    def _counter_ns():
        return int(time.perf_counter() * 1e9)


def monotonic_ns() -> int:
    """Return monotonic time in integer nanoseconds, for durations only."""
    return _counter_ns()


def milliseconds(duration_ns: int) -> float:
    """
    Convert a duration.

    :param duration_ns: nanoseconds.
    :return: milliseconds.
    """
    return duration_ns / 1e6
