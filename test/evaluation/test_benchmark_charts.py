# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The Pareto front of accuracy against latency."""

from espnet_perception.evaluation.benchmark_charts import pareto_front


def test_the_front_holds_what_nothing_beats_in_both_ways():
    points = [(10, 50), (20, 60), (15, 40), (30, 60), (40, 70), (10, 45)]
    assert pareto_front(points) == [0, 1, 4]


def test_one_point_is_a_front():
    assert pareto_front([(3, 4)]) == [0]


def test_equal_points_are_on_it_once():
    assert len(pareto_front([(3, 4), (3, 4)])) == 1
