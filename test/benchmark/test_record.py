# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The file of a benchmark is whole at any time, and is gone on with only by the same command."""

import os

from benchmarks import OPENVINO, record, TORCH
from espnet_perception import whole_files
from espnet_perception.benchmark import record as module
from espnet_perception.benchmark.plan import Settings
from espnet_perception.benchmark.record import load
from espnet_perception.errors import OutputError, SettingsError
import pytest


@pytest.fixture(autouse=True)
def same_commit(monkeypatch):
    """Let nobody's commit come between."""
    monkeypatch.setattr(module, 'commit', lambda mark_changes: 'abc1234')


def test_a_record_is_opened_again(tmp_path):
    path = tmp_path / 'new folder' / 'bench.json'
    first = record(path, Settings(), TORCH)
    first.save()
    again = record(path, Settings(), TORCH)
    assert again.document['started'] == first.document['started']
    assert again.document['commit'] == 'abc1234'
    assert not again.finished


@pytest.mark.parametrize('settings, everyone, said', [
    (Settings(rounds=3), [TORCH], r'other settings \(rounds\); choose another --output'),
    (Settings(), [TORCH, OPENVINO], r'other weights \(tiny openvino fp32 96x64 threads=1\)'),
])
def test_another_benchmark_is_not_gone_on_with(tmp_path, settings, everyone, said):
    path = tmp_path / 'bench.json'
    record(path, Settings(), TORCH).save()
    with pytest.raises(OutputError, match=said):
        record(path, settings, *everyone)
    assert record(path, settings, *everyone, restart=True).document['conditions'] == []


def test_another_commit_is_not_gone_on_with(tmp_path, monkeypatch):
    record(tmp_path / 'bench.json', Settings(), TORCH).save()
    monkeypatch.setattr(module, 'commit', lambda mark_changes: 'def5678')
    with pytest.raises(OutputError, match="commit \\('abc1234' there, 'def5678' now\\)"):
        record(tmp_path / 'bench.json', Settings(), TORCH)


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / 'bench.json'
    kept = record(path, Settings(), TORCH)
    kept.save()
    before = path.read_text()

    def full(_part, _path):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(whole_files.os, 'replace', full)
    kept.document['finished'] = 'now'
    with pytest.raises(OutputError, match='No space left on device; free some space'):
        kept.save()
    assert path.read_text() == before
    assert os.listdir(str(tmp_path)) == ['bench.json']


@pytest.mark.parametrize('text', ['', '[]', '{"kind": "replay"}'])
def test_what_is_no_benchmark_is_refused(tmp_path, text):
    (tmp_path / 'bench.json').write_text(text)
    with pytest.raises(SettingsError, match='is no benchmark of this version'):
        load(str(tmp_path / 'bench.json'))
    with pytest.raises(OutputError, match='or --restart to replace it'):
        record(tmp_path / 'bench.json', Settings(), TORCH)
