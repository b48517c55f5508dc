# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The load on a node, against players that behave as told, without ROS and without waiting."""

from collections import deque
import os

import cv2
from espnet_perception.errors import PerceptionError
from espnet_perception.evaluation import node_load
from espnet_perception.evaluation.node_load import (
    Camera,
    cpu_seconds,
    frame_message,
    is_saturated,
    measure,
    remembered,
    search,
    Step,
    table_rows,
)
from espnet_perception.evaluation.node_load_chart import load_chart
from espnet_perception.evaluation.player import NodeCounters, ReceivedAnswer
from espnet_perception.telemetry.clock import monotonic_ns
import pytest
from rosbags.typesys import get_typestore, Stores


class ToldPlayer:
    """A node that answers at once, but drops every so many frames, or hangs up."""

    def __init__(self, drop_every=0, breaks=False):
        self._drop_every, self._breaks = drop_every, breaks
        self._answers = deque()
        self._store = get_typestore(Stores.ROS2_HUMBLE)
        self._counts = NodeCounters(received=7, published=7)
        self.stamps = []

    def publish(self, cdr):
        """Take a frame."""
        if self._breaks:
            raise PerceptionError('the node ended')
        stamp = self._store.deserialize_cdr(cdr, 'sensor_msgs/msg/Image').header.stamp
        self.stamps.append(stamp.sec * 10 ** 9 + stamp.nanosec)
        counts = self._counts._replace(received=self._counts.received + 1)
        if self._drop_every and len(self.stamps) % self._drop_every == 0:
            self._counts = counts._replace(dropped=counts.dropped + 1)
            return
        self._counts = counts._replace(published=counts.published + 1)
        self._answers.append(ReceivedAnswer(self.stamps[-1], monotonic_ns()))

    def next_answer(self, timeout_s):
        """Hand over the next answer at once."""
        return self._answers.popleft() if self._answers else None

    def counters(self, timeout_s):
        """Return what the node counted, with what it had counted before."""
        return self._counts


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Do not wait for answers that will not come."""
    monkeypatch.setattr(node_load, 'SETTLE_S', 0.05)


def test_frames_of_all_cameras_are_accounted_for():
    """Two cameras; one of the nodes drops a fifth."""
    players = [ToldPlayer(), ToldPlayer(drop_every=5)]
    step = measure([Camera(player, os.getpid()) for player in players], frame_message(4, 2), 200.0,
                   0.1, 10 ** 6)
    assert (step.sent, step.answers, step.dropped, step.lost) == (40, 36, 4, 0)
    assert step.lost_share == pytest.approx(0.1)
    assert len(step.cpu_percent) == 2 and step.latency_ms['p50_ms'] < 1000
    assert len(set(players[0].stamps)) == 20 and 0 < step.offered_hz <= 200.5


def test_a_node_that_ends_ends_the_measurement():
    """What its player raises comes out of its thread."""
    with pytest.raises(PerceptionError, match='the node ended'):
        measure([Camera(ToldPlayer(breaks=True), os.getpid())], frame_message(4, 2), 100.0, 0.1, 0)
    with pytest.raises(PerceptionError, match='the process 99999999 of the node has ended'):
        cpu_seconds(99999999)


def node_of(capacity_hz, generator_hz=1e9):
    """Return how a node of a certain capacity behaves, and the rates that it was asked for."""
    asked = []

    def measured(rate_hz):
        asked.append(rate_hz)
        answers = 1000 if rate_hz <= capacity_hz else int(1000 * capacity_hz / rate_hz)
        latency = {'p50_ms': 10.0, 'p95_ms': 12.0 if rate_hz <= capacity_hz else 40.0,
                   'p99_ms': 50.0}
        return Step(rate_hz, min(rate_hz, generator_hz), 1000, answers, 1000 - answers, 0, latency,
                    [50.0])
    return measured, asked


@pytest.mark.parametrize('capacity_hz', [1.5, 9.3, 33.0])
def test_saturation_is_found(capacity_hz):
    """Between the highest rate that is borne and the lowest that is not."""
    measured, asked = node_of(capacity_hz)
    found = search(measured, 1.0, 120.0, 0.1)
    assert found.highest_hz <= capacity_hz < found.saturated_hz <= 1.1 * found.highest_hz + 0.01
    assert len(asked) < 14


def test_a_search_that_finds_no_saturation_says_why():
    """Saturated from the start, never, or a generator that is slower than the node."""
    found = search(node_of(0.5)[0], 1.0, 100.0, 0.1)
    assert found == (None, 1.0, 'saturated at the lowest rate')
    found = search(node_of(1e9)[0], 1.0, 100.0, 0.1)
    assert (found.highest_hz, found.saturated_hz) == (100.0, None)
    found = search(node_of(1e9, 20.0)[0], 1.0, 100.0, 0.1)
    assert (found.highest_hz, found.reason) == (16.0, 'the generator offered 20.0 of 32 Hz')


def test_one_frame_may_be_lost_and_latency_may_double():
    """The limits are the ones that the documentation tells."""
    base = Step(1.0, 1.0, 20, 20, 0, 0, {'p95_ms': 10.0}, [])
    assert not is_saturated(base._replace(answers=19), base)
    assert is_saturated(base._replace(answers=18), base)
    assert not is_saturated(base._replace(latency_ms={'p95_ms': 19.0}), base)
    assert is_saturated(base._replace(latency_ms={'p95_ms': 21.0}), base)
    assert is_saturated(base._replace(latency_ms={}), base)


def test_what_was_measured_is_not_measured_again(tmp_path):
    """An interrupted search comes to the same end without asking twice; and it can be drawn."""
    known, saved = [], []
    measured, asked = node_of(9.3)
    first = search(remembered(measured, known, lambda: saved.append(len(known))), 1.0, 120.0, 0.1)
    assert saved == list(range(1, len(asked) + 1))
    again, asked_again = node_of(9.3)
    assert search(remembered(again, known[:3], lambda: None), 1.0, 120.0, 0.1) == first
    assert asked_again == asked[3:]
    steps = [Step(**values) for values in known]
    rows = table_rows([(1, steps)])
    assert len(rows) == len(known) + 1 and rows[1][:5] == ['1', '1', '1.00', '1000', '1000']
    load_chart(tmp_path / 'load.png', [(1, steps)], {1: (first.highest_hz, first.saturated_hz)})
    assert cv2.imread(str(tmp_path / 'load.png')).std() > 1
