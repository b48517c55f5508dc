# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Classification in a replay: the classes of whole frames."""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union
import zlib

from espnet_perception.evaluation import charts
from espnet_perception.evaluation.answers import Answer, ANSWERED
from espnet_perception.evaluation.bags import Bag
from espnet_perception.evaluation.class_pictures import ClassLook
from espnet_perception.evaluation.class_truth import ClassTruth, NoClassTruth, read_class_truth
from espnet_perception.evaluation.classification_metrics import (
    ClassFigures,
    F1,
    F1_THRESHOLD,
    KS,
    TopK,
)
from espnet_perception.evaluation.mappings import ModelClasses
from espnet_perception.evaluation.messages import BagMessage, Topic
from espnet_perception.evaluation.scenes import Scene
from espnet_perception.evaluation.state import BagState, FrameRecord, record_of
from espnet_perception.evaluation.task import Chart
from espnet_perception.evaluation.truth import stamps_of
from espnet_perception.label_sets import LabelSet
import numpy as np

# A chart with more classes cannot be read; report.json has them all.
CHART_CLASSES = 40
ONE_FIGURES = (('top1', 'top-1 accuracy'), ('top5', 'top-5 accuracy'), ('macro_f1', 'macro F1'),
               ('class_average', 'class average'))
SEVERAL_FIGURES = (('class_f1', 'class-wise F1 (C-F1)'), ('overall_f1', 'overall F1 (O-F1)'),
                   ('overall_precision', 'overall precision'),
                   ('overall_recall', 'overall recall'))


class ClassificationTask:
    """
    How the classes of frames are judged, counted and drawn; see ``Task``.

    :param model: the classes of the model.
    :param several: a frame may have any number of classes.
    """

    name = 'classification'
    unmapped = ()
    columns = (('f1', 'F1', 'share'), ('recall', 'recall', 'share'),
               ('precision', 'precision', 'share'), ('truth_images', 'true frames', 'count'),
               ('predicted_images', 'predicted frames', 'count'))

    def __init__(self, model: ModelClasses, several: bool) -> None:
        self.label_set = LabelSet(model.name, tuple(model.classes), tuple(model.palette))
        self._several = several
        self.figure_words = SEVERAL_FIGURES if several else ONE_FIGURES
        self.worst_words = ('Worst frames, by F1' if several
                            else 'Worst frames, by probability of the true class')

    def identity(self) -> Dict[str, Any]:
        """Return what a replay that is resumed must have in common with this one."""
        return {'classes': list(self.label_set.classes)}

    def open_truth(self, bag: Bag, topic: Topic, place: str) -> Union[ClassTruth, NoClassTruth]:
        """
        Read the true classes of a bag's frames.

        :param bag: the open bag.
        :param topic: topic of the images.
        :param place: path of the file; empty: none.
        :raises DatasetError: nothing usable there.
        """
        if not place:
            return NoClassTruth()
        rows = read_class_truth(place, self.label_set.classes, self._several)
        return ClassTruth(rows, stamps_of(bag, topic), place)

    def record(self, answer: Answer, truth: Union[ClassTruth, NoClassTruth]) -> FrameRecord:
        """
        Turn an answer into what is kept of it: the best classes, and all above the threshold.

        :param answer: what became of a frame.
        :param truth: the true classes.
        """
        record = record_of(answer)
        if answer.status != ANSWERED:
            return record
        ids, scores = answer.ranking
        kept = max(max(KS), int((scores > F1_THRESHOLD).sum()))
        return record._replace(
            crc32=zlib.crc32(scores.tobytes(), zlib.crc32(ids.tobytes())),
            ids=ids[:kept].tolist(), scores=scores[:kept].tolist(),
            truth_ids=truth.ids(answer.index, answer.stamp_ns))

    def scenes(self, message: BagMessage, state: BagState, truth: Any) -> Iterator[Scene]:
        """
        Yield a frame; its classes are in its record.

        :param message: the frame.
        :param state: what was kept of it.
        :param truth: not used, the record has it.
        :raises PerceptionError: the frame cannot be read any more.
        """
        record = state.records[message.index]
        if record.ids is not None:
            yield Scene(record, message.decode(), None, None)

    def frame_score(self, record: FrameRecord) -> Optional[float]:
        """
        Return how well a frame went.

        That is the probability of the true class (0 where it is not among those kept) or, with
        several classes, the frame's F1; without ground truth the highest probability.
        """
        if record.truth_ids is None:
            return record.confidence
        if not self._several:
            return dict(zip(record.ids, record.scores)).get(record.truth_ids[0], 0.0)
        predicted, true = set(predicted_ids(record)), set(record.truth_ids)
        either = len(predicted) + len(true)
        return 2 * len(predicted & true) / either if either else 1.0

    def metrics(self, records: Sequence[FrameRecord]) -> Optional[Dict[str, Any]]:
        """Return the figures over all frames with ground truth, None where there is none."""
        judged = [record for record in records if record.truth_ids is not None]
        if not judged:
            return None
        return self._f1(judged) if self._several else self._top_k(judged)

    def seen(self, records: Sequence[FrameRecord]) -> List[Dict[str, Any]]:
        """Return which classes the model saw in how many frames, most frequent first."""
        counts = Counter(class_id for record in records if record.ids is not None
                         for class_id in self._seen_ids(record))
        return [{'name': self.label_set.classes[class_id], 'frames': frames}
                for class_id, frames in counts.most_common()]

    def charts(self, metrics: Dict[str, Any], folder: Path) -> List[Chart]:
        """Draw F1 of the most frequent classes and, of images of one class, their confusion."""
        rows = sorted(metrics['classes'], key=lambda row: -row['truth_images'])[:CHART_CLASSES]
        mean = metrics['class_f1' if self._several else 'macro_f1']
        drawn = [(folder / 'f1.png', 'F1 of each class')]
        palette = dict(zip(self.label_set.classes, self.label_set.palette))
        charts.class_chart(drawn[0][0], [(row['name'], row['f1']) for row in rows],
                           [palette[row['name']] for row in rows],
                           charts.Mean('F1 of each class (%); dashed: mean of all', mean))
        if not self._several and len(metrics['confusion_classes']) <= CHART_CLASSES:
            drawn.append((folder / 'confusion.png', 'Confusion matrix'))
            charts.confusion_chart(drawn[-1][0], metrics['confusion'],
                                   metrics['confusion_classes'], 'frames')
        return drawn

    def bag_charts(self, records: Sequence[FrameRecord], folder: Path) -> List[Chart]:
        """Draw which classes were seen when."""
        seen = [(record.recorded_ns, [self.label_set.classes[class_id]
                                      for class_id in self._seen_ids(record)])
                for record in records if record.ids is not None]
        if not seen:
            return []
        path = folder / 'classes.png'
        charts.seen_chart(path, seen, records[0].recorded_ns)
        return [(path, 'Classes seen over time')]

    def look(self, model: ModelClasses) -> ClassLook:
        """Return what draws the frames of the report."""
        return ClassLook(tuple(model.classes), self.frame_score)

    def _seen_ids(self, record: FrameRecord) -> List[int]:
        return predicted_ids(record) if self._several else record.ids[:1]

    def _top_k(self, judged: Sequence[FrameRecord]) -> Dict[str, Any]:
        metric = TopK(len(self.label_set.classes))
        for record in judged:
            metric.add_ranking(record.ids, record.truth_ids[0])
        scores = metric.scores()
        occurring = [class_id for class_id in range(metric.class_count)
                     if scores.classes.truth_images[class_id]
                     + scores.classes.predicted_images[class_id]]
        return {'images': scores.images, 'top1': scores.accuracy[1],
                'top5': scores.accuracy.get(5), 'class_average': scores.class_average,
                'macro_f1': scores.macro_f1,
                'classes': self._per_class(scores.classes, occurring),
                'confusion_classes': [self.label_set.classes[index] for index in occurring],
                'confusion': metric.confusion[np.ix_(
                    occurring, [*occurring, metric.class_count])].tolist()}

    def _f1(self, judged: Sequence[FrameRecord]) -> Dict[str, Any]:
        metric = F1(len(self.label_set.classes))
        for record in judged:
            metric.add_ids(predicted_ids(record), record.truth_ids)
        scores = metric.scores()
        occurring = np.flatnonzero(metric.counts.sum(axis=0)).tolist()
        figures = {name: value for name, value in scores._asdict().items() if name != 'classes'}
        return dict(figures, classes=self._per_class(scores.classes, occurring))

    def _per_class(self, figures: ClassFigures, ids: Sequence[int]) -> List[Dict[str, Any]]:
        return [dict({'name': self.label_set.classes[class_id]},
                     **{name: values[class_id] for name, values in figures._asdict().items()})
                for class_id in ids]


def predicted_ids(record: FrameRecord) -> List[int]:
    """Return the classes whose probability is above the threshold of F1."""
    return [class_id for class_id, score in zip(record.ids, record.scores)
            if score > F1_THRESHOLD]
