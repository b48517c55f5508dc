# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Metrics against values worked out by hand."""

import math

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import (
    category_counts,
    ConfusionMatrix,
    scores_of,
)
from espnet_perception.label_sets import (
    CITYSCAPES,
    CITYSCAPES_CATEGORIES,
    CITYSCAPES_CATEGORY_OF,
)
import numpy as np
import pytest


def matrix(truth, prediction, classes=3):
    """Confusion matrix of two short rows of pixels."""
    confusion = ConfusionMatrix(classes)
    confusion.add(np.array([truth], np.uint8), np.array([prediction], np.uint8))
    return confusion


def test_scores_worked_out_by_hand():
    """Class 0: 3 true, 2 right; class 1: 2 true, 1 right; class 2: 1 true, 1 right, 1 false."""
    scores = matrix([0, 0, 0, 1, 1, 2], [0, 0, 2, 1, 0, 2]).scores()
    assert scores.iou == pytest.approx([2 / 4, 1 / 2, 1 / 2])
    assert scores.miou == pytest.approx(0.5)
    assert scores.pixel_accuracy == pytest.approx(4 / 6)
    assert scores.recall == pytest.approx([2 / 3, 1 / 2, 1])
    assert scores.precision == pytest.approx([2 / 3, 1, 1 / 2])
    assert scores.class_average == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert scores.truth_pixels == [3, 2, 1]


def test_void_counts_nowhere_and_no_class_counts_as_wrong():
    """A pixel without truth is left out; an unlabelled prediction is a miss, no false alarm."""
    scores = matrix([0, 0, 255, 1], [0, 255, 1, 1]).scores()
    assert scores.iou[:2] == pytest.approx([1 / 2, 1])
    assert scores.pixel_accuracy == pytest.approx(2 / 3)
    assert scores.precision[:2] == pytest.approx([1, 1])


def test_a_class_that_is_nowhere_has_no_iou_and_one_only_predicted_has_zero():
    """Class 2 is predicted once but never true: 0 in miou, left out of miou_present."""
    scores = matrix([0, 0, 1, 1], [0, 2, 1, 1], classes=4).scores()
    assert scores.iou[:3] == pytest.approx([1 / 2, 1, 0])
    assert math.isnan(scores.iou[3])
    assert scores.miou == pytest.approx(0.5)
    assert scores.miou_present == pytest.approx(0.75)


def test_one_matrix_over_all_images_is_no_mean_of_means():
    """Counts add up; small images weigh less than large ones."""
    confusion = matrix([0, 1], [0, 0], classes=2)
    confusion.merge(matrix([0] * 8, [0] * 8, classes=2))
    assert confusion.scores().iou == pytest.approx([9 / 10, 0])


def test_sparse_cells_rebuild_the_matrix():
    """What is kept on disk is all there is."""
    confusion = matrix([0, 0, 0, 1, 1, 2], [0, 255, 2, 1, 0, 2])
    rebuilt = ConfusionMatrix(3)
    rebuilt.add_sparse(confusion.sparse())
    assert np.array_equal(rebuilt.counts, confusion.counts)
    assert [0, 3, 1] in confusion.sparse()


def test_nothing_measured_is_nan():
    """No truth, no figure."""
    scores = matrix([255], [0]).scores()
    assert math.isnan(scores.miou) and math.isnan(scores.pixel_accuracy)


def test_sizes_must_agree():
    """The sentence names both sizes."""
    with pytest.raises(DatasetError, match=r'\(1, 2\).*\(2, 2\)'):
        ConfusionMatrix(2).add(np.zeros((1, 2), np.uint8), np.zeros((2, 2), np.uint8))


def test_categories_forgive_confusion_within_them():
    """A car taken for a truck is right as a vehicle; taken for road it is wrong."""
    names = list(CITYSCAPES.classes)
    car, truck, road = names.index('car'), names.index('truck'), names.index('road')
    confusion = matrix([car, car, road, road], [truck, road, road, 255], classes=19)
    merged = category_counts(confusion.counts, CITYSCAPES_CATEGORY_OF)
    scores = scores_of(merged)
    categories = CITYSCAPES_CATEGORIES.classes
    assert scores.iou[categories.index('vehicle')] == pytest.approx(1 / 2)
    assert scores.iou[categories.index('flat')] == pytest.approx(1 / 3)
    assert merged.sum() == 4


def test_a_class_without_category_is_refused():
    """No silent loss of a class."""
    with pytest.raises(DatasetError, match='2 classes got 1 categories, expected one for each'):
        category_counts(np.zeros((2, 3), int), [0])
