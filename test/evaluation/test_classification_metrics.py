# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of classifiers against values worked out by hand."""

import math

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.classification_metrics import F1, TopK
import numpy as np
import pytest

NAN = float('nan')
# Best first: 0 1 2 3 | 1 0 2 3 | 3 2 1 0 | 2 3 0 1
SCORES = np.array([[9, 5, 3, 1], [5, 9, 3, 1], [1, 2, 3, 4], [2, 1, 9, 4]], np.float32)
TRUTH = np.array([0, 0, 1, 2])


def test_top_k_worked_out_by_hand():
    """Two are right at once, one with the second guess, one with the third."""
    metric = TopK(4, (1, 2, 3, 4))
    metric.add(SCORES, TRUTH)
    scores = metric.scores()
    assert scores.images == 4
    assert scores.accuracy == {1: 0.5, 2: 0.75, 3: 1.0}  # four of four classes: no choice
    assert scores.classes.truth_images == [2, 1, 1, 0]
    assert scores.classes.predicted_images == [1, 1, 1, 1]
    assert scores.classes.recall[:3] == [0.5, 0.0, 1.0] and math.isnan(scores.classes.recall[3])
    assert scores.classes.precision == [1.0, 0.0, 1.0, 0.0]
    assert scores.classes.f1 == pytest.approx([2 / 3, 0, 1, 0])
    assert scores.class_average == pytest.approx((0.5 + 0 + 1) / 3)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0 + 1 + 0) / 4)
    assert metric.confusion.tolist() == [[1, 1, 0, 0, 0], [0, 0, 0, 1, 0],
                                         [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]


def test_one_image_at_a_time_and_merged_counts_the_same():
    """Scores of one image, a ranking, and another counter."""
    whole, parts, other = TopK(4, (1, 2)), TopK(4, (1, 2)), TopK(4, (1, 2))
    whole.add(SCORES, TRUTH)
    parts.add(SCORES[0], 0)
    parts.add_ranking([1, 0], 0)
    other.add(SCORES[2:], TRUTH[2:])
    parts.merge(other)
    assert repr(parts.scores()) == repr(whole.scores())


def test_of_equal_scores_the_lower_id_is_the_better():
    """A network that says nothing is not right by accident."""
    metric = TopK(3)
    metric.add(np.zeros((3, 3)), [0, 1, 2])
    assert metric.scores().accuracy == {1: pytest.approx(1 / 3)}


def test_an_image_without_a_prediction_is_wrong():
    """It is missed, and no class is to blame."""
    metric = TopK(3)
    metric.add_ranking([], 1)
    metric.add_ranking([1], 1)
    scores = metric.scores()
    assert scores.accuracy == {1: 0.5}
    assert scores.classes.recall[1] == 0.5 and scores.classes.precision[1] == 1
    assert metric.confusion[1].tolist() == [0, 1, 0, 1]


def test_f1_worked_out_by_hand():
    """Class 0: 2 right of 2 true and 3 predicted; class 1: none of 1; class 2 is never there."""
    metric = F1(3)
    metric.add(np.array([[0.9, 0.2, 0.1], [0.6, 0.4, 0.0], [0.7, 0.5, 0.3]]),
               np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]]))
    scores = metric.scores()
    assert scores.classes.truth_images == [2, 1, 0]
    assert scores.classes.predicted_images == [3, 0, 0]  # 0.5 is not above 0.5
    assert scores.classes.f1[:2] == [pytest.approx(0.8), 0] and math.isnan(scores.classes.f1[2])
    assert scores.class_precision == pytest.approx((2 / 3 + 0) / 2)
    assert scores.class_recall == pytest.approx((1 + 0) / 2)
    assert scores.class_f1 == pytest.approx((0.8 + 0) / 2)
    assert scores.overall_precision == pytest.approx(2 / 3)
    assert scores.overall_recall == pytest.approx(2 / 3)
    assert scores.overall_f1 == pytest.approx(2 / 3)
    assert scores.images == 3


def test_f1_of_ids_and_merged_counts_the_same():
    """The same three images as ids."""
    whole, parts, other = F1(3, 0.4), F1(3, 0.4), F1(3, 0.4)
    whole.add(np.array([[0.9, 0.2, 0.1], [0.6, 0.5, 0.0]]), np.array([[1, 0, 1], [1, 1, 0]]))
    parts.add_ids([0], [0, 2])
    other.add_ids([0, 1], [1, 0])
    parts.merge(other)
    assert repr(parts.scores()) == repr(whole.scores())


def test_nothing_counted_is_no_figure():
    """Not 0 and not an error."""
    assert math.isnan(TopK(3).scores().accuracy[1])
    scores = F1(3).scores()
    assert all(math.isnan(value) for value in scores[1:7])


@pytest.mark.parametrize('call, sentence', [
    (lambda: TopK(3).add(np.zeros((2, 4)), [0, 1]), r'scores are \(2, 4\), expected \(2, 3\)'),
    (lambda: TopK(3).add(np.zeros((1, 3)), [3]), 'class id 3 is none of the 3 classes'),
    (lambda: TopK(3).add_ranking([0], -1), 'class id -1 is none'),
    (lambda: F1(3).add(np.zeros((2, 3)), np.zeros((1, 3))), r'\(2, 3\) and the truth is \(1, 3\)'),
    (lambda: F1(3).add_ids([5], [0]), 'class id 5 is none of the 3 classes, expected 0 to 2'),
])
def test_what_does_not_fit(call, sentence):
    """One sentence each."""
    with pytest.raises(DatasetError, match=sentence):
        call()
