# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Replays one bag: frames to a source of answers, answers against the ground truth, to disk."""

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Protocol
import zlib

import cv2
from espnet_perception.errors import DatasetError, ImageError, PerceptionError
from espnet_perception.evaluation.answers import Answer, SEGMENTED
from espnet_perception.evaluation.bags import Bag
from espnet_perception.evaluation.mappings import ClassMapping
from espnet_perception.evaluation.messages import BagMessage, Topic
from espnet_perception.evaluation.metrics import ConfusionMatrix
from espnet_perception.evaluation.selection import Ranked, Selection
from espnet_perception.evaluation.state import BagState, FrameRecord
from espnet_perception.evaluation.truth import FolderTruth, NoTruth, TopicTruth, Truth
import numpy as np


class ReplaySettings(NamedTuple):
    """
    What to replay of each bag and what to keep of it.

    :param topic: topic of the images; empty: the only one there is.
    :param truth: a topic of the bag or a folder with label images; empty: no ground truth.
    :param truth_classes: label set of the ground truth, or a mapping file; empty: the model's.
    :param void_id: a further id of the label images without meaning; -1: none.
    :param frames: at most so many frames of each bag; 0 = all.
    :param worst: how many of the worst frames the report shows.
    :param spread: how many frames the contact sheet shows.
    :param keep_masks: keep every label image, not only those that the report shows.
    """

    topic: str = ''
    truth: str = ''
    truth_classes: str = ''
    void_id: int = -1
    frames: int = 0
    worst: int = 6
    spread: int = 12
    keep_masks: bool = False


class Source(Protocol):
    """Whatever answers frames: the pipeline, or the live node."""

    def describe(self) -> Dict[str, Any]:
        """Return plain values that tell this source from others, for the report."""

    def answers(self, messages: Iterable[BagMessage], skip: int) -> Iterator[Answer]:
        """Yield what becomes of each frame but the first ``skip``, in order."""

    def session(self) -> Optional[Dict[str, Any]]:
        """Return what the live node counted of the answers so far; None when not live."""


class BagReplay(NamedTuple):
    """
    One bag, replayed.

    :param name: name of the bag.
    :param path: where it lies.
    :param topic: topic of the images.
    :param state: what became of every frame.
    :param worst: the worst frames, worst first.
    :param spread: frames spread over the bag.
    :param notes: sentences on what a reader of the report should know.
    """

    name: str
    path: Path
    topic: Topic
    state: BagState
    worst: List[Ranked]
    spread: List[int]
    notes: List[str]


class Judge:
    """
    Compares answers with the ground truth.

    :param mapping: from model classes and label images to evaluation classes.
    :param truth: where the label images come from.
    """

    def __init__(self, mapping: ClassMapping, truth: Truth) -> None:
        self._mapping = mapping
        self._truth = truth

    def record(self, answer: Answer) -> FrameRecord:
        """
        Turn an answer into what is kept of it.

        :param answer: what became of a frame.
        :raises DatasetError: the frame's label image cannot be used.
        """
        record = FrameRecord(answer.index, answer.stamp_ns, answer.recorded_ns, answer.status,
                             answer.reason, answer.confidence, times_ns=answer.times_ns)
        if answer.status != SEGMENTED:
            return record
        record = record._replace(labels_crc32=zlib.crc32(np.ascontiguousarray(answer.labels)))
        truth = self._truth.labels(answer.index, answer.stamp_ns)
        if truth is None:
            return record
        confusion = ConfusionMatrix(len(self._mapping.label_set.classes))
        prediction = fit_to(self._mapping.map_prediction(answer.labels), truth.shape)
        confusion.add(self._mapping.map_truth(truth), prediction)
        return record._replace(cells=confusion.sparse())


def fit_to(labels: np.ndarray, shape: tuple) -> np.ndarray:
    """
    Resize labels to the size of a label image, by the nearest pixel.

    :param labels: (H, W) uint8.
    :param shape: (rows, columns) wanted.
    """
    if labels.shape == shape:
        return labels
    return cv2.resize(labels, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST_EXACT)


def replay_bag(bag: Bag, source: Source, mapping: ClassMapping, settings: ReplaySettings,
               place: 'Place') -> BagReplay:
    """
    Replay one bag, or what an interrupted run left of it.

    :param bag: the open bag.
    :param source: what answers the frames.
    :param mapping: from model classes and label images to evaluation classes.
    :param settings: what to replay and keep.
    :param place: where the results go, and whom to tell of the progress.
    :raises PerceptionError: no images, unusable ground truth, output not writable ...
    """
    topic = bag.choose_topic(settings.topic, (settings.truth,))
    frame_count = min(topic.count, settings.frames) if settings.frames else topic.count
    judge = Judge(mapping, truth_of(bag, topic, settings.truth))
    state = BagState(place.folder, _identity(bag, topic, source, mapping, settings),
                     place.restart)
    selection = Selection(frame_count, len(mapping.label_set.classes), settings.worst,
                          settings.spread)
    for record in state.records:
        selection.add(record)
    place.progress(len(state.records), frame_count)
    if len(state.records) < frame_count:
        messages = (message for message in bag.messages(topic) if message.index < frame_count)
        with _session(source, state):
            for answer in source.answers(messages, len(state.records)):
                _keep(state, selection, answer, judge.record(answer), settings.keep_masks)
                place.progress(len(state.records), frame_count)
    if settings.truth and not any(record.cells is not None for record in state.records):
        raise DatasetError('no frame of {} has a label image in {}: no stamps in common'.format(
            bag.path, settings.truth))
    return BagReplay(bag.name, bag.path, topic, state, selection.worst, selection.spread,
                     _notes(bag, frame_count, state, settings))


class Place(NamedTuple):
    """
    Where the results of a bag go.

    :param folder: folder of the bag in the output.
    :param restart: throw away what an earlier run left there.
    :param progress: called with (frames done, frames to do).
    """

    folder: Path
    restart: bool = False
    progress: Callable[[int, int], None] = lambda done, total: None


@contextmanager
def _session(source: Source, state: BagState) -> Iterator[None]:
    """Note what the live node counted, also when the replay breaks off."""
    try:
        yield
    except BaseException:
        with suppress(PerceptionError):  # the first error matters, not that the node is gone
            _note_session(source, state)
        raise
    _note_session(source, state)


def _note_session(source: Source, state: BagState) -> None:
    session = source.session()
    if session is not None:
        state.append_session(session)


def _keep(state: BagState, selection: Selection, answer: Answer, record: FrameRecord,
          keep_all: bool) -> None:
    """Mask first, then the line that says the frame is done, then what is not shown any more."""
    obsolete = selection.add(record)
    if answer.labels is not None and (keep_all or record.index not in obsolete):
        state.save_mask(record.index, answer.labels)
    state.append(record)
    if not keep_all:
        for index in obsolete:
            state.discard_mask(index)


def truth_of(bag: Bag, topic: Topic, place: str) -> Truth:
    """
    Open the ground truth of a bag.

    :param bag: the open bag.
    :param topic: topic of the images.
    :param place: a topic of the bag or a folder with label images; empty: none.
    :raises PerceptionError: neither such a topic nor such a folder, or nothing fits.
    """
    if not place:
        return NoTruth()
    is_topic = place in [entry.name for entry in bag.topics]
    if is_topic or (place.startswith('/') and not Path(place).exists()):
        return TopicTruth(bag, place)  # of a missing topic its error names those there are
    return FolderTruth(place, _stamps_ns(bag, topic))


def _stamps_ns(bag: Bag, topic: Topic) -> List[int]:
    stamps = []
    for message in bag.messages(topic):
        try:
            stamps.append(message.stamp_ns)
        except ImageError:
            stamps.append(-1)
    return stamps


def _identity(bag: Bag, topic: Topic, source: Source, mapping: ClassMapping,
              settings: ReplaySettings) -> Dict[str, Any]:
    identity = {'bag': str(bag.path.resolve()), 'topic': topic.name, 'messages': topic.count,
                'truth': settings.truth, 'classes': list(mapping.label_set.classes),
                'void': list(mapping.void_ids), 'worst': settings.worst,
                'spread': settings.spread, 'keep_masks': settings.keep_masks,
                'frames': settings.frames}
    identity.update(source.describe())
    return identity


def _notes(bag: Bag, frame_count: int, state: BagState, settings: ReplaySettings) -> List[str]:
    notes = list(bag.notes)
    restamped = sum(session.get('restamped', 0) for session in state.sessions)
    if restamped:
        notes.append('{} frames carried a stamp of zero or one that another frame carried too; '
                     'they were played with the time of recording instead.'.format(restamped))
    if len(state.records) < frame_count:
        notes.append('{} of {} frames could be read.'.format(len(state.records), frame_count))
    if settings.truth:
        without = sum(record.status == SEGMENTED and record.cells is None
                      for record in state.records)
        if without:
            notes.append('{} segmented frames have no label image with their stamp; they do not '
                         'count in the metrics.'.format(without))
    return notes
