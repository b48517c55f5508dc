# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the windows of a text."""

from espnet_perception.errors import DatasetError
from espnet_perception.training.windows import in_rows, Lengths, SHORTEST, WindowPlan
import numpy as np
import pytest


def test_windows_cover_the_text_in_order():
    plan = WindowPlan(46479, Lengths(), 3, 7)
    assert plan.steps > 3 * 600
    windows = [plan.window(step) for step in range(plan.steps)]
    for epoch in range(3):
        own = [window for window in windows if window.epoch == epoch]
        assert own[0].start == 0 and own[0].first and own[-1].last
        assert sum(window.first for window in own) == sum(window.last for window in own) == 1
        for before, after in zip(own, own[1:]):
            assert after.start == before.start + before.length
        assert own[-1].start + own[-1].length in (46478, 46477)


def test_lengths_are_drawn_as_awd_lstm_has_it():
    plan = WindowPlan(2000000, Lengths(), 1, 7)
    lengths = np.array([plan.window(step).length for step in range(plan.steps - 1)])
    usual = lengths[lengths > 52]
    assert usual.mean() == pytest.approx(69.5, abs=0.2)  # cut off, not rounded
    assert usual.std() == pytest.approx(5.0, abs=0.2)
    assert (lengths <= 52).mean() == pytest.approx(0.05, abs=0.01)
    assert lengths[lengths <= 52].mean() == pytest.approx(34.5, abs=0.5)


def test_a_window_depends_on_seed_and_step_alone():
    plan, again = (WindowPlan(5000, Lengths(), 4, 7) for _ in range(2))
    assert [plan.window(step) for step in range(plan.steps)] == [
        again.window(step) for step in reversed(range(plan.steps))][::-1]
    other = WindowPlan(5000, Lengths(), 4, 8)
    assert [plan.window(step).length for step in range(20)] != [
        other.window(step).length for step in range(20)]
    assert WindowPlan(5000, Lengths(), 6, 7).window(plan.steps - 1) == plan.window(plan.steps - 1)


def test_lengths_can_be_multiples_for_graphs():
    plan = WindowPlan(50000, Lengths(multiple=5), 1, 7)
    lengths = [plan.window(step).length for step in range(plan.steps - 1)]
    assert {length % 5 for length in lengths} == {0}
    assert len(set(lengths)) < 20


def test_no_window_is_shorter_than_it_may_be():
    plan = WindowPlan(3000, Lengths(usual=6, spread=5), 2, 7)
    lengths = [plan.window(step) for step in range(plan.steps)]
    assert min(window.length for window in lengths if not window.last) == SHORTEST
    assert min(window.length for window in lengths) >= 2


@pytest.mark.parametrize('rows', [2, 3, 6, 71])
def test_short_texts_have_a_window(rows):
    plan = WindowPlan(rows, Lengths(), 2, 7)
    window = plan.window(0)
    assert window.first and window.length >= 1 and plan.window(plan.steps - 1).last


def test_a_text_is_laid_out_as_parallel_texts():
    assert in_rows(np.arange(11), 3).tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    with pytest.raises(DatasetError, match='a text of 11 tokens is too short for a batch of 6, '
                                           'expected at least 12; lower the batch'):
        in_rows(np.arange(11), 6)
