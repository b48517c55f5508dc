# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a replay costs: power and energy of the machine on the time axis of the bag.

A ``Meter`` tells what was drawn since it was last asked; a ``PowerTrace`` lays that on the times
at which the frames were recorded, so that it can be drawn below their latency.
"""

import time
from typing import Any, Dict, List, NamedTuple, Optional, Protocol, Sequence, Tuple

from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.energy import Point, SECOND_NS
from espnet_perception.telemetry.frame_energy import LEAST_COVERED
from espnet_perception.telemetry.recorder import PowerRecorder

POLL_S = 0.02


class Reading(NamedTuple):
    """
    What was drawn for a while.

    :param start_ns: monotonic nanoseconds of its beginning.
    :param end_ns: monotonic nanoseconds of its end.
    :param energy_mj: energy over the time that was measured.
    :param measured_s: seconds of that while for which the machine was measured.
    """

    start_ns: int
    end_ns: int
    energy_mj: float
    measured_s: float


class Meter(Protocol):
    """
    Whatever tells what the machine draws: its own sensors, or the power node.

    :param lag_s: longest time after which a moment is told of.
    """

    lag_s: float

    def readings(self) -> List[Reading]:
        """Return what was drawn since the last call, in order."""

    def words(self) -> str:
        """Say what is measured, or why nothing is."""


class PowerRow(NamedTuple):
    """
    What was drawn up to a moment of the bag, since the row before.

    :param recorded_ns: the moment, as the times at which frames were recorded.
    :param elapsed_s: seconds since the row before, on the clock of the replay.
    :param measured_s: seconds of these for which the machine was measured.
    :param energy_mj: energy over the time that was measured.
    :param frames: frames that were answered in this time.
    """

    recorded_ns: int
    elapsed_s: float
    measured_s: float
    energy_mj: float
    frames: int = 0

    @property
    def power_mw(self) -> Optional[float]:
        """Return the mean power; None where nothing was measured."""
        return self.energy_mj / self.measured_s if self.measured_s else None


class NoMeter:
    """
    A meter where there is nothing to read.

    :param problem: why, in a sentence.
    """

    lag_s = 0.0

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def readings(self) -> List[Reading]:
        """Return nothing."""
        return []

    def words(self) -> str:
        """Say why nothing is measured."""
        return self._problem


class RecorderMeter:
    """
    The sensors of this machine as a meter.

    :param recorder: a running recorder.
    """

    lag_s = 0.5

    def __init__(self, recorder: PowerRecorder) -> None:
        self._recorder = recorder
        self._before = None  # type: Optional[Point]

    def readings(self) -> List[Reading]:
        """Return what was drawn since the last call, sample by sample."""
        since_ns = self._before.stamp_ns if self._before else 0
        found = []  # type: List[Reading]
        for point in self._recorder.total_points(since_ns):
            if self._before is not None:
                found.append(_between(self._before, point))
            self._before = point
        return found

    def words(self) -> str:
        """Say what the total is made of, or where sensors were looked for."""
        problem = self._recorder.sensors.no_power_sentence()
        if problem:
            return problem
        rails = self._recorder.report(SECOND_NS).total_rails
        return 'sensors of this machine: {}'.format(' + '.join(rails) or 'no rail can be read')


class PowerTrace:
    """
    Lays what a meter tells on the times of the frames.

    :param meter: what tells.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._end_ns = 0  # of the last row, monotonic
        self._anchor = None  # type: Optional[Tuple[int, int]]  # monotonic, recorded
        self._frames = 0
        meter.readings()  # what was drawn before the replay belongs to no frame

    def frame(self, recorded_ns: int, answered: bool, took_ns: int) -> List[PowerRow]:
        """
        Note that a frame is done.

        :param recorded_ns: when it was recorded.
        :param answered: whether it had an answer.
        :param took_ns: how long it took; the first frame begins so long before now.
        :return: what was drawn since the frame before it.
        """
        now_ns = monotonic_ns()
        if self._anchor is None:
            self._anchor = (now_ns - took_ns, recorded_ns)
            self._end_ns = now_ns - took_ns
        self._frames += answered
        now = (now_ns, recorded_ns)
        rows = self._rows(now)
        self._anchor = now
        return rows

    def finish(self) -> List[PowerRow]:
        """Wait until the meter has told of the last frame, and return what was drawn for it."""
        rows = []  # type: List[PowerRow]
        if self._anchor is None:
            return rows
        deadline_ns = monotonic_ns() + int(self._meter.lag_s * SECOND_NS)
        while self._end_ns < self._anchor[0]:
            rows += self._rows(self._anchor)
            if monotonic_ns() >= deadline_ns:
                break
            time.sleep(POLL_S)
        return rows

    def _rows(self, now: Tuple[int, int]) -> List[PowerRow]:
        """Return the new readings as rows; what came before the first frame is cut off."""
        rows = []  # type: List[PowerRow]
        for reading in self._meter.readings():
            start_ns, end_ns = max(reading.start_ns, self._end_ns), min(reading.end_ns, now[0])
            if end_ns <= start_ns:
                continue
            share = (end_ns - start_ns) / (reading.end_ns - reading.start_ns)
            rows.append(PowerRow(_laid_at(end_ns, self._anchor, now),
                                 (end_ns - self._end_ns) / SECOND_NS, share * reading.measured_s,
                                 share * reading.energy_mj, self._frames))
            self._end_ns, self._frames = end_ns, 0
        return rows


def power_figures(rows: Sequence[PowerRow]) -> Optional[Dict[str, Any]]:
    """
    Return what was drawn in all, and for each frame.

    :param rows: what was drawn, in order; of several bags one after the other.
    :return: mW, mJ, s; None where nothing was measured. Energy per frame is that of the whole
        machine, also for the time between frames, and None where less than 90 % of the time was
        measured or no frame was answered.
    """
    measured_s, energy_mj = sum(row.measured_s for row in rows), sum(row.energy_mj for row in rows)
    if not measured_s:
        return None
    elapsed_s, frames = sum(row.elapsed_s for row in rows), sum(row.frames for row in rows)
    mean_mw = energy_mj / measured_s
    known = frames and measured_s >= LEAST_COVERED * elapsed_s
    return {'mean_mw': mean_mw, 'max_mw': max(row.power_mw for row in rows if row.measured_s),
            'energy_mj': energy_mj, 'measured_s': measured_s, 'elapsed_s': elapsed_s,
            'frames': frames,
            'energy_per_frame_mj': mean_mw * elapsed_s / frames if known else None}


def _between(before: Point, point: Point) -> Reading:
    return Reading(before.stamp_ns, point.stamp_ns, point.energy_mj - before.energy_mj,
                   (point.covered_ns - before.covered_ns) / SECOND_NS)


def _laid_at(stamp_ns: int, before: Tuple[int, int], now: Tuple[int, int]) -> int:
    """Return where a monotonic stamp lies between two frames, (monotonic, recorded) each."""
    if now[0] <= before[0]:
        return now[1]
    share = min(1.0, max(0.0, (stamp_ns - before[0]) / (now[0] - before[0])))
    return before[1] + int(share * (now[1] - before[1]))
