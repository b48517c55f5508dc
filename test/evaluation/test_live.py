# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The live replay against a player that behaves as told, without ROS."""

from collections import deque

from espnet_perception.errors import PerceptionError
from espnet_perception.evaluation import live
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.live import LiveSource
from espnet_perception.evaluation.player import NodeCounters, Pace, ReceivedAnswer
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np
import pytest
from rosbags.typesys import get_typestore, Stores


class ScriptedPlayer:
    """A node of which the fate of each frame is told: mask, drop, reject, wire, back or hang."""

    def __init__(self, fates):
        self._fates = deque(fates)
        self._answers = deque()
        self._store = get_typestore(Stores.ROS2_HUMBLE)
        self._counts = dict(NodeCounters(received=40, published=40)._asdict())
        self.stamps = []

    def publish(self, cdr):
        """Take a frame and let it have its fate."""
        stamp = self._store.deserialize_cdr(cdr, 'sensor_msgs/msg/Image').header.stamp
        stamp_ns = stamp.sec * 10 ** 9 + stamp.nanosec
        self.stamps.append(stamp_ns)
        fate = self._fates.popleft() if self._fates else 'mask'
        if fate == 'wire':
            return
        self._counts['received'] += 1
        if fate in ('drop', 'reject'):
            self._counts['dropped' if fate == 'drop' else 'rejected'] += 1
        if fate in ('mask', 'back'):
            self._counts['published'] += 1
        if fate == 'mask':
            self._answers.append(ReceivedAnswer(stamp_ns, monotonic_ns(),
                                                np.zeros((2, 2), np.uint8)))

    def next_answer(self, timeout_s):
        """Hand over the next mask at once."""
        return self._answers.popleft() if self._answers else None

    def counters(self, timeout_s):
        """Return what the node counted, with what it had counted before."""
        return NodeCounters(**self._counts)

    def latency_ms(self):
        """No stages."""
        return {}

    def facts(self):
        """No facts."""
        return {'model': 'scripted'}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Do not wait seconds for what the script will not send."""
    monkeypatch.setattr(live, 'SECOND_NS', 10 ** 7)


def play(bag_path, fates, rate=0.0, skip=0, timeout_s=120.0):
    """Return (statuses by index, session, stamps sent)."""
    player = ScriptedPlayer(fates)
    source = LiveSource(player, Pace(rate, timeout_s))
    with open_bag(str(bag_path)) as bag:
        answers = list(source.answers(bag.messages(bag.choose_topic()), skip))
    return [(answer.index, answer.status) for answer in answers], source.session(), player.stamps


@pytest.mark.parametrize('rate', [0.0, 50.0])
def test_every_fate_is_accounted_for(bags, rate):
    """Whether each answer is awaited, or the bag's own timing rules."""
    statuses, session, _ = play(bags.drive(), ['mask', 'drop', 'wire', 'mask', 'back', 'mask'],
                                rate)
    assert statuses == [(0, 'answered'), (1, 'dropped'), (2, 'dropped'), (3, 'answered'),
                        (4, 'dropped'), (5, 'answered')]
    assert session['sent'] == 6 and session['received'] == 5 and session['dropped'] == 1
    assert session['published'] == 4 and session['answers'] == 3


def test_a_replay_goes_on_where_it_stopped(bags, make):
    """Frames of an earlier run are not sent again."""
    statuses, session, stamps = play(bags.drive(), [], skip=4)
    assert statuses == [(4, 'answered'), (5, 'answered')]
    assert session['sent'] == 2
    assert stamps == [make.START_NS + 4 * make.STEP_NS, make.START_NS + 5 * make.STEP_NS]


def test_stamps_that_repeat_are_replaced(bags, make):
    """Zero stamps and repeated ones cannot be matched; the time of recording can."""
    rows = [('/cam', make.IMAGE, recorded, make.image(stamp, make.frame(0)))
            for recorded, stamp in ((1001, 0), (1002, 5), (1003, 5), (1003, 5))]
    statuses, session, stamps = play(bags.write('zero', rows), [])
    assert stamps == [1001, 5, 1003, 1004]
    assert [status for _, status in statuses] == ['answered'] * 4
    assert session['restamped'] == 3


def test_a_damaged_image_is_rejected_not_dropped(bags, make):
    """One that the node could not decode, and one that could not even be sent."""
    good = make.image(10, make.frame(0))
    odd = make.image(20, make.frame(0), encoding='bgr9')
    rows = [('/cam', make.IMAGE, 1, good), ('/cam', make.IMAGE, 2, odd),
            ('/cam', make.IMAGE, 3, good[:60]),
            ('/cam', make.IMAGE, 4, make.image(40, make.frame(1)))]
    statuses, session, stamps = play(bags.write('odd', rows), ['mask', 'reject', 'mask'])
    assert statuses == [(0, 'answered'), (1, 'rejected'), (2, 'rejected'), (3, 'answered')]
    assert stamps == [10, 20, 40] and session['rejected'] == 1


def test_a_node_that_hangs_ends_the_replay(bags):
    """Waiting for ever helps nobody; the sentence says that the replay can go on."""
    with pytest.raises(PerceptionError, match='has not answered frame 1 .*--timeout'):
        play(bags.drive(), ['mask', 'hang'], timeout_s=3.0)


def test_the_own_timing_of_the_bag_is_kept(bags, monkeypatch):
    """Six frames 100 ms apart at twice the speed take 250 ms."""
    monkeypatch.undo()
    _, session, _ = play(bags.drive(), [], rate=2.0)
    assert 0.2 < session['seconds'] < 5.0
