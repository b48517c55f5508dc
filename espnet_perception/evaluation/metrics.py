# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Segmentation metrics out of one confusion matrix over a whole data set.

Rows are the true classes, columns the predicted ones. One further column, the last, holds
pixels of a true class to which the model gave no class of this label set (unlabelled, or a
class that maps to nothing): they count as wrong. Pixels without ground truth count nowhere.
"""

from typing import List, NamedTuple, Sequence

from espnet_perception.errors import DatasetError
import numpy as np

NO_CLASS = 255


class Scores(NamedTuple):
    """
    Figures of one confusion matrix; a figure without any pixel to measure it on is NaN.

    :param miou: mean of ``iou`` over the classes that occur in the truth or in a prediction,
        as the Cityscapes benchmark has it.
    :param miou_present: mean of ``iou`` over the classes that occur in the truth alone.
    :param pixel_accuracy: share of the pixels with ground truth that are right.
    :param class_average: mean over the true classes of the share of their pixels that is right.
    :param iou: intersection over union of every class, in class order.
    :param recall: share of each true class's pixels that is right, in class order.
    :param precision: share of each predicted class's pixels that is right, in class order.
    :param truth_pixels: pixels of each true class, in class order.
    """

    miou: float
    miou_present: float
    pixel_accuracy: float
    class_average: float
    iou: List[float]
    recall: List[float]
    precision: List[float]
    truth_pixels: List[int]


class ConfusionMatrix:
    """
    Counts of (true class, predicted class) pairs.

    :param class_count: number of classes, 1 to 255.
    """

    def __init__(self, class_count: int) -> None:
        self.class_count = class_count
        self.counts = np.zeros((class_count, class_count + 1), dtype=np.int64)

    def add(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """
        Count the pixels of one image.

        :param truth: (H, W) uint8 class ids; ids from class_count on are not counted.
        :param prediction: (H, W) uint8 class ids; ids from class_count on are wrong.
        :raises DatasetError: the two sizes differ.
        """
        if truth.shape != prediction.shape:
            raise DatasetError('the ground truth is {} pixels (rows, columns), the prediction {}; '
                               'resize one of them'.format(truth.shape, prediction.shape))
        known = truth < self.class_count
        columns = np.minimum(prediction[known], self.class_count).astype(np.int64)
        pairs = truth[known].astype(np.int64) * (self.class_count + 1) + columns
        self.counts += np.bincount(pairs, minlength=self.counts.size).reshape(self.counts.shape)

    def merge(self, other: 'ConfusionMatrix') -> None:
        """Add the counts of another matrix of the same classes."""
        self.counts += other.counts

    def sparse(self) -> List[List[int]]:
        """Return the cells that are not zero as [true class, predicted class, pixels] rows."""
        rows, columns = np.nonzero(self.counts)
        return [[int(row), int(column), int(self.counts[row, column])]
                for row, column in zip(rows, columns)]

    def add_sparse(self, cells: Sequence[Sequence[int]]) -> None:
        """Add cells as ``sparse`` returns them."""
        for row, column, pixels in cells:
            self.counts[row, column] += pixels

    def scores(self) -> Scores:
        """Compute every figure from the counts so far."""
        return scores_of(self.counts)


def scores_of(counts: np.ndarray) -> Scores:
    """
    Compute the figures of a confusion matrix.

    :param counts: (classes, classes + 1) integers, the last column for no class.
    :return: the figures; NaN where nothing was measured.
    """
    class_count = counts.shape[0]
    right = np.diagonal(counts).astype(np.float64)
    truth = counts.sum(axis=1).astype(np.float64)
    predicted = counts[:, :class_count].sum(axis=0).astype(np.float64)
    iou = divide(right, truth + predicted - right)
    recall = divide(right, truth)
    total = truth.sum()
    return Scores(
        miou=mean_measured(iou), miou_present=mean_measured(iou[truth > 0]),
        pixel_accuracy=float(right.sum() / total) if total else float('nan'),
        class_average=mean_measured(recall), iou=iou.tolist(), recall=recall.tolist(),
        precision=divide(right, predicted).tolist(),
        truth_pixels=truth.astype(np.int64).tolist())


def category_counts(counts: np.ndarray, category_of: Sequence[int]) -> np.ndarray:
    """
    Merge the classes of a confusion matrix into categories.

    :param counts: (classes, classes + 1) integers.
    :param category_of: category id of each class, from 0 without gaps.
    :return: (categories, categories + 1) integers.
    :raises DatasetError: not one category for each class.
    """
    if len(category_of) != len(counts):
        raise DatasetError('{} classes got {} categories, expected one for each'.format(
            len(counts), len(category_of)))
    categories = max(category_of) + 1
    merged = np.zeros((categories, categories + 1), dtype=np.int64)
    for row, row_category in enumerate(category_of):
        for column, column_category in enumerate((*category_of, categories)):
            merged[row_category, column_category] += counts[row, column]
    return merged


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the ratios of float64 arrays; NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan),
                     where=denominator > 0)


def mean_measured(values: np.ndarray) -> float:
    """Return the mean of the values that are not NaN; NaN where there is none."""
    measured = values[~np.isnan(values)]
    return float(measured.mean()) if measured.size else float('nan')
