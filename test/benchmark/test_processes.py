# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""One process each: it measures, says what is wrong, and ends with the benchmark."""

import os

from benchmarks import TORCH
from espnet_perception.benchmark import processes as module
from espnet_perception.benchmark.plan import Settings
from espnet_perception.benchmark.processes import free_memory_share, Processes, wait_until_quiet
from espnet_perception.errors import EngineError
import numpy as np
import pytest

SETTINGS = Settings(warm_up=1)


class Opened:
    """Stands for a MeasuringProcess."""

    def __init__(self, one, settings, classes_path):
        self.closed, self.opened = False, {'prepared': False}

    def close(self):
        self.closed = True


def test_a_process_measures(tmp_path, tiny_model_dir):
    one = TORCH._replace(model=str(tiny_model_dir))
    with Processes(SETTINGS, str(tmp_path)) as processes:
        process = processes.get(one)
        assert processes.get(one) is process
        assert process.opened['facts']['engine'] == 'torch'
        assert process.opened['product'] == 'labels'
        first = process.turn(3, 0.0)
        assert len(first['durations_ns']) == 3
        assert 0 < sum(first['durations_ns']) <= first['end_ns'] - first['start_ns']
        assert 5e7 < first['peak_bytes'] < 5e9
        longer = process.turn(1, 0.2)
        assert longer['end_ns'] - longer['start_ns'] >= 2e8
        assert len(longer['durations_ns']) > 1
        assert np.load(processes.classes_path(one)).shape == (64, 96)
        process._process.kill()  # as the kernel does when memory is short
        with pytest.raises(EngineError, match='has ended with status -9; is there enough memory'):
            process.turn(1, 0.0)


def test_what_is_wrong_is_told(tmp_path):
    one = TORCH._replace(model=str(tmp_path / 'nothing'))
    with Processes(SETTINGS, str(tmp_path)) as processes:
        with pytest.raises(EngineError, match='no model at'):
            processes.get(one)


def test_the_one_that_ran_longest_ago_is_closed_for_another(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'MeasuringProcess', Opened)
    first, second, third = (TORCH._replace(threads=count) for count in (1, 2, 3))
    with Processes(Settings(processes=2), str(tmp_path)) as processes:
        old, other = processes.get(first), processes.get(second)
        assert processes.get(first) is old
        newest = processes.get(third)
        assert (old.closed, other.closed, newest.closed) == (False, True, False)
    assert old.closed and newest.closed


def test_short_memory_closes_all_others(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'MeasuringProcess', Opened)
    monkeypatch.setattr(module, 'free_memory_share', lambda: 0.1)
    with Processes(SETTINGS, str(tmp_path)) as processes:
        old = processes.get(TORCH)
        processes.get(TORCH._replace(threads=2))
        assert old.closed


def test_a_process_that_made_the_graph_is_replaced_once(tmp_path, monkeypatch):
    """Its memory would be that of the export."""
    started = []

    class Preparing(Opened):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.opened = {'prepared': True}
            started.append(self)

    monkeypatch.setattr(module, 'MeasuringProcess', Preparing)
    with Processes(Settings(processes=1), str(tmp_path)) as processes:
        assert processes.get(TORCH) is started[1]
        assert started[0].closed and not started[1].closed
        processes.get(TORCH._replace(threads=2))
        processes.get(TORCH)
        assert len(started) == 5


def test_free_memory_is_read(tmp_path):
    assert free_memory_share(str(tmp_path)) == 1
    (tmp_path / 'proc').mkdir()
    (tmp_path / 'proc/meminfo').write_text('MemTotal:  8000 kB\nMemAvailable:  2000 kB\n')
    assert free_memory_share(str(tmp_path)) == 0.25


def test_waiting_ends_with_rest(monkeypatch):
    """It looks until three looks in a row have found the same."""
    ticks = iter([1, 2, 3, 3, 4, 4, 4, 4, 99])
    monkeypatch.setattr(module, '_ticks', lambda pid: next(ticks))
    monkeypatch.setattr(module, 'LOOK_S', 0)
    wait_until_quiet(os.getpid())
    assert next(ticks) == 99
