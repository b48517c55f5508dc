# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The rounds of a benchmark: each runs every configuration once, in an order that changes.

Whatever slows the machine down thus slows all of them alike, and ratios within a round hold even
where the times themselves do not.
"""

from contextlib import ExitStack
import random
import shutil
import tempfile
import time
from typing import Any, Callable, Dict, List, Sequence

from espnet_perception.benchmark.figures import uncertainty_percent
from espnet_perception.benchmark.plan import Configuration, reference_of, Settings
from espnet_perception.benchmark.processes import Processes
from espnet_perception.benchmark.record import now, Record
from espnet_perception.errors import EngineError
from espnet_perception.telemetry import nvml
from espnet_perception.telemetry.energy import SECOND_NS
from espnet_perception.telemetry.health import examine
from espnet_perception.telemetry.power import Sensors
from espnet_perception.telemetry.processor import examine_processor
from espnet_perception.telemetry.recorder import PowerRecorder
from espnet_perception.telemetry.sysfs import Sysfs
import numpy as np

MOST_ROUNDS = 4  # times those that were asked for, until the medians are steady
IDLE_S = 5.0
RATE_HZ = 50.0
KEEP_S = 600.0  # of power samples, longer than any turn
TURN_S = 0.5  # at least where power is measured: sensors answer 10 to 100 times a second
AFTER_S = 0.1  # until a sample after the end of a turn is there

# Called with (rounds done, rounds to do at least, what happens now).
Progress = Callable[[int, int, str], None]


class Benchmark:
    """
    Measures what a record asks for, and goes on where it ends.

    :param record: what was measured so far.
    :param configurations: what is to be measured.
    :param settings: how.
    :param sensors: of power, temperature and GPU, as ``discover`` found them.
    :param progress: told how far it is.
    """

    def __init__(self, record: Record, configurations: Sequence[Configuration],
                 settings: Settings, sensors: Sensors, progress: Progress) -> None:
        self._record, self._everyone, self._settings = record, configurations, settings
        self._sensors, self._progress = sensors, progress
        self._least_s = TURN_S if sensors.rails else 0.0

    def run(self) -> None:
        """
        Measure until every repeat has its rounds; the record is whole after each of them.

        :raises EngineError: no configuration can be opened.
        :raises OutputError: the record cannot be written.
        :raises SensorError: the idle power was asked for and cannot be measured.
        """
        if self._record.finished:
            return
        with ExitStack() as stack:
            recorder = PowerRecorder(self._sensors, RATE_HZ, KEEP_S)
            if self._sensors.rails:
                stack.enter_context(recorder)
            self._begin(recorder)
            for repeat in range(self._settings.repeats):
                self._repeat(repeat, recorder)
        self._record.document['finished'] = now()
        self._record.save()

    def _begin(self, recorder: PowerRecorder) -> None:
        """Note what measures power, and measure the idle power where that was asked for."""
        power = self._record.document['power']
        power.update(rails=[{'name': rail.name, 'source': rail.source, 'where': rail.where}
                            for rail in self._sensors.rails],
                     total=[], missing=self._sensors.no_power_sentence(), idle_mw=None)
        self._record.document['gpus'] = [
            gpu.where if gpu.source == nvml.SOURCE else gpu.source for gpu in self._sensors.gpus]
        if self._settings.above_idle:
            self._progress(0, 0, 'idle for {:g} s'.format(IDLE_S))
            if self._sensors.rails:
                time.sleep(IDLE_S)
            power['idle_mw'] = recorder.measure_idle(int(IDLE_S * SECOND_NS))

    def _repeat(self, repeat: int, recorder: PowerRecorder) -> None:
        folder = tempfile.mkdtemp(prefix='espnet_bench_')
        try:
            with Processes(self._settings, folder) as processes:
                number = self._rounds_done(repeat)
                while self._goes_on(repeat, number):
                    self._round(repeat, number, processes, recorder)
                    number += 1
                    self._compare_classes(processes)
                    self._record.save()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _round(self, repeat: int, number: int, processes: Processes, recorder: PowerRecorder
               ) -> None:
        order = list(self._present())
        random.Random('{} {}'.format(repeat, number)).shuffle(order)
        conditions = dict(self._conditions(recorder), repeat=repeat, round=number)
        turns = []  # a round that is broken off leaves nothing
        for one in order:
            self._progress(self._settings.rounds * repeat + number,
                           self._settings.rounds * self._settings.repeats, one.key)
            row = self._record.rows[one.key]
            try:
                process = processes.get(one)
                turn = process.turn(self._settings.per_turn, self._least_s)
            except EngineError as error:
                row['refused'] = str(error)
                continue
            row.update((name, process.opened[name]) for name in ('facts', 'open_s', 'product'))
            turn.update(repeat=repeat, round=number, **self._energy(turn, recorder))
            turns.append((row, turn))
        self._record.document['conditions'].append(conditions)
        if self._sensors.rails:
            self._record.document['power']['total'] = list(
                recorder.report(SECOND_NS).total_rails)
        for row, turn in turns:
            row['turns'].append(turn)
        if not self._present():
            raise EngineError('nothing can be measured; {}: {}'.format(
                order[-1].key, self._record.rows[order[-1].key]['refused']))

    def _energy(self, turn: Dict[str, Any], recorder: PowerRecorder) -> Dict[str, Any]:
        if not self._sensors.rails:
            return {}
        time.sleep(AFTER_S)
        energy = recorder.energy(turn['start_ns'], turn['end_ns'])
        if energy is None:
            return {}
        return {'energy_mj': energy.energy_mj, 'covered_ns': energy.covered_ns,
                'idle_mw': self._record.document['power']['idle_mw']}

    def _present(self) -> List[Configuration]:
        return [one for one in self._everyone if not self._record.rows[one.key]['refused']]

    def _rounds_done(self, repeat: int) -> int:
        """Return how many rounds are whole."""
        return max(len(self._record.turns(one, repeat)) for one in self._everyone)

    def _goes_on(self, repeat: int, number: int) -> bool:
        if number < self._settings.rounds:
            return True
        if not self._settings.steady_percent or number >= MOST_ROUNDS * self._settings.rounds:
            return False
        uncertain = [uncertainty_percent(self._record.turns(one, repeat))
                     for one in self._present()]
        return any(value is None or value > self._settings.steady_percent for value in uncertain)

    def _conditions(self, recorder: PowerRecorder) -> Dict[str, Any]:
        """Return clocks, governor, load, temperatures, GPUs and power mode at this moment."""
        health = examine(self._sensors, recorder.report(SECOND_NS), [])
        return dict(examine_processor(Sysfs())._asdict(), stamp=now(), mode=health.mode,
                    temperatures=health.temperatures,
                    gpus={name: dict(state._asdict()) for name, state in health.gpus.items()})

    def _compare_classes(self, processes: Processes) -> None:
        """Note which share of the classes is that of the baseline, pixel by pixel."""
        for one in self._present():
            row = self._record.rows[one.key]
            other = reference_of(one, self._record.document['baseline'], self._everyone)
            if other is None or 'equal_classes' in row or self._record.rows[other.key]['refused']:
                continue
            own, wanted = (np.load(processes.classes_path(entry)) for entry in (one, other))
            if own.shape == wanted.shape:
                row['equal_classes'] = float(np.mean(own == wanted))
