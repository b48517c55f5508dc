# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the command that runs the paper's ablations again."""

import os

from espnet_perception.cli.main import main
from espnet_perception.training import ablation
import pytest


@pytest.fixture
def no_training(monkeypatch):
    """Let every run be done, with figures that depend on row and seed."""
    def pretend(experiment, runs, folder, tell):
        tell('0 of {} runs are done'.format(len(runs)))
        for name, seed in runs:
            yield ablation.Result(name, seed, 0.5 + 0.02 * int(name[1]) + 0.001 * seed, 1.0)
    monkeypatch.setattr(ablation, 'run', pretend)


def test_it_prints_tables_and_draws_the_chart(no_training, tmp_path, capsys):
    out = str(tmp_path / 'out')
    assert main(['ablate', '--rows', 'R1,R2', '--seeds', '2', '--out', out]) == 0
    said = capsys.readouterr().out
    assert 'ESPNetv2 s=0.5 learns from' in said and '0 of 4 runs are done' in said
    assert '(R2 - R1, 2 seeds): helps; paper +1.13' in said
    assert said.rstrip().endswith(os.path.join(out, 'ablation.png'))
    assert os.path.getsize(os.path.join(out, 'ablation.png')) > 1000


def test_stopped_before_the_end_is_status_3(monkeypatch, tmp_path):
    monkeypatch.setattr(ablation, 'run', lambda *_: iter(()))
    assert main(['ablate', '--rows', 'R1', '--out', str(tmp_path)]) == 3


def test_wrong_arguments_are_one_sentence(tmp_path, capsys):
    assert main(['ablate', '--rows', 'R1,R9', '--out', str(tmp_path)]) == 1
    assert main(['ablate', '--width', '0.6', '--out', str(tmp_path)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "unknown row 'R9'" in said[0] and 'width is 0.6, expected one of' in said[1]
