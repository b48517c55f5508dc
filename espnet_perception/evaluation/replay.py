# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Replays one bag: frames to a source of answers, answers against the ground truth, to disk."""

from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Protocol

from espnet_perception.errors import BagError, DatasetError, PerceptionError
from espnet_perception.evaluation.answers import Answer, ANSWERED
from espnet_perception.evaluation.bags import Bag
from espnet_perception.evaluation.messages import BagMessage, IMAGE_TYPES, Topic
from espnet_perception.evaluation.power_bag import power_topic, recorded_power, RecordedPower
from espnet_perception.evaluation.power_trace import Meter, NoMeter, PowerTrace
from espnet_perception.evaluation.selection import Ranked, Selection
from espnet_perception.evaluation.state import BagState, FrameRecord
from espnet_perception.evaluation.task import Task
import numpy as np


class ReplaySettings(NamedTuple):
    """
    What to replay of each bag and what to keep of it.

    :param topic: topic of the images; empty: the only one there is.
    :param truth: where the ground truth is: a topic of the bag or a folder with label images, or
        for a classifier a file; empty: no ground truth.
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
    :param recorded_power: what the power node said while the bag was recorded; None where the bag
        does not hold it.
    """

    name: str
    path: Path
    topic: Topic
    state: BagState
    worst: List[Ranked]
    spread: List[int]
    notes: List[str]
    recorded_power: Optional[RecordedPower] = None


def replay_bag(bag: Bag, source: Source, task: Task, settings: ReplaySettings,
               place: 'Place', meter: Optional[Meter] = None) -> BagReplay:
    """
    Replay one bag, or what an interrupted run left of it.

    :param bag: the open bag.
    :param source: what answers the frames.
    :param task: how the answers are judged.
    :param settings: what to replay and keep.
    :param place: where the results go, and whom to tell of the progress.
    :param meter: tells what the machine draws; None: that is not asked.
    :raises PerceptionError: no images, unusable ground truth, output not writable ...
    """
    run = BagRun(bag, source.describe(), task, settings, place)
    if run.left:
        trace = PowerTrace(meter or NoMeter(''))
        with _session(source, run.state):
            for answer in source.answers(run.messages(), len(run.state.records)):
                run.keep(task.record(answer, run.truth), answer.labels)
                run.state.append_power(trace.frame(
                    answer.recorded_ns, answer.status == ANSWERED, _whole_ns(answer)))
            run.state.append_power(trace.finish())
    return run.finished()


class BagRun:
    """
    One bag on its way: what was found so far, and what is to be shown of it.

    :param bag: the open bag.
    :param facts: plain values that tell the source of the answers from others.
    :param task: how the answers are judged.
    :param settings: what to replay and keep.
    :param place: where the results go, and whom to tell of the progress.
    :raises PerceptionError: no images, unusable ground truth, output not writable ...
    """

    def __init__(self, bag: Bag, facts: Dict[str, Any], task: Task, settings: ReplaySettings,
                 place: 'Place') -> None:
        self.topic = camera_topic(bag, settings)
        self.frame_count = self.topic.count
        if settings.frames:
            self.frame_count = min(self.topic.count, settings.frames)
        self.truth = task.open_truth(bag, self.topic, settings.truth if self.topic.count else '')
        self.state = BagState(place.folder, _identity(bag, self.topic, facts, task, settings),
                              place.restart)
        self._bag, self._settings, self._place = bag, settings, place
        self._selection = Selection(self.frame_count, task.frame_score, settings.worst,
                                    settings.spread)
        for record in self.state.records:
            self._selection.add(record)
        place.progress(len(self.state.records), self.frame_count)

    @property
    def left(self) -> int:
        """Return how many frames are still to be answered."""
        return self.frame_count - len(self.state.records)

    def messages(self) -> Iterator[BagMessage]:
        """Read the frames of the bag that are replayed, those that were answered as well."""
        return takewhile(lambda message: message.index < self.frame_count,
                         self._bag.messages(self.topic))

    def keep(self, record: FrameRecord, labels: Optional[np.ndarray]) -> None:
        """
        Note a frame: mask first, then the line that says it is done, then what is not shown now.

        :param record: what became of the frame after the last one that was kept.
        :param labels: (H, W) uint8, its label image, or None.
        :raises OutputError: it cannot be written.
        """
        obsolete, keep_all = self._selection.add(record), self._settings.keep_masks
        if labels is not None and (keep_all or record.index not in obsolete):
            self.state.save_mask(record.index, labels)
        self.state.append(record)
        if not keep_all:
            for index in obsolete:
                self.state.discard_mask(index)
        self._place.progress(len(self.state.records), self.frame_count)

    def finished(self) -> BagReplay:
        """
        Return what the report needs.

        :raises DatasetError: there is ground truth, but for none of the frames.
        """
        settings, records = self._settings, self.state.records
        if settings.truth and self.topic.count and not any(record.has_truth
                                                           for record in records):
            raise DatasetError('no frame of {} has ground truth in {}: no stamps in common'.format(
                self._bag.path, settings.truth))
        power = recorded_power(self._bag)  # before the notes are read, for it may add to them
        return BagReplay(self._bag.name, self._bag.path, self.topic, self.state,
                         self._selection.worst, self._selection.spread,
                         _notes(self._bag, self.frame_count, self.state, settings), power)


def camera_topic(bag: Bag, settings: ReplaySettings) -> Topic:
    """
    Choose the topic of a bag that is replayed.

    :param bag: the open bag.
    :param settings: what to replay of it.
    :return: the topic with the images; one without messages where the bag has no images, but tells
        what a robot drew.
    :raises BagError: neither of them, or more than one topic with images.
    """
    try:
        return bag.choose_topic(settings.topic, (settings.truth,))
    except BagError:
        images = any(topic.message_type in IMAGE_TYPES and topic.count for topic in bag.topics)
        if images or settings.topic or power_topic(bag) is None:
            raise
        return Topic('', '', 0)


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


def _whole_ns(answer: Answer) -> int:
    """Return how long a frame took in all, as far as that is known."""
    return answer.times_ns.get('total', answer.times_ns.get('round trip', 0))


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


def _identity(bag: Bag, topic: Topic, facts: Dict[str, Any], task: Task,
              settings: ReplaySettings) -> Dict[str, Any]:
    identity = {'bag': str(bag.path.resolve()), 'topic': topic.name, 'messages': topic.count,
                'truth': settings.truth, 'worst': settings.worst, 'spread': settings.spread,
                'keep_masks': settings.keep_masks, 'frames': settings.frames}
    identity.update(task.identity())
    identity.update(facts)
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
        without = sum(record.status == ANSWERED and not record.has_truth
                      for record in state.records)
        if without:
            notes.append('{} answered frames have no ground truth with their stamp; they do not '
                         'count in the metrics.'.format(without))
    return notes
