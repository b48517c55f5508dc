# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the learning rate schedules against the papers and the released code."""

import json
import os

from espnet_perception.errors import SettingsError
from espnet_perception.training.schedules import (
    check,
    learning_rate,
    PAPER_MILESTONES,
    rates,
    Schedule,
    SCHEDULES,
)
import pytest

CYCLIC = Schedule('cyclic', 0.5, 300, lowest=0.1, cycle=5, milestones=PAPER_MILESTONES)
RELEASED = CYCLIC._replace(kind='cyclic_released')


@pytest.fixture
def golden(shared_dir):
    with open(os.path.join(shared_dir, 'reference', 'golden', 'lr_schedules.json')) as stream:
        return json.load(stream)


def test_equation_1_falls_from_the_highest_to_the_lowest_rate_in_each_cycle():
    assert rates(CYCLIC)[:7] == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1, 0.5, 0.4])


def test_the_rate_is_halved_at_the_milestones_of_section_4_1():
    values = rates(CYCLIC)
    for count, milestone in enumerate(PAPER_MILESTONES):
        assert values[milestone - 5] == pytest.approx(0.5 * 0.5 ** count)
        assert values[milestone] == pytest.approx(0.25 * 0.5 ** count)


def test_the_fixed_schedule_of_table_4():
    fixed = Schedule('fixed', 0.1, 90, milestones=(30, 60), factor=0.1)
    assert rates(fixed) == pytest.approx([0.1] * 30 + [0.01] * 30 + [0.001] * 30)


def test_the_released_cyclic_schedule(golden):
    assert rates(RELEASED) == pytest.approx(golden['imagenet_cyclic_edgenets_300'], abs=1e-5)


@pytest.mark.parametrize('lowest', [0.009, 0.005])
def test_the_released_hybrid_schedule(golden, lowest):
    hybrid = Schedule('hybrid', 5 * lowest, 100, lowest=lowest, cycles_until=61)
    expected = golden['edgenets_seg_hybrid_lr{}_clrmax61_ep100'.format(lowest)]
    assert rates(hybrid) == pytest.approx(expected, abs=1e-6)


def test_the_released_poly_and_step_schedules(golden):
    assert rates(Schedule('poly', 0.009, 100)) == pytest.approx(
        golden['edgenets_seg_poly_lr0.009_p0.9_ep100'], abs=1e-6)
    assert rates(Schedule('poly', 5e-4, 300)) == pytest.approx(
        golden['espnetv2_paper_seg_poly_5e-4_p0.9_ep300'], abs=1e-8)
    assert rates(Schedule('fixed', 5e-4, 300, milestones=(100, 200))) == pytest.approx(
        golden['espnet_v1_step_5e-4_halve_every_100_ep300'])


def test_the_cosine_ends_at_the_lowest_rate():
    cosine = Schedule('cosine', 1.0, 10, lowest=0.1)
    assert learning_rate(cosine, 0) == pytest.approx(1.0)
    assert learning_rate(cosine, 5) == pytest.approx(0.55)
    assert learning_rate(cosine, 10) == pytest.approx(0.1, abs=1e-6)


def test_the_warm_up_climbs_to_the_rate_of_the_schedule():
    warm = Schedule('constant', 0.2, 10, warm_up=2)
    assert learning_rate(warm, 1) == pytest.approx(0.1)
    assert learning_rate(warm, 2) == pytest.approx(0.2)
    assert learning_rate(warm, 0) > 0


@pytest.mark.parametrize('kind', sorted(SCHEDULES))
def test_every_schedule_is_positive_in_every_epoch_of_a_run(kind):
    schedule = check(Schedule(kind, 0.5, 100, lowest=0.1, milestones=(50,)))
    assert min(learning_rate(schedule, step / 10) for step in range(1000)) > 0


def test_a_cycle_that_reaches_zero_is_refused():
    with pytest.raises(SettingsError, match=r'learning rate 0 in epoch 5.*lowest <= rate'):
        check(Schedule('cyclic', 0.5, 100, lowest=0.1, cycle=6))


def test_an_unknown_schedule_names_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'cosine'"):
        check(Schedule('cosin', 0.5, 100))
