# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Which frames of a bag the report shows: the worst ones, and some spread over the bag."""

from typing import Callable, List, NamedTuple, Optional, Sequence, Set

from espnet_perception.evaluation.answers import ANSWERED
from espnet_perception.evaluation.metrics import ConfusionMatrix
from espnet_perception.evaluation.state import FrameRecord


class Ranked(NamedTuple):
    """
    A frame and how badly it went; the lower the score the worse.

    :param score: as the task scores frames.
    :param index: position of the frame in its topic.
    """

    score: float
    index: int


class Selection:
    """
    Keeps track of the frames to show, frame by frame.

    :param frame_count: number of frames of the topic.
    :param score: how well a frame went; None where nobody knows.
    :param worst: how many of the worst frames.
    :param spread: how many frames spread over the bag.
    """

    def __init__(self, frame_count: int, score: Callable[[FrameRecord], Optional[float]],
                 worst: int, spread: int) -> None:
        self._score = score
        self._worst_count = worst
        self._slots = max(1, spread)
        self._frame_count = max(1, frame_count)
        self._ranked = []  # type: List[Ranked]
        self._spread = {}  # type: Dict[int, int]  # slot to frame

    def add(self, record: FrameRecord) -> Set[int]:
        """
        Take note of the next frame.

        :param record: what became of it.
        :return: indices of frames that were to be shown and no longer are; perhaps the
            frame itself.
        """
        if record.status != ANSWERED:
            return set()
        before = self.indices | {record.index}
        slot = record.index * self._slots // self._frame_count
        self._spread.setdefault(slot, record.index)
        score = self._score(record)
        if score is not None:
            self._ranked = sorted(self._ranked + [Ranked(score, record.index)])
            del self._ranked[self._worst_count:]
        return before - self.indices

    @property
    def indices(self) -> Set[int]:
        """Return the indices of all frames to show."""
        return {entry.index for entry in self._ranked} | set(self._spread.values())

    @property
    def worst(self) -> List[Ranked]:
        """Return the worst frames, worst first."""
        return list(self._ranked)

    @property
    def spread(self) -> List[int]:
        """Return the indices of the frames spread over the bag, in order."""
        return sorted(self._spread.values())


def frame_score(record: FrameRecord, class_count: int) -> Optional[float]:
    """Return how well a frame went: its mean IoU, else its confidence, else None."""
    if record.cells:
        return frame_miou(record.cells, class_count)
    return record.confidence if record.cells is None else None


def frame_miou(cells: Sequence[Sequence[int]], class_count: int) -> float:
    """
    Return the mean IoU of one frame over the classes in its ground truth.

    :param cells: [true, predicted, pixels] rows.
    :param class_count: number of evaluation classes.
    """
    confusion = ConfusionMatrix(class_count)
    confusion.add_sparse(cells)
    return confusion.scores().miou_present
