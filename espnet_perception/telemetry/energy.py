# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Energy out of samples: trapezoids of power, or differences of a counter that may wrap."""

from bisect import bisect_right
from typing import List, NamedTuple, Optional, Tuple

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.sensor import Measurement

SECOND_NS = 10 ** 9
# Between two power samples farther apart nobody knows what was drawn.
LONGEST_GAP_NS = SECOND_NS
# A counter that would mean more was not wrapped but set back, or skipped ahead.
HIGHEST_MW = 5e6


class Energy(NamedTuple):
    """
    Energy between two moments.

    :param energy_mj: millijoules over the time that is covered.
    :param covered_ns: nanoseconds for which the rail was measured.
    :param asked_ns: nanoseconds between the two moments.
    :param idle_mw: idle power in milliwatts that was subtracted; None where none was.
    """

    energy_mj: float
    covered_ns: int
    asked_ns: int
    idle_mw: Optional[float] = None

    @property
    def mean_mw(self) -> float:
        """Return the mean power in milliwatts over the time that is covered."""
        return self.energy_mj * SECOND_NS / self.covered_ns

    def above(self, idle_mw: float) -> 'Energy':
        """
        Return what was spent above the idle power.

        :param idle_mw: idle power in milliwatts.
        """
        return self._replace(energy_mj=self.energy_mj - idle_mw * self.covered_ns / SECOND_NS,
                             idle_mw=idle_mw)


class Point(NamedTuple):
    """
    What is kept of one sample.

    :param stamp_ns: monotonic nanoseconds.
    :param energy_mj: energy up to here.
    :param covered_ns: measured time up to here.
    :param power_mw: power at this moment; None where only energy is known.
    """

    stamp_ns: int
    energy_mj: float
    covered_ns: int
    power_mw: Optional[float]


class EnergyTrack:
    """
    Energy of one rail, with the latest samples.

    :param keep: how many samples are kept for ``between``; up to twice as many are for a while.
    :param wrap_mj: value after which its counter starts at zero again.
    """

    def __init__(self, keep: int, wrap_mj: Optional[float] = None) -> None:
        self.power_mw = None  # type: Optional[float]
        self.wraps, self.jumps = 0, 0
        self._keep, self._wrap_mj = keep, wrap_mj
        self._before = None  # type: Optional[Tuple[int, Measurement]]
        self._origin = Point(0, 0.0, 0, None)
        self._end = self._origin
        self._stamps_ns = []  # type: List[int]
        self._points = []  # type: List[Point]

    @property
    def energy_mj(self) -> float:
        """Return the energy in millijoules since construction or ``reset``."""
        return self._end.energy_mj - self._origin.energy_mj

    @property
    def measured_ns(self) -> int:
        """Return the nanoseconds since then for which the rail was measured."""
        return self._end.covered_ns - self._origin.covered_ns

    def reset(self) -> None:
        """Count energy from here."""
        self._origin = self._end

    def forget(self) -> None:
        """Forget the samples, since what follows cannot be compared; the sum stays."""
        self._stamps_ns, self._points = [], []

    def add(self, stamp_ns: int, measurement: Optional[Measurement]) -> Optional[float]:
        """
        Add what a rail said.

        :param stamp_ns: monotonic nanoseconds.
        :param measurement: None where it could not be read.
        :return: energy in millijoules since the sample before; None where it is not known.
        """
        before, self._before = self._before, None
        if measurement is None:
            self.power_mw = None
            self.append(stamp_ns, None, None)
            return None
        self._before = (stamp_ns, measurement)
        self.power_mw, energy_mj = measurement.power_mw, None
        if before is not None and stamp_ns > before[0]:
            energy_mj = self._since(before[1], measurement, stamp_ns - before[0])
        if energy_mj is not None and measurement.power_mw is None:
            self.power_mw = energy_mj * SECOND_NS / (stamp_ns - before[0])
        counted = measurement.counter_mj is not None
        self.append(stamp_ns, energy_mj, None if counted else measurement.power_mw)
        return energy_mj

    def append(self, stamp_ns: int, energy_mj: Optional[float], power_mw: Optional[float]
               ) -> None:
        """
        Add a sample whose energy is known.

        :param stamp_ns: monotonic nanoseconds; if it is before the last one, the clock has
            stepped and the samples are forgotten.
        :param energy_mj: since the sample before; None leaves a gap.
        :param power_mw: power at this moment; None where only energy is known.
        """
        end = self._end
        if self._points and stamp_ns < end.stamp_ns:
            self.forget()
        if energy_mj is None or not self._points:
            self._end = Point(stamp_ns, end.energy_mj, end.covered_ns, power_mw)
        else:
            self._end = Point(stamp_ns, end.energy_mj + energy_mj,
                              end.covered_ns + stamp_ns - end.stamp_ns, power_mw)
        self._stamps_ns.append(stamp_ns)
        self._points.append(self._end)
        if len(self._points) > 2 * self._keep:
            del self._stamps_ns[:self._keep], self._points[:self._keep]

    def between(self, start_ns: int, end_ns: int) -> Optional[Energy]:
        """
        Return the energy between two stamps; within a sample period it is interpolated.

        :param start_ns: monotonic nanoseconds.
        :param end_ns: not before it.
        :return: None where nothing of that time was measured or is kept.
        :raises SensorError: the end is before the start.
        """
        if end_ns < start_ns:
            raise SensorError('energy was asked from {} ns to {} ns, expected the later stamp '
                              'last'.format(start_ns, end_ns))
        if not self._points:
            return None
        first_ns = max(start_ns, self._stamps_ns[0])
        last_ns = min(end_ns, self._stamps_ns[-1])
        if last_ns <= first_ns:
            return None
        energy_mj, covered_ns = self._at(last_ns)
        energy_before_mj, covered_before_ns = self._at(first_ns)
        if covered_ns == covered_before_ns:
            return None
        return Energy(energy_mj - energy_before_mj, covered_ns - covered_before_ns,
                      end_ns - start_ns)

    def points_after(self, stamp_ns: int) -> List[Point]:
        """
        Return the samples that are kept of the time after a stamp.

        :param stamp_ns: monotonic nanoseconds.
        """
        return self._points[bisect_right(self._stamps_ns, stamp_ns):]

    def _since(self, before: Measurement, now: Measurement, elapsed_ns: int) -> Optional[float]:
        """Return the energy between two samples; None where nobody knows."""
        if before.counter_mj is not None and now.counter_mj is not None:
            return self._counted(before.counter_mj, now.counter_mj, elapsed_ns)
        if before.power_mw is None or now.power_mw is None or elapsed_ns > LONGEST_GAP_NS:
            return None
        return (before.power_mw + now.power_mw) / 2 * elapsed_ns / SECOND_NS

    def _counted(self, before_mj: float, now_mj: float, elapsed_ns: int) -> Optional[float]:
        energy_mj, wrapped = now_mj - before_mj, False
        if energy_mj < 0 and self._wrap_mj is not None:
            energy_mj, wrapped = energy_mj + self._wrap_mj, True
        if not 0 <= energy_mj * SECOND_NS <= HIGHEST_MW * elapsed_ns:
            self.jumps += 1
            return None
        self.wraps += wrapped
        return energy_mj

    def _at(self, stamp_ns: int) -> Tuple[float, int]:
        """Return energy and measured time up to a stamp that lies between the kept ones."""
        index = bisect_right(self._stamps_ns, stamp_ns)
        before = self._points[index - 1]
        if index == len(self._points):
            return before.energy_mj, before.covered_ns
        after = self._points[index]
        share = (stamp_ns - before.stamp_ns) / float(after.stamp_ns - before.stamp_ns)
        covered_ns = before.covered_ns + int(share * (after.covered_ns - before.covered_ns))
        if before.power_mw is not None and after.power_mw is not None:
            both_mw = before.power_mw + after.power_mw
            if both_mw:  # power is linear in between, so energy is quadratic
                share *= (2 * before.power_mw + share * (after.power_mw - before.power_mw)
                          ) / both_mw
        return before.energy_mj + share * (after.energy_mj - before.energy_mj), covered_ns
