# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Energy is right whatever the sampling, the counter and the clock do."""

import math

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.energy import EnergyTrack
from espnet_perception.telemetry.sensor import Measurement
import pytest

SECOND = 10 ** 9
PERIOD = SECOND // 50


def curve_mw(stamp_ns):
    """Return a synthetic power: bursts of a network at 7 Hz on a slow drift."""
    seconds = stamp_ns / SECOND
    return 6000 + 2500 * math.sin(2 * math.pi * 7 * seconds) + 800 * math.sin(seconds)


def curve_mj(start_ns, end_ns):
    """Return the exact energy of that curve."""
    def integral(stamp_ns):
        seconds = stamp_ns / SECOND
        return (6000 * seconds - 2500 / (2 * math.pi * 7) * math.cos(2 * math.pi * 7 * seconds)
                - 800 * math.cos(seconds))
    return integral(end_ns) - integral(start_ns)


def track_of(samples, keep=100000, wrap_mj=None):
    """Return a track with samples; each is a stamp and what is measured."""
    track = EnergyTrack(keep, wrap_mj)
    for stamp_ns, measurement in samples:
        track.add(stamp_ns, measurement)
    return track


def powers(*samples):
    """Return samples of power in milliwatts by stamp in seconds; None is a failed read."""
    return [(int(seconds * SECOND), None if power_mw is None else Measurement(power_mw))
            for seconds, power_mw in samples]


def counts(*samples):
    """Return samples of counted millijoules by stamp in seconds."""
    return [(int(seconds * SECOND), Measurement(counter_mj=value)) for seconds, value in samples]


@pytest.fixture(scope='module')
def sampled():
    """Return a track of a minute of the curve at 50 Hz."""
    return track_of([(stamp, Measurement(curve_mw(stamp)))
                     for stamp in range(0, 60 * SECOND + 1, PERIOD)])


def test_the_energy_of_a_curve_within_half_a_percent(sampled):
    exact_mj = curve_mj(0, 60 * SECOND)
    assert sampled.energy_mj == pytest.approx(exact_mj, rel=0.005)
    assert sampled.measured_ns == 60 * SECOND


@pytest.mark.parametrize('start_ns, end_ns', [
    (123456789, 40123456789), (SECOND + 1, 2 * SECOND - 1), (7777777777, 7912345678)])
def test_between_two_stamps_both_ends_are_interpolated(sampled, start_ns, end_ns):
    energy = sampled.between(start_ns, end_ns)
    assert energy.energy_mj == pytest.approx(curve_mj(start_ns, end_ns), rel=0.005)
    assert energy.covered_ns == pytest.approx(end_ns - start_ns, abs=2)
    assert energy.mean_mw == pytest.approx(energy.energy_mj * SECOND / (end_ns - start_ns))


def test_energy_adds_up(sampled):
    parts = [sampled.between(start, start + 333333333).energy_mj
             for start in range(SECOND, 4 * SECOND, 333333333)]
    whole = sampled.between(SECOND, SECOND + 333333333 * len(parts))
    assert sum(parts) == pytest.approx(whole.energy_mj, rel=1e-9)


def test_within_a_ramp_energy_is_exact():
    track = track_of(powers((0, 1000.0), (1, 3000.0)))
    assert track.energy_mj == 2000.0
    assert track.between(0, SECOND // 2).energy_mj == pytest.approx(750.0)
    assert track.between(SECOND // 4, SECOND // 2).energy_mj == pytest.approx(437.5)


def test_a_gap_is_not_filled():
    track = track_of(powers((0, 1000.0), (.5, 1000.0), (1, None), (1.5, 1000.0), (2, 1000.0)))
    assert (track.energy_mj, track.measured_ns) == (1000.0, SECOND)
    energy = track.between(0, 2 * SECOND)
    assert (energy.energy_mj, energy.covered_ns, energy.asked_ns) == (
        1000.0, SECOND, 2 * SECOND)
    assert energy.mean_mw == 1000.0
    assert track.between(3 * SECOND // 4, 5 * SECOND // 4) is None


def test_nobody_knows_what_was_drawn_while_nobody_looked():
    track = track_of(powers((0, 1000.0), (30, 1000.0), (30.5, 1000.0)))
    assert (track.energy_mj, track.measured_ns) == (500.0, SECOND // 2)


def test_a_counter():
    track = track_of(counts((0, 5000.0), (.02, 5060.0), (.04, 5160.0)))
    assert track.energy_mj == pytest.approx(160.0)
    assert track.power_mw == pytest.approx(5000.0)
    assert track.between(0, SECOND // 100).energy_mj == pytest.approx(30.0)


def test_a_counter_that_also_tells_power():
    track = track_of([(0, Measurement(70000.0, 0.0)),
                      (SECOND // 10, Measurement(75000.0, 6900.0))])
    assert (track.energy_mj, track.power_mw) == (6900.0, 75000.0)


def test_a_counter_that_wraps():
    track = track_of(counts((0, 262143000.0), (.5, 3000.0)), wrap_mj=262143328.85)
    assert track.energy_mj == pytest.approx(3328.85)
    assert (track.wraps, track.jumps) == (1, 0)


@pytest.mark.parametrize('wrap_mj, after_mj', [
    (262143328.85, 3000.0), (None, 3000.0), (None, 200000000.0)])
def test_a_counter_that_jumps_leaves_a_gap(wrap_mj, after_mj):
    track = track_of(counts((0, 100000000.0), (.5, 100001000.0), (1, after_mj),
                            (1.5, after_mj + 500.0)), wrap_mj=wrap_mj)
    assert track.energy_mj == 1500.0
    assert (track.wraps, track.jumps, track.measured_ns) == (0, 1, SECOND)


def test_a_clock_that_steps_back_begins_anew_and_keeps_the_sum():
    track = track_of(powers((100, 1000.0), (100.5, 1000.0), (10, 1000.0), (10.5, 1000.0)))
    assert track.energy_mj == 1000.0
    assert track.between(10 * SECOND, 11 * SECOND).energy_mj == 500.0
    assert track.between(100 * SECOND, 101 * SECOND) is None


def test_two_samples_at_one_moment():
    track = track_of(powers((0, 1000.0), (1, 1000.0), (1, 9000.0), (2, 9000.0)))
    assert track.energy_mj == 10000.0


def test_memory_is_bounded():
    track = track_of(powers(*((number / 10, 1000.0) for number in range(1000))), keep=20)
    assert len(track._points) <= 40
    assert track.energy_mj == pytest.approx(99900.0)
    energy = track.between(0, 100 * SECOND)
    assert 1.9 * SECOND <= energy.covered_ns <= 4 * SECOND


def test_reset_counts_from_now_and_keeps_the_samples():
    track = track_of(powers((0, 1000.0), (1, 1000.0)))
    track.reset()
    assert (track.energy_mj, track.measured_ns) == (0.0, 0)
    assert track.between(0, SECOND).energy_mj == 1000.0


def test_what_was_not_measured_is_none():
    assert EnergyTrack(10).between(0, 1) is None
    track = track_of(powers((1, 1000.0), (2, 1000.0)))
    assert track.between(0, SECOND) is None
    with pytest.raises(SensorError, match='expected the later stamp last'):
        track.between(5, 4)


def test_above_idle():
    energy = track_of(powers((0, 5000.0), (1, 5000.0))).between(0, SECOND).above(2000.0)
    assert (energy.energy_mj, energy.idle_mw) == (3000.0, 2000.0)
