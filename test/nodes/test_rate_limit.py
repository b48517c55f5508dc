# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A rate limit keeps its rate, whatever the camera's."""

from espnet_perception.nodes.rate_limit import RateLimit
import pytest


def passed(camera_hz, highest_hz, seconds=20):
    """Return how many frames per second pass."""
    limit = RateLimit()
    limit.highest_hz = highest_hz
    times = [10 ** 12 + int(number * 1e9 / camera_hz) for number in range(camera_hz * seconds)]
    return sum(limit.allows(time_ns) for time_ns in times) / seconds


@pytest.mark.parametrize('camera_hz, highest_hz, expected', [
    (30, 0.0, 30), (30, 10.0, 10), (30, 7.0, 7), (30, 30.0, 30), (30, 60.0, 30), (100, 33.0, 33)])
def test_the_rate_is_kept(camera_hz, highest_hz, expected):
    assert passed(camera_hz, highest_hz) == pytest.approx(expected, rel=0.03)


def test_a_jittering_camera_at_the_limit_passes():
    limit = RateLimit()
    limit.highest_hz = 10.0
    times = [number * 10 ** 8 + (10 ** 6 if number % 2 else -10 ** 6) for number in range(50)]
    assert all(limit.allows(time_ns) for time_ns in times)


def test_after_a_pause_there_is_no_burst():
    limit = RateLimit()
    limit.highest_hz = 1.0
    assert limit.allows(0)
    assert [limit.allows(100 * 10 ** 9 + step) for step in (0, 10 ** 8, 2 * 10 ** 8)] == [
        True, False, False]
