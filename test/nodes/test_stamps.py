# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Losses are told from the gaps between stamps, whatever the share of frames that is lost."""

import random

from espnet_perception.nodes.stamps import estimate_period_ns, StampTracker
import pytest

PERIOD_NS = 33333333


def tracker_of(stamps_ns):
    """Return a tracker that has seen the stamps."""
    tracker = StampTracker()
    for stamp_ns in stamps_ns:
        tracker.add(stamp_ns)
    return tracker


def camera(frames, jitter=0.0, seed=1):
    """Return the stamps of a camera at 30 Hz; jitter is a share of the period."""
    rng = random.Random(seed)
    return [int((number + rng.uniform(-jitter, jitter)) * PERIOD_NS) + 10 ** 18
            for number in range(frames)]


@pytest.mark.parametrize('jitter', [0.0, 0.1, 0.2])
def test_a_camera_that_jitters_has_lost_nothing(jitter):
    tracker = tracker_of(camera(300, jitter))
    tracker.settle(0.0, 2.0)
    assert tracker.lost == 0
    assert tracker.period_ns() == pytest.approx(PERIOD_NS, rel=0.1)


def test_frames_that_are_stamped_late_are_not_lost():
    stamps = camera(300, 0.05)
    for number in range(10, 290, 7):
        stamps[number] += int(0.7 * PERIOD_NS)
    for late_periods in range(5):  # a stall, after which five frames come at once
        stamps[295 - late_periods] = stamps[296] - late_periods - 1
    tracker = tracker_of(stamps)
    tracker.settle(30.0, 2.0)
    assert tracker.lost <= 1


@pytest.mark.parametrize('rate_hz', [29.7, 30.3])
def test_a_rate_that_is_a_little_off_invents_no_losses(rate_hz):
    tracker = tracker_of(camera(3000))
    tracker.settle(rate_hz, 2.0)
    assert tracker.lost == 0


@pytest.mark.parametrize('share_lost', [0.05, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize('jitter', [0.0, 0.1])
def test_random_losses_are_counted(share_lost, jitter):
    rng = random.Random(7)
    stamps = camera(900, jitter)
    kept = [stamp for stamp in stamps if rng.random() >= share_lost]
    tracker = tracker_of(kept)
    tracker.settle(0.0, 10.0)
    lost = stamps.index(kept[-1]) - stamps.index(kept[0]) + 1 - len(kept)
    assert tracker.lost == pytest.approx(lost, rel=0.05, abs=2)


def test_regular_losses_need_the_rate():
    every_other = camera(200)[::2]
    blind, told = tracker_of(every_other), tracker_of(every_other)
    blind.settle(0.0, 2.0)
    told.settle(30.0, 2.0)
    assert (blind.lost, told.lost) == (0, 99)


def test_few_frames_wait_until_the_period_is_known():
    stamps = camera(30)
    tracker = tracker_of(stamps[:3] + stamps[6:8])
    tracker.settle(0.0, 2.0)
    assert tracker.lost == 0
    for stamp_ns in stamps[8:]:
        tracker.add(stamp_ns)
    tracker.settle(0.0, 2.0)
    tracker.settle(0.0, 2.0)
    assert tracker.lost == 3


def test_a_pause_of_the_camera_is_no_loss_unless_the_rate_is_given():
    stamps = camera(20) + [stamp + 60 * 10 ** 9 for stamp in camera(20)]
    tracker = tracker_of(stamps)
    tracker.settle(0.0, 2.0)
    assert (tracker.lost, tracker.pauses) == (0, 1)
    told = tracker_of(stamps)
    told.settle(30.0, 2.0)
    assert told.lost == pytest.approx(1780, abs=2)


def test_after_a_restart_the_gap_does_not_count():
    tracker = tracker_of(camera(20))
    tracker.restart()
    assert tracker.add(camera(100)[-1])
    tracker.settle(0.0, 10.0)
    assert tracker.lost == 0


def test_stamps_that_do_not_increase_are_counted():
    tracker = StampTracker()
    assert [tracker.add(stamp) for stamp in (100, 200, 200, 150, 300)] == [
        True, True, False, False, True]
    assert tracker.not_increasing == 2


def test_the_period_of_one_gap_is_that_gap():
    assert estimate_period_ns([5]) == 5.0
