# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Classification metrics, counted image by image.

``TopK`` is for images of one class each (ImageNet; ESPNetv2, Table 2), ``F1`` for images of any
number of classes (MS-COCO; ESPNetv2, section 4.1, Figure 6). Both can be merged. A class that
occurs neither in the truth nor in a prediction counts in no mean.
"""

from typing import Any, Dict, List, NamedTuple, Sequence

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import divide, mean_measured
import numpy as np

KS = (1, 5)
F1_THRESHOLD = 0.5


class ClassFigures(NamedTuple):
    """
    Figures of every class, in class order; NaN where there is nothing to measure.

    :param precision: share of the images with this prediction that are right.
    :param recall: share of the images of this true class that are found.
    :param f1: harmonic mean of both.
    :param truth_images: images of this true class.
    :param predicted_images: images with this prediction.
    """

    precision: List[float]
    recall: List[float]
    f1: List[float]
    truth_images: List[int]
    predicted_images: List[int]


class TopKScores(NamedTuple):
    """
    Figures of images of one class each; NaN where nothing was counted.

    :param images: images that were counted.
    :param accuracy: k to the share of images whose class is among the k best.
    :param class_average: mean recall over the classes that occur in the truth.
    :param macro_f1: mean F1 over the classes that occur in the truth or in a prediction.
    :param classes: figures of every class, of the best prediction alone.
    """

    images: int
    accuracy: Dict[int, float]
    class_average: float
    macro_f1: float
    classes: ClassFigures


class F1Scores(NamedTuple):
    """
    Figures of images of any number of classes; NaN where nothing was counted.

    :param images: images that were counted.
    :param class_precision: mean over the classes that occur in the truth or in a prediction; a
        class that is true and never predicted has precision 0 here, and so on.
    :param class_recall: likewise.
    :param class_f1: mean of the F1 of these classes (C-F1).
    :param overall_precision: share of all predicted labels that are right.
    :param overall_recall: share of all true labels that are found.
    :param overall_f1: harmonic mean of these two (O-F1).
    :param classes: figures of every class.
    """

    images: int
    class_precision: float
    class_recall: float
    class_f1: float
    overall_precision: float
    overall_recall: float
    overall_f1: float
    classes: ClassFigures


class TopK:
    """
    Counts for images of one class each.

    :param class_count: number of classes.
    :param ks: for which k the k best classes are looked at; those that leave no choice, because
        there are not more classes, are left out.
    """

    def __init__(self, class_count: int, ks: Sequence[int] = KS) -> None:
        self.class_count = class_count
        # Rows are true classes, columns predicted ones; the last column is for no prediction.
        self.confusion = np.zeros((class_count, class_count + 1), dtype=np.int64)
        self.hits = {k: 0 for k in ks if k == 1 or k < class_count}

    def add(self, scores: np.ndarray, truth: Any) -> None:
        """
        Count images.

        :param scores: (N, classes), or (classes,) for one image; logits or probabilities. Of equal
            ones the lower id is taken to be the better.
        :param truth: (N,) class ids, or one.
        :raises DatasetError: shapes that do not fit, or an id that is no class.
        """
        rows, ids = np.atleast_2d(scores), np.atleast_1d(truth)
        if rows.shape != (ids.size, self.class_count):
            raise DatasetError('the scores are {}, expected ({}, {}): a row for each of the {} '
                               'images, a column for each class'.format(
                                   rows.shape, ids.size, self.class_count, ids.size))
        best = np.argsort(-rows, axis=1, kind='stable')[:, :max(self.hits)]
        for ranking, class_id in zip(best.tolist(), ids.tolist()):
            self.add_ranking(ranking, class_id)

    def add_ranking(self, ranking: Sequence[int], truth: int) -> None:
        """
        Count one image.

        :param ranking: class ids, best first, as many as the largest k asks for; where there are
            fewer, those that are missing count as wrong.
        :param truth: its true class.
        :raises DatasetError: an id that is no class.
        """
        check_ids([truth], self.class_count)
        self.confusion[truth, ranking[0] if len(ranking) else self.class_count] += 1
        for k in self.hits:
            self.hits[k] += truth in ranking[:k]

    def merge(self, other: 'TopK') -> None:
        """Add the counts of another one of the same classes."""
        self.confusion += other.confusion
        for k in self.hits:
            self.hits[k] += other.hits[k]

    def scores(self) -> TopKScores:
        """Compute every figure from the counts so far."""
        images = int(self.confusion.sum())
        figures = class_figures(np.diagonal(self.confusion), self.confusion.sum(axis=1),
                                self.confusion[:, :self.class_count].sum(axis=0))
        return TopKScores(
            images, {k: hits / images if images else float('nan')
                     for k, hits in self.hits.items()},
            mean_measured(np.array(figures.recall)), mean_measured(np.array(figures.f1)), figures)


class F1:
    """
    Counts for images of any number of classes.

    :param class_count: number of classes.
    :param threshold: a class is predicted where its probability is above it.
    """

    def __init__(self, class_count: int, threshold: float = F1_THRESHOLD) -> None:
        self.class_count = class_count
        self.threshold = threshold
        self.images = 0
        # images in which a class is true and predicted; true; predicted
        self.counts = np.zeros((3, class_count), dtype=np.int64)

    def add(self, scores: np.ndarray, truth: np.ndarray) -> None:
        """
        Count images.

        :param scores: (N, classes) probabilities, or (classes,) for one image.
        :param truth: of the same shape, true or 1 where the image has the class.
        :raises DatasetError: shapes that do not fit.
        """
        rows, true = np.atleast_2d(scores), np.atleast_2d(truth).astype(bool)
        if rows.shape != true.shape or rows.shape[1] != self.class_count:
            raise DatasetError('the scores are {} and the truth is {}, expected both (images, {})'
                               .format(rows.shape, true.shape, self.class_count))
        predicted = rows > self.threshold
        self.images += len(rows)
        self.counts += [(true & predicted).sum(axis=0), true.sum(axis=0), predicted.sum(axis=0)]

    def add_ids(self, predicted: Sequence[int], truth: Sequence[int]) -> None:
        """
        Count one image.

        :param predicted: ids of the predicted classes.
        :param truth: ids of the true classes.
        :raises DatasetError: an id that is no class.
        """
        check_ids([*predicted, *truth], self.class_count)
        rows = np.zeros((2, self.class_count), dtype=bool)
        rows[0, list(predicted)] = rows[1, list(truth)] = True
        self.images += 1
        self.counts += [rows[0] & rows[1], rows[1], rows[0]]

    def merge(self, other: 'F1') -> None:
        """Add the counts of another one of the same classes."""
        self.images += other.images
        self.counts += other.counts

    def scores(self) -> F1Scores:
        """Compute every figure from the counts so far."""
        right, truth, predicted = self.counts
        figures = class_figures(right, truth, predicted)
        occurring = truth + predicted > 0
        means = [mean_measured(np.nan_to_num(np.array(values))[occurring])
                 for values in (figures.precision, figures.recall, figures.f1)]
        overall = class_figures(*self.counts.sum(axis=1, keepdims=True))
        return F1Scores(self.images, *means, overall.precision[0], overall.recall[0],
                        overall.f1[0], figures)


def class_figures(right: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> ClassFigures:
    """
    Compute the figures of classes.

    :param right: (classes,) images in which the class is both true and predicted.
    :param truth: (classes,) images in which it is true.
    :param predicted: (classes,) images in which it is predicted.
    """
    right = right.astype(np.float64)
    return ClassFigures(
        divide(right, predicted.astype(np.float64)).tolist(),
        divide(right, truth.astype(np.float64)).tolist(),
        divide(2 * right, (truth + predicted).astype(np.float64)).tolist(),
        truth.tolist(), predicted.tolist())


def check_ids(ids: Sequence[int], class_count: int) -> None:
    """
    Refuse ids that are no classes.

    :param ids: class ids.
    :param class_count: number of classes.
    :raises DatasetError: the first of them, and what was expected.
    """
    for class_id in ids:
        if not 0 <= class_id < class_count:
            raise DatasetError('the class id {} is none of the {} classes, expected 0 to {}'
                               .format(class_id, class_count, class_count - 1))
