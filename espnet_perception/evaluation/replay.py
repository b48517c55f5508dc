# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Replays one bag: frames to a source of answers, answers against the ground truth, to disk."""

from contextlib import contextmanager, suppress
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
    topic = camera_topic(bag, settings)
    frame_count = min(topic.count, settings.frames) if settings.frames else topic.count
    truth = task.open_truth(bag, topic, settings.truth if topic.count else '')
    state = BagState(place.folder, _identity(bag, topic, source, task, settings), place.restart)
    selection = Selection(frame_count, task.frame_score, settings.worst, settings.spread)
    for record in state.records:
        selection.add(record)
    place.progress(len(state.records), frame_count)
    if len(state.records) < frame_count:
        messages = (message for message in bag.messages(topic) if message.index < frame_count)
        trace = PowerTrace(meter or NoMeter(''))
        with _session(source, state):
            for answer in source.answers(messages, len(state.records)):
                _keep(state, selection, answer, task.record(answer, truth), settings.keep_masks)
                state.append_power(trace.frame(answer.recorded_ns, answer.status == ANSWERED,
                                               _whole_ns(answer)))
                place.progress(len(state.records), frame_count)
            state.append_power(trace.finish())
    if settings.truth and topic.count and not any(record.has_truth for record in state.records):
        raise DatasetError('no frame of {} has ground truth in {}: no stamps in common'.format(
            bag.path, settings.truth))
    power = recorded_power(bag)  # before the notes are read, for it may add to them
    return BagReplay(bag.name, bag.path, topic, state, selection.worst, selection.spread,
                     _notes(bag, frame_count, state, settings), power)


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


def _identity(bag: Bag, topic: Topic, source: Source, task: Task, settings: ReplaySettings
              ) -> Dict[str, Any]:
    identity = {'bag': str(bag.path.resolve()), 'topic': topic.name, 'messages': topic.count,
                'truth': settings.truth, 'worst': settings.worst, 'spread': settings.spread,
                'keep_masks': settings.keep_masks, 'frames': settings.frames}
    identity.update(task.identity())
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
        without = sum(record.status == ANSWERED and not record.has_truth
                      for record in state.records)
        if without:
            notes.append('{} answered frames have no ground truth with their stamp; they do not '
                         'count in the metrics.'.format(without))
    return notes
