# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What a replay has to know of a task; one file each for segmentation and classification."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Protocol, Sequence, Tuple

from espnet_perception.evaluation.answers import Answer
from espnet_perception.evaluation.bags import Bag
from espnet_perception.evaluation.mappings import ModelClasses
from espnet_perception.evaluation.messages import BagMessage, Topic
from espnet_perception.evaluation.state import BagState, FrameRecord
from espnet_perception.label_sets import LabelSet

# A chart of the report: its file, and what it shows.
Chart = Tuple[Path, str]


class Task(Protocol):
    """
    How answers are judged, counted and drawn.

    :param name: segmentation or classification.
    :param label_set: the classes in which the evaluation counts.
    :param unmapped: classes of the model that stand for none of them.
    :param figure_words: the main figures of ``metrics``, and what the report calls them.
    :param columns: the figures of each class: key, heading, and share or count.
    :param worst_words: how the report calls the worst frames of a bag with ground truth.
    """

    name: str
    label_set: LabelSet
    unmapped: Sequence[str]
    figure_words: Sequence[Tuple[str, str]]
    columns: Sequence[Tuple[str, str, str]]
    worst_words: str

    def identity(self) -> Dict[str, Any]:
        """Return what a replay that is resumed must have in common with this one."""

    def open_truth(self, bag: Bag, topic: Topic, place: str) -> Any:
        """
        Open the ground truth of a bag.

        :param bag: the open bag.
        :param topic: topic of the images.
        :param place: where it is, as given by the user; empty: none.
        :raises PerceptionError: nothing usable there.
        """

    def record(self, answer: Answer, truth: Any) -> FrameRecord:
        """
        Turn an answer into what is kept of it.

        :param answer: what became of a frame.
        :param truth: as ``open_truth`` returned it.
        :raises DatasetError: the frame's ground truth cannot be used.
        """

    def scenes(self, message: BagMessage, state: BagState, truth: Any) -> Iterator[Any]:
        """
        Yield what the report draws of an answered frame, a ``scenes.Scene``, if that can be done.

        :param message: the frame.
        :param state: what was kept of it.
        :param truth: as ``open_truth`` returned it.
        :raises PerceptionError: the frame or its truth cannot be read any more.
        """

    def frame_score(self, record: FrameRecord) -> Optional[float]:
        """Return how well a frame went, the lower the worse; None where nobody knows."""

    def metrics(self, records: Sequence[FrameRecord]) -> Optional[Dict[str, Any]]:
        """Return the figures over all frames with ground truth, None where there is none."""

    def seen(self, records: Sequence[FrameRecord]) -> Optional[List[Dict[str, Any]]]:
        """Return which classes the model saw in how many frames; None where that says nothing."""

    def charts(self, metrics: Dict[str, Any], folder: Path) -> List[Chart]:
        """Draw charts of the metrics into a folder."""

    def bag_charts(self, records: Sequence[FrameRecord], folder: Path) -> List[Chart]:
        """Draw charts of one bag into a folder."""

    def look(self, model: ModelClasses) -> Any:
        """Return what draws the frames of the report, as ``scenes.Look`` does."""
