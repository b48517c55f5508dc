# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Latency, certainty, energy and ratios out of turns."""

from benchmarks import MS, turn
from espnet_perception.benchmark.figures import (
    energy_mj,
    figures_of,
    median_ms,
    power_mw,
    ratio,
    uncertainty_percent,
)
import pytest


def test_latency_throughput_and_memory():
    figures = figures_of([turn(10, 20), turn(30, 40, round=1, peak_bytes=2 * 10 ** 8)])
    assert figures['latency']['p50_ms'] == 25
    assert figures['latency']['count'] == 4
    assert figures['frames_per_second'] == pytest.approx(40)
    assert figures['peak_mb'] == 200
    assert figures['power_mw'] is figures['energy_mj'] is None
    assert figures['repeat_spread_percent'] is None


def test_nothing_measured_is_no_figure():
    assert figures_of([]) is None


def test_repeats_tell_how_far_medians_spread():
    figures = figures_of([turn(10), turn(10), turn(11, repeat=1), turn(10.4, repeat=2)])
    assert figures['repeat_medians_ms'] == [10, 11, 10.4]
    assert figures['repeat_spread_percent'] == pytest.approx(10)


def test_certainty_grows_with_the_rounds():
    few = [turn(100 + step) for step in range(10)]
    many = few * 10
    assert uncertainty_percent(few[:5]) is None
    # of 10 the second and the ninth are the ends of the interval: 101 and 108 of 104.5
    assert uncertainty_percent(few) == pytest.approx(100 * 3.5 / 104.5)
    assert uncertainty_percent(many) < uncertainty_percent(few) / 2
    assert uncertainty_percent([turn(7)] * 8) == 0


def test_energy_is_that_of_the_whole_turn():
    measured = turn(10, 10, 10, 10, energy_mj=200.0, covered_ns=40 * MS)
    assert power_mw(measured) == pytest.approx(5000)
    assert energy_mj(measured) == pytest.approx(50)


def test_idle_power_is_subtracted():
    measured = turn(10, 10, 10, 10, energy_mj=200.0, covered_ns=40 * MS, idle_mw=4000.0)
    assert power_mw(measured) == pytest.approx(1000)
    assert energy_mj(measured) == pytest.approx(10)


def test_a_turn_that_was_covered_in_part_has_no_energy():
    assert energy_mj(turn(10, 10, energy_mj=90.0, covered_ns=17 * MS)) is None
    assert energy_mj(turn(10, 10, energy_mj=90.0, covered_ns=19 * MS)) is not None
    assert energy_mj(turn(10, 10)) is None


def test_a_ratio_is_taken_within_rounds():
    """The machine slows down by half, and the ratio does not notice."""
    own = [turn(10, round=0), turn(20, round=1), turn(20, round=2)]
    reference = [turn(30, round=0), turn(60, round=1), turn(60, round=2)]
    assert ratio(own, reference, median_ms) == 3
    assert ratio(own, [], median_ms) is None
    assert ratio(own, reference, energy_mj) is None


def test_nothing_above_the_idle_power_has_no_ratio():
    idle = turn(10, energy_mj=40.0, covered_ns=10 * MS, idle_mw=4000.0)
    busy = turn(10, energy_mj=50.0, covered_ns=10 * MS, idle_mw=4000.0)
    assert ratio([idle], [busy], energy_mj) is None
    assert ratio([busy], [idle], energy_mj) == pytest.approx(0)
