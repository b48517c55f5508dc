# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the live replay wants of the side that speaks ROS, and what it gets from it."""

from typing import Dict, List, NamedTuple, Optional, Protocol, Tuple

from espnet_perception.evaluation.answers import Ranking
import numpy as np


class NodeCounters(NamedTuple):
    """
    What the node has counted since it was activated; whole frames.

    :param received: images that reached the node.
    :param published: answers (masks, classes) that it published.
    :param dropped: images that a newer one displaced.
    :param skipped: images that it left out as told (highest rate, switched off).
    :param rejected: images that it could not use.
    :param failed: images on which its engine failed.
    """

    received: int = 0
    published: int = 0
    dropped: int = 0
    skipped: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def settled(self) -> bool:
        """Whether every received image has been dealt with."""
        return self.received == sum(self[1:])

    def since(self, earlier: 'NodeCounters') -> 'NodeCounters':
        """Return what was counted after an earlier reading."""
        return NodeCounters(*(now - then for now, then in zip(self, earlier)))


class ReceivedAnswer(NamedTuple):
    """
    What came back for a frame.

    :param stamp_ns: its stamp, that of the frame.
    :param received_ns: monotonic time of its arrival.
    :param labels: (H, W) uint8 class ids of a segmentation, or None.
    :param confidence: mean confidence of the labels or highest probability, 0..1, or None.
    :param ranking: classes of a classification, or None.
    """

    stamp_ns: int
    received_ns: int
    labels: Optional[np.ndarray] = None
    confidence: Optional[float] = None
    ranking: Optional[Ranking] = None


class PowerTold(NamedTuple):
    """
    What a power node told.

    :param received_ns: monotonic time of its arrival.
    :param period_s: seconds up to then over which power was averaged.
    :param total_mw: power of the whole machine; None where it was not measured.
    :param total_rails: names of the rails that it is the sum of.
    """

    received_ns: int
    period_s: float
    total_mw: Optional[float]
    total_rails: Tuple[str, ...]


class Player(Protocol):
    """The side that speaks ROS."""

    def publish(self, cdr: bytes) -> None:
        """Send one serialised image message."""

    def next_answer(self, timeout_s: float) -> Optional[ReceivedAnswer]:
        """Wait for the next answer; None when none came in time."""

    def counters(self, timeout_s: float) -> NodeCounters:
        """
        Wait for the next diagnostics and return the node's counters.

        :raises PerceptionError: none came in time.
        """

    def latency_ms(self) -> Dict[str, Dict[str, float]]:
        """Return what the latest diagnostics say of each stage: figure name to milliseconds."""

    def powers(self) -> List[PowerTold]:
        """Return what a power node has told since the last call, in order."""

    def facts(self) -> Dict[str, str]:
        """Return what the node's diagnostics say of its model."""


class Pace(NamedTuple):
    """
    How fast a bag is played.

    :param rate: times the speed of recording; 0 = the next frame as soon as the node answered.
    :param answer_timeout_s: longest wait for an answer; then the replay ends with an error.
    """

    rate: float = 1.0
    answer_timeout_s: float = 120.0
