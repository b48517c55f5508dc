# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Live replay: a bag is played to the running node, and its answers are matched by stamp.

The side that speaks ROS is a ``Player``, handed in by the caller.
"""

from collections import OrderedDict
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set

from espnet_perception.errors import ImageError, PerceptionError
from espnet_perception.evaluation.answers import Answer, ANSWERED, DROPPED, REJECTED
from espnet_perception.evaluation.messages import BagMessage
from espnet_perception.evaluation.player import NodeCounters, Pace, Player, ReceivedAnswer
from espnet_perception.evaluation.power_trace import Reading
from espnet_perception.telemetry.clock import monotonic_ns

SECOND_NS = 1_000_000_000
POLL_S = 0.02
# A frame that the resting node has not received after this time is lost on the wire.
LOST_AFTER_S = 5.0
# How long an answer may take from a resting node to here: one that it says it published, and any.
PUBLISHED_WAIT_S, SETTLED_WAIT_S = 10.0, 0.5


class Sent(NamedTuple):
    """A frame on its way."""

    message: BagMessage
    stamp_ns: int
    sent_ns: int


class LiveReplay:
    """
    Plays frames to a node and yields what became of each.

    :param player: the side that speaks ROS, ready to send.
    :param pace: how fast to play.
    """

    def __init__(self, player: Player, pace: Pace) -> None:
        self._player = player
        self._pace = pace
        self._on_the_way = OrderedDict()  # type: Dict[int, Sent]
        self._baseline = player.counters(pace.answer_timeout_s)
        self._started_ns = self._started_recorded_ns = 0
        self._first_sent_ns = self._ended_ns = 0
        self.sent = self.answered = self.restamped = 0

    def answers(self, messages: Iterable[BagMessage], skip: int = 0) -> Iterator[Answer]:
        """
        Play frames.

        :param messages: all the frames, also those to skip.
        :param skip: how many of the first frames were played by an earlier run.
        :return: one answer for each frame played, in order.
        """
        used = set()  # type: Set[int]
        previous = None
        for message in messages:
            try:
                stamp_ns = self._unique_stamp(message, used)
            except ImageError as error:
                if message.index >= skip:
                    yield from self._collect(monotonic_ns(), wait_all=True)
                    yield Answer(message.index, 0, message.recorded_ns, REJECTED, str(error))
                continue
            if message.index < skip:
                continue
            if self._pace.rate:
                yield from self._collect(self._due_ns(message, previous))
            self._publish(message, stamp_ns)
            previous = self._on_the_way[stamp_ns]
            if not self._pace.rate:
                yield from self._collect(0, wait_all=True)
        yield from self._collect(0, wait_all=True)

    def seconds(self) -> float:
        """Return how long the playing took, from the first frame to the last answer."""
        return (self._ended_ns - self._first_sent_ns) / SECOND_NS

    def counted(self) -> NodeCounters:
        """Return what the node counted since this replay began, once it has come to rest."""
        deadline_ns = monotonic_ns() + int(self._pace.answer_timeout_s * SECOND_NS)
        while True:
            counters = self._player.counters(self._pace.answer_timeout_s).since(self._baseline)
            if counters.settled or monotonic_ns() > deadline_ns:
                return counters

    def _unique_stamp(self, message: BagMessage, used: Set[int]) -> int:
        """Return a stamp by which the answer can be told from all others."""
        stamp_ns = message.stamp_ns
        if stamp_ns in used or stamp_ns == 0:
            self.restamped += 1
            stamp_ns = message.recorded_ns
            while stamp_ns in used:
                stamp_ns += 1
        used.add(stamp_ns)
        return stamp_ns

    def _due_ns(self, message: BagMessage, previous: Optional[Sent]) -> int:
        if previous is None:
            self._started_ns, self._started_recorded_ns = monotonic_ns(), message.recorded_ns
        elapsed_ns = (message.recorded_ns - self._started_recorded_ns) / self._pace.rate
        return self._started_ns + int(elapsed_ns)

    def _publish(self, message: BagMessage, stamp_ns: int) -> None:
        cdr = message.cdr(stamp_ns)
        self._on_the_way[stamp_ns] = Sent(message, stamp_ns, monotonic_ns())
        self._player.publish(cdr)
        self._first_sent_ns = self._first_sent_ns or monotonic_ns()
        self.sent += 1

    def _collect(self, until_ns: int, wait_all: bool = False) -> Iterator[Answer]:
        """
        Yield answers until a point in time, or until nothing is on its way any more.

        :param until_ns: monotonic time; not used with wait_all.
        :param wait_all: wait until every frame has its answer or is known to get none.
        :raises PerceptionError: the node has not finished a frame in time.
        """
        given_up_ns = None  # type: Optional[int]
        while self._on_the_way if wait_all else monotonic_ns() < until_ns:
            now_ns = monotonic_ns()
            if given_up_ns is not None and now_ns > given_up_ns:
                break
            left_s = POLL_S if wait_all else min(POLL_S, (until_ns - now_ns) / SECOND_NS)
            received = self._player.next_answer(left_s)
            if received is not None:
                yield from self._settle(received)
            elif wait_all and given_up_ns is None:
                given_up_ns = self._give_up_at_ns()
        if wait_all:
            for sent in list(self._on_the_way.values()):
                yield self._unanswered(sent)
            self._on_the_way.clear()

    def _give_up_at_ns(self) -> Optional[int]:
        """
        Return until when to wait for the answers on their way, None as long as they may come.

        The node is asked once the newest frame is overdue. When it has dealt with all that it
        received, only answers that it has already published can still come.
        """
        newest = next(reversed(self._on_the_way.values()))
        overdue_ns = monotonic_ns() - newest.sent_ns
        if overdue_ns < SECOND_NS:
            return None
        counters = self._player.counters(self._pace.answer_timeout_s).since(self._baseline)
        arrived = counters.received >= self.sent or overdue_ns > LOST_AFTER_S * SECOND_NS
        if counters.settled and arrived:
            wait_s = PUBLISHED_WAIT_S if counters.published > self.answered else SETTLED_WAIT_S
            return monotonic_ns() + int(wait_s * SECOND_NS)
        if overdue_ns > self._pace.answer_timeout_s * SECOND_NS:
            raise PerceptionError('the node has not answered frame {} for {:.0f} s; give it more '
                                  'time with --timeout, the replay goes on where it stopped'
                                  .format(newest.message.index, overdue_ns / SECOND_NS))
        return None

    def _settle(self, received: ReceivedAnswer) -> Iterator[Answer]:
        """Yield the frame of an answer, and before it the older ones that got none."""
        if received.stamp_ns not in self._on_the_way:
            return
        self.answered += 1
        self._ended_ns = monotonic_ns()
        while True:
            stamp_ns, sent = self._on_the_way.popitem(last=False)
            if stamp_ns == received.stamp_ns:
                break
            yield self._unanswered(sent)
        yield Answer(sent.message.index, sent.message.stamp_ns, sent.message.recorded_ns,
                     ANSWERED, '', received.labels, received.confidence,
                     {'round trip': received.received_ns - sent.sent_ns}, received.ranking)

    @staticmethod
    def _unanswered(sent: Sent) -> Answer:
        message = sent.message
        try:
            message.decode()
        except ImageError as error:
            return Answer(message.index, message.stamp_ns, message.recorded_ns, REJECTED,
                          str(error))
        return Answer(message.index, message.stamp_ns, message.recorded_ns, DROPPED)


class LiveSource:
    """
    The live node as a source of answers.

    :param player: the side that speaks ROS, ready to send.
    :param pace: how fast to play.
    """

    def __init__(self, player: Player, pace: Pace) -> None:
        self._player = player
        self._pace = pace
        self._replay = None  # type: Optional[LiveReplay]

    def describe(self) -> Dict[str, Any]:
        """Return model, engine and pace as plain values."""
        facts = {'mode': 'live', 'rate': self._pace.rate}
        facts.update(self._player.facts())
        return facts

    def answers(self, messages: Iterable[BagMessage], skip: int) -> Iterator[Answer]:
        """
        Yield what becomes of each frame but the first ``skip``, in order.

        :param messages: all the frames.
        :param skip: how many were played by an earlier run.
        """
        self._replay = LiveReplay(self._player, self._pace)
        return self._replay.answers(messages, skip)

    def session(self) -> Optional[Dict[str, Any]]:
        """Return what the node counted of the frames played since ``answers`` was called."""
        replay, self._replay = self._replay, None
        if replay is None:
            return None
        counters = replay.counted()
        return {'sent': replay.sent, 'restamped': replay.restamped,
                'answers': replay.answered, 'seconds': replay.seconds(),
                'latency_ms': self._player.latency_ms(), **counters._asdict()}


class NodeMeter:
    """
    The power node as a meter.

    :param player: listens to it.
    :param topic: where it publishes, for people.
    """

    lag_s = 1.0

    def __init__(self, player: Player, topic: str) -> None:
        self._player = player
        self._topic = topic
        self._rails = ()  # type: Tuple[str, ...]

    def readings(self) -> List[Reading]:
        """Return what was drawn since the last call, message by message."""
        found = []
        for told in self._player.powers():
            self._rails = told.total_rails or self._rails
            measured_s = 0.0 if told.total_mw is None else told.period_s
            found.append(Reading(told.received_ns - int(told.period_s * SECOND_NS),
                                 told.received_ns, measured_s * (told.total_mw or 0.0),
                                 measured_s))
        return found

    def words(self) -> str:
        """Say who tells, and of which rails."""
        return 'the power node on {}: {}'.format(
            self._topic, ' + '.join(self._rails) or 'it measures no total')
