# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
How a node bears load: frames at a fixed rate, what becomes of them, and the rate it cannot bear.

A camera here is a ``Player`` connected with a node of its own; cameras play at the same time, each
in a thread. Frames go over DDS to the node's process, and answers come back the same way.
"""

import os
from threading import Thread
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Protocol, Sequence, Tuple

from espnet_perception.errors import PerceptionError
from espnet_perception.evaluation.messages import BagMessage, IMAGE, Topic
from espnet_perception.evaluation.player import NodeCounters, Player
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.energy import SECOND_NS
from espnet_perception.telemetry.latency import summarise
import numpy as np
from rosbags.typesys import get_typestore, Stores

POLL_S = 0.02
STAMP_NS = 1_600_000_000 * SECOND_NS  # of the first frame; any will do, if it is the only one
SETTLE_S = 3.0  # longest wait for the answers to the last frames
DIAGNOSTICS_S = 20.0
# A node is saturated where more frames are lost, or answers take so many times as long as at the
# lowest rate. One frame may always be lost.
MOST_LOST, MOST_SLOWER = 0.02, 2.0
LEAST_OFFERED = 0.95  # of the rate asked for; else it is the generator that cannot keep up


class Camera(NamedTuple):
    """
    A node and the side that plays to it.

    :param player: ready to send.
    :param pid: process of the node.
    """

    player: Player
    pid: int


class Step(NamedTuple):
    """
    What became of the frames at one rate, over all cameras.

    :param rate_hz: frames per second of each camera, as asked for.
    :param offered_hz: as the generator managed, of the slowest camera.
    :param sent: frames published.
    :param answers: answers that came back.
    :param dropped: frames that a node displaced by newer ones.
    :param lost: frames that never reached a node, and answers that never came back.
    :param latency_ms: figures of the round trip, publishing to answer; empty without answers.
    :param cpu_percent: processor time of each node's process, in percent of one core.
    """

    rate_hz: float
    offered_hz: float
    sent: int
    answers: int
    dropped: int
    lost: int
    latency_ms: Dict[str, float]
    cpu_percent: List[float]

    @property
    def lost_share(self) -> float:
        """Return the share of the frames without an answer."""
        return 1 - self.answers / self.sent if self.sent else 0.0

    @property
    def kept_up(self) -> bool:
        """Return whether the generator reached the rate."""
        return self.offered_hz >= LEAST_OFFERED * self.rate_hz


class Search(NamedTuple):
    """
    What the search for saturation found.

    :param highest_hz: highest rate that was borne; None where none was.
    :param saturated_hz: lowest rate that was not; None where none was found up to the limit.
    :param reason: why the search ended, in words.
    """

    highest_hz: Optional[float]
    saturated_hz: Optional[float]
    reason: str


class Measure(Protocol):
    """Whatever measures at a rate; it may know the result of an earlier run."""

    def __call__(self, rate_hz: float) -> Step:
        """Return what became of the frames at a rate."""


def frame_message(width: int, height: int) -> BagMessage:
    """
    Return a camera image of noise, which no transport can compress.

    :param width: pixels.
    :param height: pixels.
    """
    store = get_typestore(Stores.ROS2_HUMBLE)
    kinds = store.types
    header = kinds['std_msgs/msg/Header'](kinds['builtin_interfaces/msg/Time'](0, 0), 'camera')
    pixels = np.random.default_rng(1).integers(0, 256, height * width * 3, dtype=np.uint8)
    image = kinds[IMAGE](header, height, width, 'bgr8', 0, 3 * width, pixels)
    return BagMessage(Topic('/image', IMAGE, 1), 0, 0, bytes(store.serialize_cdr(image, IMAGE)),
                      False)


def measure(cameras: Sequence[Camera], message: BagMessage, rate_hz: float, seconds: float,
            first: int) -> Step:
    """
    Play at one rate to all cameras at the same time.

    :param cameras: nodes and their players.
    :param message: the frame.
    :param rate_hz: frames per second of each camera.
    :param seconds: how long.
    :param first: number of the first frame; no number may be used twice of the same nodes.
    :raises PerceptionError: a node has ended or is silent.
    """
    count = max(2, round(rate_hz * seconds))
    drives = [_Drive(camera.player, message, rate_hz, range(first, first + count))
              for camera in cameras]
    counted = [camera.player.counters(DIAGNOSTICS_S) for camera in cameras]
    started_s, started_ns = [cpu_seconds(camera.pid) for camera in cameras], monotonic_ns()
    threads = [Thread(target=drive.run, daemon=True) for drive in drives]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed_s = (monotonic_ns() - started_ns) / SECOND_NS
    cpu_percent = [100 * (cpu_seconds(camera.pid) - start_s) / passed_s
                   for camera, start_s in zip(cameras, started_s)]
    for drive in drives:
        drive.collect(SETTLE_S)
        if drive.failure is not None:
            raise drive.failure
    counters = [_settled(camera.player, before) for camera, before in zip(cameras, counted)]
    times_ns = [time_ns for drive in drives for time_ns in drive.times_ns]
    sent, answers = count * len(cameras), len(times_ns)
    return Step(rate_hz, min(drive.offered_hz for drive in drives), sent, answers,
                sum(one.dropped for one in counters),
                sent - sum(one.received for one in counters)
                + sum(one.published for one in counters) - answers,
                summarise(times_ns)._asdict() if times_ns else {}, cpu_percent)


def search(measured: Measure, lowest_hz: float, highest_hz: float, precision: float) -> Search:
    """
    Find the rate at which nodes are saturated: double it until they are, then halve the interval.

    :param measured: measures at a rate.
    :param lowest_hz: where to begin; its latency is what others are compared with.
    :param highest_hz: where to give up.
    :param precision: the search ends when the interval is smaller than this share of the rate.
    """
    base = measured(lowest_hz)
    if is_saturated(base, base):
        return Search(None, lowest_hz, 'saturated at the lowest rate')
    borne, rate_hz = lowest_hz, lowest_hz
    saturated = None  # type: Optional[float]
    while saturated is None:
        if borne >= highest_hz:
            return Search(borne, None, 'not saturated up to the highest rate')
        rate_hz = min(2 * borne, highest_hz)
        step = measured(rate_hz)
        if is_saturated(step, base):
            saturated = rate_hz
        elif not step.kept_up:
            return Search(borne, None, 'the generator offered {:.1f} of {:g} Hz'.format(
                step.offered_hz, rate_hz))
        else:
            borne = rate_hz
    while saturated - borne > precision * borne:
        rate_hz = round((borne + saturated) / 2, 2)
        step = measured(rate_hz)
        if is_saturated(step, base) or not step.kept_up:
            saturated = rate_hz
        else:
            borne = rate_hz
    return Search(borne, saturated, 'frames are lost or late from there on')


def is_saturated(step: Step, base: Step) -> bool:
    """
    Tell whether nodes cannot bear a rate.

    :param step: what became of the frames.
    :param base: the same at the lowest rate.
    """
    if step.sent - step.answers > max(1, MOST_LOST * step.sent) or not step.latency_ms:
        return True
    return step.latency_ms['p95_ms'] > MOST_SLOWER * base.latency_ms['p95_ms']


def cpu_seconds(pid: int) -> float:
    """
    Return the processor time that a process has used.

    :param pid: its number.
    :raises PerceptionError: it has ended.
    """
    try:
        with open('/proc/{}/stat'.format(pid), encoding='utf-8', errors='replace') as stream:
            fields = stream.read().rpartition(')')[2].split()
    except OSError:
        raise PerceptionError('the process {} of the node has ended'.format(pid))
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class _Drive:
    """One camera at one rate."""

    def __init__(self, player: Player, message: BagMessage, rate_hz: float, numbers: range
                 ) -> None:
        self._player, self._message = player, message
        self._period_ns = int(SECOND_NS / rate_hz)
        self._numbers = numbers
        self._sent_ns = {}  # type: Dict[int, int]  # by stamp
        self.times_ns = []  # type: List[int]
        self.offered_hz = 0.0
        self.failure = None  # type: Optional[Exception]

    def run(self) -> None:
        """Send every frame when it is due, and collect answers meanwhile."""
        try:
            due_ns = start_ns = monotonic_ns()
            for number in self._numbers:
                self._collect_until(due_ns)
                stamp_ns = STAMP_NS + number
                cdr = self._message.cdr(stamp_ns)
                self._sent_ns[stamp_ns] = monotonic_ns()
                self._player.publish(cdr)
                due_ns += self._period_ns
            self._collect_until(due_ns)
            self.offered_hz = len(self._numbers) * SECOND_NS / (monotonic_ns() - start_ns)
        except Exception as error:  # raised again by whoever waits for the thread
            self.failure = error

    def collect(self, longest_s: float) -> None:
        """Wait for the answers to the last frames; those that were dropped get none."""
        end_ns = monotonic_ns() + int(longest_s * SECOND_NS)
        quiet_ns = int(min(1.0, longest_s) * SECOND_NS)
        heard_ns = monotonic_ns()
        while self._sent_ns and self.failure is None and monotonic_ns() < end_ns:
            if self._take(POLL_S):
                heard_ns = monotonic_ns()
            elif monotonic_ns() - heard_ns > quiet_ns:
                return

    def _collect_until(self, due_ns: int) -> None:
        while monotonic_ns() < due_ns:
            self._take(min(POLL_S, max(0.0, (due_ns - monotonic_ns()) / SECOND_NS)))

    def _take(self, timeout_s: float) -> bool:
        received = self._player.next_answer(timeout_s)
        if received is None:
            return False
        sent_ns = self._sent_ns.pop(received.stamp_ns, None)
        if sent_ns is not None:
            self.times_ns.append(received.received_ns - sent_ns)
        return True


def _settled(player: Player, before: NodeCounters) -> NodeCounters:
    """Return what a node has counted since, once it has dealt with all that it received."""
    end_ns = monotonic_ns() + int(DIAGNOSTICS_S * SECOND_NS)
    while True:
        counters = player.counters(DIAGNOSTICS_S).since(before)
        if counters.settled or monotonic_ns() > end_ns:
            return counters


def remembered(measured: Callable[[float], Step], known: List[Dict[str, Any]],
               save: Callable[[], None]) -> Measure:
    """
    Return a way to measure that knows what was measured before, and keeps what is new.

    :param measured: measures.
    :param known: steps as plain values; new ones are appended.
    :param save: called after each new one.
    """
    def step_at(rate_hz: float) -> Step:
        for values in known:
            if values['rate_hz'] == rate_hz:
                return Step(**values)
        step = measured(rate_hz)
        known.append(step._asdict())
        save()
        return step
    return step_at


def table_rows(results: Sequence[Tuple[int, Sequence[Step]]]) -> List[List[str]]:
    """
    Return a table, the first row with the titles.

    :param results: number of cameras and steps.
    """
    rows = [['cameras', 'rate each (Hz)', 'offered (Hz)', 'sent', 'answers', 'dropped', 'lost',
             'p50 (ms)', 'p95 (ms)', 'p99 (ms)', 'CPU of a node (%)']]
    for cameras, steps in results:
        for step in sorted(steps, key=lambda one: one.rate_hz):
            latency = ['{:.1f}'.format(step.latency_ms[name]) if step.latency_ms else '–'
                       for name in ('p50_ms', 'p95_ms', 'p99_ms')]
            rows.append(['{}'.format(cameras), '{:g}'.format(step.rate_hz),
                         '{:.2f}'.format(step.offered_hz)]
                        + ['{}'.format(value) for value in (step.sent, step.answers, step.dropped,
                                                            step.lost)]
                        + latency + [' '.join('{:.0f}'.format(one) for one in step.cpu_percent)])
    return rows
