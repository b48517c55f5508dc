# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Segmentation in a replay: label images against label images."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence
import zlib

from espnet_perception.evaluation import charts
from espnet_perception.evaluation.answers import Answer, ANSWERED
from espnet_perception.evaluation.bags import Bag
from espnet_perception.evaluation.mappings import ClassMapping, fit_to, ModelClasses
from espnet_perception.evaluation.messages import BagMessage, Topic
from espnet_perception.evaluation.metrics import (
    category_counts,
    ConfusionMatrix,
    Scores,
    scores_of,
)
from espnet_perception.evaluation.pictures import Style
from espnet_perception.evaluation.scenes import Look, Scene
from espnet_perception.evaluation.selection import frame_score
from espnet_perception.evaluation.state import BagState, FrameRecord, record_of
from espnet_perception.evaluation.task import Chart
from espnet_perception.evaluation.truth import Truth, truth_of
from espnet_perception.label_sets import (
    CITYSCAPES,
    CITYSCAPES_CATEGORIES,
    CITYSCAPES_CATEGORY_OF,
)
import numpy as np


class SegmentationTask:
    """
    How label images are judged, counted and drawn; see ``Task``.

    :param mapping: from model classes and label images to evaluation classes.
    """

    name = 'segmentation'
    figure_words = (('miou', 'mIoU'), ('pixel_accuracy', 'pixel accuracy'),
                    ('class_average', 'class average'))
    columns = (('iou', 'IoU', 'share'), ('recall', 'recall', 'share'),
               ('precision', 'precision', 'share'), ('truth_pixels', 'true pixels', 'count'))
    worst_words = 'Worst frames, by mean IoU'

    def __init__(self, mapping: ClassMapping) -> None:
        self.mapping = mapping
        self.label_set = mapping.label_set
        self.unmapped = mapping.unmapped

    def identity(self) -> Dict[str, Any]:
        """Return what a replay that is resumed must have in common with this one."""
        return {'classes': list(self.label_set.classes), 'void': list(self.mapping.void_ids)}

    def open_truth(self, bag: Bag, topic: Topic, place: str) -> Truth:
        """
        Open the label images of a bag.

        :param bag: the open bag.
        :param topic: topic of the images.
        :param place: a topic of the bag or a folder with label images; empty: none.
        :raises PerceptionError: neither such a topic nor such a folder, or nothing fits.
        """
        return truth_of(bag, topic, place)

    def record(self, answer: Answer, truth: Truth) -> FrameRecord:
        """
        Turn an answer into what is kept of it.

        :param answer: what became of a frame.
        :param truth: where the label images come from.
        :raises DatasetError: the frame's label image cannot be used.
        """
        record = record_of(answer)
        if answer.status != ANSWERED:
            return record
        record = record._replace(crc32=zlib.crc32(np.ascontiguousarray(answer.labels)))
        labels = truth.labels(answer.index, answer.stamp_ns)
        if labels is None:
            return record
        confusion = ConfusionMatrix(len(self.label_set.classes))
        prediction = fit_to(self.mapping.map_prediction(answer.labels), labels.shape)
        confusion.add(self.mapping.map_truth(labels), prediction)
        return record._replace(cells=confusion.sparse())

    def scenes(self, message: BagMessage, state: BagState, truth: Truth) -> Iterator[Scene]:
        """
        Yield a frame with its prediction and ground truth, if its label image was kept.

        :param message: the frame.
        :param state: what was kept of it.
        :param truth: where the label images come from.
        :raises PerceptionError: the frame or its label image cannot be read any more.
        """
        labels, record = state.mask(message.index), state.records[message.index]
        if labels is None:
            return
        true = None
        if record.cells is not None:
            true = truth.labels(message.index, message.stamp_ns)
        if true is not None:
            true = self.mapping.map_truth(true)
        yield Scene(record, message.decode(), labels, true)

    def frame_score(self, record: FrameRecord) -> Optional[float]:
        """Return mean IoU of the frame, or its mean confidence where there is no ground truth."""
        return frame_score(record, len(self.label_set.classes))

    def metrics(self, records: Sequence[FrameRecord]) -> Optional[Dict[str, Any]]:
        """Return the figures of the one confusion matrix of all frames with ground truth."""
        confusion = ConfusionMatrix(len(self.label_set.classes))
        for record in records:
            confusion.add_sparse(record.cells or [])
        if not confusion.counts.any():
            return None
        return _metrics(confusion, self.label_set.classes)

    def seen(self, records: Sequence[FrameRecord]) -> None:
        """Return None: every frame has nearly every class."""

    def charts(self, metrics: Dict[str, Any], folder: Path) -> List[Chart]:
        """Draw IoU and confusion of the classes."""
        iou, confusion = folder / 'iou.png', folder / 'confusion.png'
        mean = metrics['miou']
        charts.class_chart(iou, [(row['name'], row['iou']) for row in metrics['classes']],
                           self.label_set.palette,
                           charts.Mean('IoU of each class (%); dashed: mean', mean))
        charts.confusion_chart(confusion, metrics['confusion'], self.label_set.classes, 'pixels')
        return [(iou, 'Intersection over union of each class'), (confusion, 'Confusion matrix')]

    def bag_charts(self, records: Sequence[FrameRecord], folder: Path) -> List[Chart]:
        """Return no chart."""
        return []

    def look(self, model: ModelClasses) -> Look:
        """Return what draws the frames of the report."""
        return Look(Style(model.classes, model.palette), self.mapping)


def _metrics(confusion: ConfusionMatrix, classes: Sequence[str]) -> Dict[str, Any]:
    scores = confusion.scores()
    metrics = {'miou': scores.miou, 'miou_present': scores.miou_present,
               'pixel_accuracy': scores.pixel_accuracy, 'class_average': scores.class_average,
               'classes': _per_class(classes, scores), 'confusion': confusion.counts.tolist(),
               'categories': None}
    if tuple(classes) == CITYSCAPES.classes:
        merged = scores_of(category_counts(confusion.counts, CITYSCAPES_CATEGORY_OF))
        metrics['categories'] = _per_class(CITYSCAPES_CATEGORIES.classes, merged)
        metrics['category_miou'] = merged.miou
    return metrics


def _per_class(names: Sequence[str], scores: Scores) -> List[Dict[str, Any]]:
    return [{'name': name, 'iou': iou, 'recall': recall, 'precision': precision,
             'truth_pixels': pixels}
            for name, iou, recall, precision, pixels in zip(
                names, scores.iou, scores.recall, scores.precision, scores.truth_pixels)]
