# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads the rails of the machine in a thread and keeps account of their energy."""

import threading
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.energy import (
    Energy,
    EnergyTrack,
    LONGEST_GAP_NS,
    Point,
    SECOND_NS,
)
from espnet_perception.telemetry.power import Sensors
from espnet_perception.telemetry.sensor import Measurement, Rail

TOTAL = 'total'
LOWEST_HZ, HIGHEST_HZ = 10.0, 100.0
JOIN_S = 5.0  # a read that hangs in the kernel must not keep the process


class RailReport(NamedTuple):
    """
    What is known of a rail.

    :param name: name of the rail.
    :param source: the reader it belongs to; empty for the total.
    :param power_mw: mean power over the window; None where it is not measured at present.
    :param energy_mj: since the start or ``reset_energy``; None where nothing was measured.
    :param measured_s: seconds of that time for which it was measured.
    :param problem: why it cannot be read at present; empty where it can.
    :param jumps: how often its counter jumped.
    """

    name: str
    source: str
    power_mw: Optional[float]
    energy_mj: Optional[float]
    measured_s: float
    problem: str = ''
    jumps: int = 0


class PowerReport(NamedTuple):
    """
    What is known of the power of the machine.

    :param age_s: seconds since the latest sample, or since the start if there is none.
    :param window_ns: over which powers are averaged.
    :param samples: number of samples in the window.
    :param rails: every rail.
    :param total: the whole machine, as far as it is measured.
    :param total_rails: names of the rails that the total is the sum of.
    :param idle_mw: idle power of the total; None where it was not measured.
    """

    age_s: float
    window_ns: int
    samples: int
    rails: Tuple[RailReport, ...]
    total: RailReport
    total_rails: Tuple[str, ...]
    idle_mw: Optional[float]


class PowerRecorder:
    """
    Samples all rails; a context manager that runs the thread.

    :param sensors: what ``discover`` found.
    :param rate_hz: samples per second, 10 to 100.
    :param keep_s: seconds of samples that are kept.
    :param clock: monotonic nanoseconds; another one in tests.
    :raises SensorError: a rate below 10 or above 100.
    """

    def __init__(self, sensors: Sensors, rate_hz: float = 20.0, keep_s: float = 120.0,
                 clock: Callable[[], int] = monotonic_ns) -> None:
        if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
            raise SensorError('the rate of the recorder is {:g} Hz, expected {:g} to {:g}'.format(
                rate_hz, LOWEST_HZ, HIGHEST_HZ))
        keep = max(2, int(keep_s * rate_hz))
        self.sensors = sensors
        self.idle_mw = None  # type: Optional[float]
        self.failure = ''  # what the thread stumbled over; it goes on
        self._clock = clock
        self._period_ns = int(SECOND_NS / rate_hz)
        self._rails = sensors.rails
        self._totals = sensors.totals
        self._tracks = {rail.name: EnergyTrack(keep, rail.wrap_mj) for rail in self._rails}
        self._total = EnergyTrack(keep)
        self._total_rails = ()  # type: Tuple[str, ...]
        self._idle_rails = ()  # type: Tuple[str, ...]
        self._total_problem = ''
        self._stamps_ns = []  # type: List[int]
        self._started_ns = clock()
        self._keep = keep
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = None  # type: Optional[threading.Thread]

    def __enter__(self) -> 'PowerRecorder':
        """Start the thread."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop the thread."""
        self.stop()

    def start(self) -> None:
        """Sample in a thread until ``stop``."""
        self._stopping.clear()
        self._started_ns = self._clock()
        with self._lock:  # what was drawn while nobody looked is not known
            for track in self._tracks.values():
                track.add(self._started_ns, None)
            self._total.add(self._started_ns, None)
        self._thread = threading.Thread(target=self._run, name='power', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what was recorded stays."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(JOIN_S)

    def sample(self) -> None:
        """Read every rail once; the thread does this."""
        stamp_ns = self._clock()
        measurements = {rail.name: rail.read() for rail in self._rails}
        with self._lock:
            self._note(stamp_ns)
            energies_mj = {rail.name: self._tracks[rail.name].add(stamp_ns,
                                                                  measurements[rail.name])
                           for rail in self._rails}
            self._add_total(stamp_ns, measurements, energies_mj)

    def energy(self, start_ns: int, end_ns: int, rail: str = TOTAL, above_idle: bool = False
               ) -> Optional[Energy]:
        """
        Return the energy between two stamps.

        :param start_ns: monotonic nanoseconds.
        :param end_ns: not before it.
        :param rail: name of a rail; TOTAL is the whole machine as far as it is measured.
        :param above_idle: subtract the idle power, which the result then names; only of TOTAL.
        :return: None where nothing of that time was measured or is kept.
        :raises SensorError: no such rail, or no idle power was measured.
        """
        idle_mw = self.idle_mw
        if above_idle and (idle_mw is None or rail != TOTAL):
            raise SensorError('the idle power of {} was not measured, so it cannot be subtracted; '
                              'call measure_idle while the machine idles, and ask for {}'.format(
                                  rail, TOTAL))
        track = self._track(rail)
        with self._lock:
            energy = track.between(start_ns, end_ns)
        return energy.above(idle_mw) if above_idle and energy is not None else energy

    def total_points(self, after_ns: int) -> List[Point]:
        """
        Return the samples of the total that are kept of the time after a stamp.

        :param after_ns: monotonic nanoseconds.
        """
        with self._lock:
            return self._total.points_after(after_ns)

    def measure_idle(self, window_ns: int) -> float:
        """
        Take the mean of the latest total power as the idle power.

        :param window_ns: how far to look back; the machine must have idled for so long.
        :return: milliwatts.
        :raises SensorError: less than half of that time was measured.
        """
        now_ns = self._clock()
        energy = self.energy(now_ns - window_ns, now_ns)
        if energy is None or 2 * energy.covered_ns < window_ns:
            raise SensorError('the total power was measured for {:.1f} of the last {:.1f} s, '
                              'expected at least half; try again later'.format(
                                  (energy.covered_ns if energy else 0) / SECOND_NS,
                                  window_ns / SECOND_NS))
        self.idle_mw, self._idle_rails = energy.mean_mw, self._total_rails
        return self.idle_mw

    def reset_energy(self) -> None:
        """Count the energy of every rail from now on."""
        with self._lock:
            for track in list(self._tracks.values()) + [self._total]:
                track.reset()

    def report(self, window_ns: int) -> PowerReport:
        """
        Say what is known of every rail.

        :param window_ns: over which powers are averaged, up to now.
        """
        now_ns = self._clock()
        with self._lock:
            age_ns = now_ns - (self._stamps_ns[-1] if self._stamps_ns else self._started_ns)
            samples = sum(now_ns - window_ns < stamp_ns <= now_ns for stamp_ns in self._stamps_ns)
            hangs = age_ns > max(window_ns, LONGEST_GAP_NS)
            window = None if hangs else (now_ns - window_ns, now_ns)
            rails = tuple(_report(rail.name, rail.source, rail.problem, self._tracks[rail.name],
                                  window) for rail in self._rails)
            total = _report(TOTAL, '', self._total_problem, self._total, window)
            return PowerReport(age_ns / SECOND_NS, window_ns, samples, rails, total,
                               self._total_rails, self.idle_mw)

    def _run(self) -> None:
        """Sample in time with the clock; a beat that was missed is not made up for."""
        next_ns = monotonic_ns()
        while not self._stopping.is_set():
            try:
                self.sample()
            except Exception as error:  # a sensor that breaks its contract must not end it
                self.failure = repr(error)
            next_ns = max(next_ns + self._period_ns, monotonic_ns())
            # Costs half of waiting for the event, and at 10 Hz delays the end by 0.1 s at most.
            time.sleep(max(0, next_ns - monotonic_ns()) / SECOND_NS)

    def _note(self, stamp_ns: int) -> None:
        self._stamps_ns.append(stamp_ns)
        if len(self._stamps_ns) > 2 * self._keep:
            del self._stamps_ns[:self._keep]

    def _add_total(self, stamp_ns: int, measurements: Dict[str, Optional[Measurement]],
                   energies_mj: Dict[str, Optional[float]]) -> None:
        """Add up the best choice of rails that is measured now, or leave a gap."""
        rails, self._total_problem = self._choose(measurements)
        names = tuple(rail.name for rail in rails)
        if not names:
            self._total.power_mw = None
            self._total.append(stamp_ns, None, None)
            return
        changed, self._total_rails = names != self._total_rails, names
        if changed:  # what follows means something else
            self._total.forget()
            self.idle_mw = self.idle_mw if names == self._idle_rails else None
        energy_mj = None if changed else _sum([energies_mj[name] for name in names])
        counted = any(measurements[name].counter_mj is not None for name in names)
        self._total.power_mw = _sum([self._tracks[name].power_mw for name in names])
        self._total.append(stamp_ns, energy_mj, None if counted else self._total.power_mw)

    def _choose(self, measurements: Dict[str, Optional[Measurement]]
                ) -> Tuple[Sequence[Rail], str]:
        """Return the rails that make up the total, or none and the reason."""
        for rails in self._totals:
            problems = [rail.problem for rail in rails if rail.problem]
            if problems:
                return (), '; '.join(problems)
            if all(measurements[rail.name] is not None for rail in rails):
                return rails, ''
        return (), ''

    def _track(self, rail: str) -> EnergyTrack:
        if rail == TOTAL:
            return self._total
        if rail not in self._tracks:
            raise SensorError("there is no rail '{}'; there are: {}".format(
                rail, ', '.join([TOTAL] + sorted(self._tracks))))
        return self._tracks[rail]


def _report(name: str, source: str, problem: str, track: EnergyTrack,
            window: Optional[Tuple[int, int]]) -> RailReport:
    power_mw = None
    if not problem and window is not None and track.power_mw is not None:
        energy = track.between(*window)
        power_mw = energy.mean_mw if energy is not None else track.power_mw
    measured_s = track.measured_ns / SECOND_NS
    return RailReport(name, source, power_mw, track.energy_mj if measured_s else None, measured_s,
                      problem, track.jumps)


def _sum(values: Sequence[Optional[float]]) -> Optional[float]:
    """Return the sum; None where there is nothing to add or a value is not known."""
    if not values or None in values:
        return None
    return sum(values)
