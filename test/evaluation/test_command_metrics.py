# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of commands against figures worked out by hand."""

import math

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.command_metrics import (
    calibration_error,
    FrameCounts,
    NextWordCounts,
    separation,
)
import numpy as np
import pytest


def test_slots_and_frames():
    counts = FrameCounts()
    counts.add(('bring', [('object', 0, 3), ('place', 8, 12)]),
               ('bring', [('object', 0, 3), ('place', 8, 12)]))
    counts.add(('bring', [('object', 0, 3)]), ('carry', [('object', 0, 3)]))       # intent
    counts.add(('go', [('place', 0, 7)]), ('go', [('place', 0, 4)]))               # an end
    counts.add(('go', [('object', 0, 4)]), ('go', [('place', 0, 4)]))              # the role
    assert counts.exact_match == 1 / 4
    slots = counts.slots()
    assert (slots.truth, slots.predicted) == (5, 5)
    assert slots.precision == slots.recall == slots.f1 == 3 / 5
    place = counts.roles()['place']
    assert (place.precision, place.recall, place.f1) == (1 / 2, 1 / 3, 2 / 5)


def test_nothing_counted():
    assert math.isnan(FrameCounts().exact_match)
    assert math.isnan(FrameCounts().slots().f1)
    assert math.isnan(NextWordCounts().perplexity)
    assert math.isnan(separation([], [1.0]).auroc)
    assert math.isnan(calibration_error([], []))


def test_next_words():
    counts = NextWordCounts()
    counts.add(np.log([[0.5, 0.25, 0.125, 0.125]]), [0])
    counts.add(np.log([[0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]]), [3, 2])
    assert counts.words == 3
    assert counts.perplexity == pytest.approx((0.5 * 0.1 * 0.2) ** (-1 / 3))
    assert counts.top3 == 2 / 3


def test_separation():
    commands = list(range(1, 21))  # 95 % of them are 1..19
    judged = separation(commands, [0.5, 19.0, 19.5, 30.0])
    assert judged.threshold == 19.0
    assert judged.fpr == 2 / 4
    # 0 below 0.5; 18 below and one equal to 19; 19 below 19.5; 20 below 30
    assert judged.auroc == pytest.approx((0 + 18.5 + 19 + 20) / (4 * 20))
    assert separation([1, 2], [1, 2]).auroc == 0.5


def test_separation_refuses_what_is_no_number():
    with pytest.raises(DatasetError, match='1 of 2 scores'):
        separation([1.0, float('nan')], [1.0])


def test_calibration():
    # bin 0.9..1: confidences 0.95 and 0.95, one right; bin 0..0.1: 0.05, wrong
    assert calibration_error([0.95, 0.95, 0.05], [True, False, False], bins=10) == pytest.approx(
        (abs(1.9 - 1) + 0.05) / 3)
    assert calibration_error([1.0, 1.0], [True, True]) == 0.0
    with pytest.raises(DatasetError, match='0 to 1'):
        calibration_error([1.5], [True])
