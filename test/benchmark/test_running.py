# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Rounds are interleaved, saved one by one, gone on with, and end when medians are steady."""

import json

from benchmarks import FakeProcesses, OPENVINO, record, TORCH
from espnet_perception.benchmark import record as records
from espnet_perception.benchmark import running
from espnet_perception.benchmark.plan import Settings
from espnet_perception.benchmark.running import Benchmark
from espnet_perception.errors import EngineError, SensorError
from espnet_perception.telemetry.energy import Energy
from espnet_perception.telemetry.power import Sensors
from espnet_perception.telemetry.recorder import PowerReport
from espnet_perception.telemetry.sensor import Measurement, Missing, Rail, WHOLE
import pytest

SETTINGS = Settings(iterations=12, rounds=6, steady_percent=0)
NOTHING = Sensors((), (Missing('INA3221', 'absent', '/sys/x'),))


@pytest.fixture()
def measure(tmp_path, monkeypatch):
    """Return a function that runs a benchmark with processes that are not real."""
    monkeypatch.setattr(records, 'commit', lambda **_: 'abc1234')
    monkeypatch.setattr(running, 'IDLE_S', 0)

    def run(durations_ms, settings=SETTINGS, sensors=NOTHING, **options):
        processes = FakeProcesses(durations_ms, tmp_path)
        monkeypatch.setattr(running, 'Processes', processes)
        kept = record(tmp_path / 'bench.json', settings, OPENVINO, TORCH,
                      baseline={'engine': 'torch'}, **options)
        try:
            Benchmark(kept, [OPENVINO, TORCH], settings, sensors, lambda *_: None).run()
        finally:
            run.order = processes.order
            kept.save()  # as the command does
        return json.loads((tmp_path / 'bench.json').read_text())
    return run


def test_every_round_runs_each_once_in_an_order_that_changes(measure):
    document = measure({'torch': 30, 'openvino': 10})
    rounds = [tuple(measure.order[start:start + 2]) for start in range(0, 12, 2)]
    assert {frozenset(pair) for pair in rounds} == {frozenset(('torch', 'openvino'))}
    assert len(set(rounds)) == 2
    fast, slow = document['configurations']
    assert fast['figures']['latency']['count'] == 12
    assert fast['figures']['times_faster'] == 3
    assert slow['figures']['times_faster'] == 1
    assert fast['equal_classes'] == 0.5
    assert len(document['conditions']) == 6
    assert document['finished']


def test_what_is_finished_is_kept_and_gone_on_with(measure, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measure({'torch': [30, 30, KeyboardInterrupt()], 'openvino': 10})
    kept = json.loads((tmp_path / 'bench.json').read_text())
    assert [len(row['turns']) for row in kept['configurations']] == [2, 2]
    assert len(kept['conditions']) == 2
    assert kept['finished'] is None
    document = measure({'torch': 33, 'openvino': 11})
    assert len(measure.order) == 8
    slow = document['configurations'][1]['turns']
    assert [entry['round'] for entry in slow] == [0, 1, 2, 3, 4, 5]
    assert [entry['durations_ns'][0] // 10 ** 6 for entry in slow] == [30, 30, 33, 33, 33, 33]


def test_a_finished_benchmark_is_not_measured_again_unless_asked(measure):
    measure({'torch': 30, 'openvino': 10})
    measure({'torch': 40, 'openvino': 10})
    assert measure.order == []
    document = measure({'torch': 40, 'openvino': 10}, restart=True)
    assert document['configurations'][1]['figures']['latency']['p50_ms'] == 40


def test_rounds_go_on_until_medians_are_steady(measure):
    shaking = [30, 36, 30, 36, 30, 36] + [33] * 18
    document = measure({'torch': shaking, 'openvino': 10}, SETTINGS._replace(steady_percent=5))
    turns = document['configurations'][1]['turns']
    assert 6 < len(turns) < 24
    assert document['configurations'][1]['figures']['uncertainty_percent'] <= 5


def test_rounds_end_even_where_medians_are_never_steady(measure):
    document = measure({'torch': [30, 60] * 12, 'openvino': 10},
                       SETTINGS._replace(steady_percent=5))
    assert len(document['configurations'][1]['turns']) == 4 * 6


def test_repeats_are_kept_apart(measure):
    document = measure({'torch': [30] * 6 + [33] * 6, 'openvino': 10},
                       SETTINGS._replace(repeats=2))
    figures = document['configurations'][1]['figures']
    assert figures['repeat_medians_ms'] == [30, 33]
    assert figures['repeat_spread_percent'] == pytest.approx(10)


def test_what_cannot_be_opened_is_named_and_the_rest_measured(measure):
    document = measure({'torch': 'engine torch has no fp16', 'openvino': 10})
    fast, slow = document['configurations']
    assert slow['refused'] == 'engine torch has no fp16'
    assert slow['figures'] is None
    assert fast['figures']['latency']['p50_ms'] == 10
    assert 'times_faster' in fast['figures'] and fast['figures']['times_faster'] is None


def test_nothing_that_can_be_opened_is_an_error(measure):
    with pytest.raises(EngineError, match='nothing can be measured; .*: no memory'):
        measure({'torch': 'no memory', 'openvino': 'no memory'})


def test_no_sensor_is_told(measure):
    document = measure({'torch': 30, 'openvino': 10})
    assert document['power']['missing'].startswith('no power sensor found: looked at INA3221')


class FiveWatts:
    """Stands for the recorder: a machine that idles at four watts and works at five."""

    def __init__(self, *_arguments):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def energy(self, start_ns, end_ns):
        return Energy(5000.0 * (end_ns - start_ns) / 1e9, end_ns - start_ns, end_ns - start_ns)

    def measure_idle(self, window_ns):
        return 4000.0

    def report(self, window_ns):
        return PowerReport(0.0, window_ns, 1, (), None, ('VDD_IN',), None)


@pytest.mark.parametrize('above_idle, power_mw', [(False, 5000), (True, 1000)])
def test_energy_comes_from_the_recorder(measure, monkeypatch, above_idle, power_mw):
    for name, value in (('PowerRecorder', FiveWatts), ('AFTER_S', 0), ('IDLE_S', 0)):
        monkeypatch.setattr(running, name, value)
    rail = Rail('VDD_IN', 'INA3221', '/sys/x', lambda: Measurement(5000.0), WHOLE)
    document = measure({'torch': 30, 'openvino': 10}, SETTINGS._replace(above_idle=above_idle),
                       Sensors((rail,)))
    fast, slow = (row['figures'] for row in document['configurations'])
    assert slow['power_mw'] == pytest.approx(power_mw)
    assert fast['energy_mj'] == pytest.approx(power_mw * 0.01)
    assert fast['times_less_energy'] == pytest.approx(3)
    assert document['power']['idle_mw'] == (4000 if above_idle else None)
    assert document['power']['total'] == ['VDD_IN']
    assert document['power']['rails'] == [{'name': 'VDD_IN', 'source': 'INA3221',
                                           'where': '/sys/x'}]


def test_idle_power_without_a_sensor_is_an_error(measure):
    with pytest.raises(SensorError, match='the total power was measured for 0.0 of the last'):
        measure({'torch': 30, 'openvino': 10}, SETTINGS._replace(above_idle=True))
