# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Which frames the report shows."""

from functools import partial

from espnet_perception.evaluation.selection import frame_miou, frame_score, Selection
from espnet_perception.evaluation.state import FrameRecord
import pytest

SCORE = partial(frame_score, class_count=2)


def record(index, right=None, confidence=None, status='answered'):
    """Return a frame of which so many of ten pixels are right."""
    cells = None if right is None else [[0, 0, right], [0, 1, 10 - right]]
    return FrameRecord(index, index, index, status, '', confidence, 0, {}, cells)


def test_the_worst_are_kept_and_the_displaced_are_named():
    """Two of the worst; no spread beyond the first frame."""
    selection = Selection(5, SCORE, worst=2, spread=1)
    displaced = [selection.add(record(index, right)) for index, right in
                 enumerate((9, 5, 7, 2, 8))]
    assert [entry.index for entry in selection.worst] == [3, 1]
    assert selection.spread == [0]
    assert displaced == [set(), set(), set(), {2}, {4}]
    assert selection.indices == {0, 1, 3}


def test_the_spread_takes_the_first_of_each_part():
    """Dropped frames leave their place to the next."""
    selection = Selection(8, SCORE, worst=0, spread=4)
    for index in range(8):
        selection.add(record(index, 5, status='dropped' if index in (0, 4, 5) else 'answered'))
    assert selection.spread == [1, 2, 6]


def test_without_truth_the_least_confident_are_the_worst():
    """And a frame without either is never among them."""
    selection = Selection(4, SCORE, worst=1, spread=1)
    for index, confidence in enumerate((0.9, 0.4, 0.6, None)):
        selection.add(record(index, confidence=confidence))
    assert [(entry.index, entry.score) for entry in selection.worst] == [(1, 0.4)]
    assert frame_score(record(0), 2) is None


def test_a_frame_is_scored_over_its_own_classes():
    """6 of 10 right: IoU 0.6; a class that is only predicted does not count."""
    assert frame_miou([[0, 0, 6], [0, 1, 4]], 2) == pytest.approx(0.6)
