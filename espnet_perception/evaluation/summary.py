# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a replay as plain values: what report.json holds."""

import datetime
import math
import os
import platform
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from espnet_perception import __version__
from espnet_perception.evaluation.answers import DROPPED, REJECTED, SEGMENTED
from espnet_perception.evaluation.mappings import ClassMapping
from espnet_perception.evaluation.metrics import (
    category_counts,
    ConfusionMatrix,
    Scores,
    scores_of,
)
from espnet_perception.evaluation.replay import BagReplay
from espnet_perception.evaluation.state import FrameRecord
from espnet_perception.label_sets import (
    CITYSCAPES,
    CITYSCAPES_CATEGORIES,
    CITYSCAPES_CATEGORY_OF,
)
from espnet_perception.telemetry.latency import summarise
import numpy as np

FORMAT = 1
COUNTERS = ('sent', 'received', 'masks', 'published', 'dropped', 'skipped', 'rejected', 'failed')


class Replays(NamedTuple):
    """
    All bags of one run, and what they were replayed with.

    :param bags: the bags.
    :param source: plain values on mode, model and engine.
    :param mapping: the classes of the evaluation.
    :param palette: colours of the model's classes, (red, green, blue) each.
    :param model_classes: names of the model's classes.
    """

    bags: List[BagReplay]
    source: Dict[str, Any]
    mapping: ClassMapping
    palette: Sequence[Sequence[int]]
    model_classes: Sequence[str]


def summary(replays: Replays) -> Dict[str, Any]:
    """
    Return the figures of a replay.

    :param replays: what was replayed.
    :return: numbers, texts, lists and dicts; None where a figure does not exist.
    """
    records = [record for bag in replays.bags for record in bag.state.records]
    sessions = [session for bag in replays.bags for session in bag.state.sessions]
    label_set = replays.mapping.label_set
    return _plain({
        'format': FORMAT,
        'package_version': __version__,
        'created': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        'machine': machine(),
        'source': replays.source,
        'classes': list(label_set.classes),
        'label_set': label_set.name,
        'unmapped_model_classes': list(replays.mapping.unmapped),
        'overall': _figures(records, sessions, replays.mapping),
        'bags': [_bag(bag, replays.mapping) for bag in replays.bags],
    })


def machine() -> Dict[str, Any]:
    """Return name of the processor, its cores and the versions that matter."""
    return {'processor': _processor(), 'cores': os.cpu_count(), 'system': platform.platform(),
            'python': platform.python_version()}


def confusion_of(records: Sequence[FrameRecord], mapping: ClassMapping) -> ConfusionMatrix:
    """
    Return the one confusion matrix of all frames with ground truth.

    :param records: what became of the frames.
    :param mapping: the classes of the evaluation.
    """
    confusion = ConfusionMatrix(len(mapping.label_set.classes))
    for record in records:
        confusion.add_sparse(record.cells or [])
    return confusion


def times_of(records: Sequence[FrameRecord]) -> Dict[str, List[int]]:
    """Return all times of each stage in nanoseconds."""
    times = {}  # type: Dict[str, List[int]]
    for record in records:
        for stage, duration_ns in record.times_ns.items():
            times.setdefault(stage, []).append(duration_ns)
    return times


def _bag(bag: BagReplay, mapping: ClassMapping) -> Dict[str, Any]:
    records = bag.state.records
    figures = {'name': bag.name, 'path': str(bag.path), 'topic': bag.topic.name,
               'message_type': bag.topic.message_type, 'notes': bag.notes,
               'seconds_recorded': _seconds_recorded(records)}
    figures.update(_figures(records, bag.state.sessions, mapping))
    figures['worst'] = [{'index': entry.index, 'stamp_ns': records[entry.index].stamp_ns,
                         'score': entry.score, 'confidence': records[entry.index].confidence}
                        for entry in bag.worst]
    figures['rejected'] = [{'index': record.index, 'stamp_ns': record.stamp_ns,
                            'reason': record.reason}
                           for record in records if record.status == REJECTED]
    return figures


def _figures(records: Sequence[FrameRecord], sessions: Sequence[Dict[str, Any]],
             mapping: ClassMapping) -> Dict[str, Any]:
    confidences = [record.confidence for record in records if record.confidence is not None]
    confusion = confusion_of(records, mapping)
    return {
        'frames': _frames(records),
        'node': _node(records, sessions) if sessions else None,
        'metrics': _metrics(confusion, mapping) if confusion.counts.any() else None,
        'mean_confidence': float(np.mean(confidences)) if confidences else None,
        'latency_ms': {stage: _rounded(summarise(times)._asdict())
                       for stage, times in times_of(records).items()},
        'node_latency_ms': sessions[-1].get('latency_ms') if sessions else None,
    }


def _frames(records: Sequence[FrameRecord]) -> Dict[str, Any]:
    counts = {status: sum(record.status == status for record in records)
              for status in (SEGMENTED, DROPPED, REJECTED)}
    total = len(records)
    return {'total': total, **counts,
            'with_truth': sum(record.cells is not None for record in records),
            'drop_rate': counts[DROPPED] / total if total else None}


def _node(records: Sequence[FrameRecord], sessions: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Account for every frame sent: with a mask, dropped, rejected ... or lost on the wire."""
    node = {name: sum(session.get(name, 0) for session in sessions) for name in COUNTERS}
    node['lost_to_node'] = node['sent'] - node['received']
    node['lost_from_node'] = node['published'] - node['masks']
    node['unaccounted'] = node['sent'] - node['masks'] - node['lost_to_node'] - node[
        'lost_from_node'] - sum(node[name] for name in ('dropped', 'skipped', 'rejected',
                                                        'failed'))
    segmented = sum(record.status == SEGMENTED for record in records)
    node['masks_of_killed_runs'] = max(0, segmented - node['masks'])
    node['seconds'] = sum(session['seconds'] for session in sessions)
    node['masks_per_second'] = node['masks'] / node['seconds'] if node['seconds'] else None
    node['sessions'] = len(sessions)
    return node


def _metrics(confusion: ConfusionMatrix, mapping: ClassMapping) -> Dict[str, Any]:
    label_set = mapping.label_set
    scores = confusion.scores()
    metrics = {'miou': scores.miou, 'miou_present': scores.miou_present,
               'pixel_accuracy': scores.pixel_accuracy, 'class_average': scores.class_average,
               'classes': _per_class(label_set.classes, scores),
               'confusion': confusion.counts.tolist(), 'categories': None}
    if label_set.classes == CITYSCAPES.classes:
        merged = scores_of(category_counts(confusion.counts, CITYSCAPES_CATEGORY_OF))
        metrics['categories'] = _per_class(CITYSCAPES_CATEGORIES.classes, merged)
        metrics['category_miou'] = merged.miou
    return metrics


def _per_class(names: Sequence[str], scores: Scores) -> List[Dict[str, Any]]:
    return [{'name': name, 'iou': iou, 'recall': recall, 'precision': precision,
             'truth_pixels': pixels}
            for name, iou, recall, precision, pixels in zip(
                names, scores.iou, scores.recall, scores.precision, scores.truth_pixels)]


def _seconds_recorded(records: Sequence[FrameRecord]) -> Optional[float]:
    if len(records) < 2:
        return None
    return (records[-1].recorded_ns - records[0].recorded_ns) / 1e9


def _processor() -> str:
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as stream:
            for line in stream:
                if line.startswith('model name'):
                    return line.split(':', 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _rounded(figures: Dict[str, Any]) -> Dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value
            for name, value in figures.items()}


def _plain(value: Any) -> Any:
    """Return the value with every NaN turned into None, for JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
