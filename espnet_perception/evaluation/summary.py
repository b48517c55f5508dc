# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a replay as plain values: what report.json holds."""

import datetime
import math
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from espnet_perception import __version__
from espnet_perception.evaluation.answers import ANSWERED, DROPPED, REJECTED
from espnet_perception.evaluation.mappings import ModelClasses
from espnet_perception.evaluation.power_trace import power_figures
from espnet_perception.evaluation.replay import BagReplay
from espnet_perception.evaluation.state import FrameRecord
from espnet_perception.evaluation.task import Task
from espnet_perception.telemetry.hardware import machine
from espnet_perception.telemetry.latency import summarise
import numpy as np

FORMAT = 2
COUNTERS = ('sent', 'received', 'answers', 'published', 'dropped', 'skipped', 'rejected', 'failed')


class Replays(NamedTuple):
    """
    All bags of one run, and what they were replayed with.

    :param bags: the bags.
    :param source: plain values on mode, model and engine.
    :param task: how the answers were judged.
    :param model: the classes of the model.
    :param power: what was measured of the machine, or why nothing was.
    """

    bags: List[BagReplay]
    source: Dict[str, Any]
    task: Task
    model: ModelClasses
    power: str = ''


def summary(replays: Replays) -> Dict[str, Any]:
    """
    Return the figures of a replay.

    :param replays: what was replayed.
    :return: numbers, texts, lists and dicts; None where a figure does not exist.
    """
    records = [record for bag in replays.bags for record in bag.state.records]
    sessions = [session for bag in replays.bags for session in bag.state.sessions]
    label_set = replays.task.label_set
    return plain({
        'format': FORMAT,
        'package_version': __version__,
        'created': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        'machine': machine(),
        'source': replays.source,
        'task': replays.task.name,
        'main_figures': dict(replays.task.figure_words),
        'classes': list(label_set.classes),
        'label_set': label_set.name,
        'unmapped_model_classes': list(replays.task.unmapped),
        'power': replays.power,
        'overall': dict(_figures(records, sessions, replays.task), power=power_figures(
            [row for bag in replays.bags for row in bag.state.power])),
        'bags': [_bag(bag, replays.task) for bag in replays.bags],
    })


def times_of(records: Sequence[FrameRecord]) -> Dict[str, List[int]]:
    """Return all times of each stage in nanoseconds."""
    times = {}  # type: Dict[str, List[int]]
    for record in records:
        for stage, duration_ns in record.times_ns.items():
            times.setdefault(stage, []).append(duration_ns)
    return times


def _bag(bag: BagReplay, task: Task) -> Dict[str, Any]:
    records = bag.state.records
    figures = {'name': bag.name, 'path': str(bag.path), 'topic': bag.topic.name,
               'message_type': bag.topic.message_type, 'notes': bag.notes,
               'seconds_recorded': _seconds_recorded(records)}
    figures.update(_figures(records, bag.state.sessions, task))
    figures['power'] = power_figures(bag.state.power)
    figures['recorded_power'] = bag.recorded_power.figures() if bag.recorded_power else None
    figures['worst'] = [{'index': entry.index, 'stamp_ns': records[entry.index].stamp_ns,
                         'score': entry.score, 'confidence': records[entry.index].confidence}
                        for entry in bag.worst]
    figures['rejected'] = [{'index': record.index, 'stamp_ns': record.stamp_ns,
                            'reason': record.reason}
                           for record in records if record.status == REJECTED]
    return figures


def _figures(records: Sequence[FrameRecord], sessions: Sequence[Dict[str, Any]],
             task: Task) -> Dict[str, Any]:
    confidences = [record.confidence for record in records if record.confidence is not None]
    return {
        'frames': _frames(records),
        'node': _node(records, sessions) if sessions else None,
        'metrics': task.metrics(records),
        'seen': task.seen(records),
        'mean_confidence': float(np.mean(confidences)) if confidences else None,
        'latency_ms': {stage: _rounded(summarise(times)._asdict())
                       for stage, times in times_of(records).items()},
        'node_latency_ms': sessions[-1].get('latency_ms') if sessions else None,
    }


def _frames(records: Sequence[FrameRecord]) -> Dict[str, Any]:
    counts = {status: sum(record.status == status for record in records)
              for status in (ANSWERED, DROPPED, REJECTED)}
    total = len(records)
    return {'total': total, **counts,
            'with_truth': sum(record.has_truth for record in records),
            'drop_rate': counts[DROPPED] / total if total else None}


def _node(records: Sequence[FrameRecord], sessions: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Account for every frame sent: with an answer, dropped, rejected ... or lost on the wire."""
    node = {name: sum(session.get(name, 0) for session in sessions) for name in COUNTERS}
    node['lost_to_node'] = node['sent'] - node['received']
    node['lost_from_node'] = node['published'] - node['answers']
    node['unaccounted'] = node['sent'] - node['answers'] - node['lost_to_node'] - node[
        'lost_from_node'] - sum(node[name] for name in ('dropped', 'skipped', 'rejected',
                                                        'failed'))
    answered = sum(record.status == ANSWERED for record in records)
    node['answers_of_killed_runs'] = max(0, answered - node['answers'])
    node['seconds'] = sum(session['seconds'] for session in sessions)
    node['answers_per_second'] = node['answers'] / node['seconds'] if node['seconds'] else None
    node['sessions'] = len(sessions)
    return node


def _seconds_recorded(records: Sequence[FrameRecord]) -> Optional[float]:
    if len(records) < 2:
        return None
    return (records[-1].recorded_ns - records[0].recorded_ns) / 1e9


def _rounded(figures: Dict[str, Any]) -> Dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value
            for name, value in figures.items()}


def plain(value: Any) -> Any:
    """Return the value with every NaN turned into None, for JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
