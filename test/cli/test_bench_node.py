# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The sub-command bench --node against a real node in a process of its own."""

import json

from espnet_perception.cli.main import main
import pytest

QUICK = ['--cameras', '1', '--seconds', '1', '--threads', '1', '--size', '96x64', '--lowest-rate',
         '2', '--highest-rate', '4']


def test_a_node_under_load(ros, tiny_model_dir, tmp_path, capsys):
    """Two rates, a table, a plot; what is finished is not measured again."""
    arguments = ['bench', '--node', '--model', str(tiny_model_dir), '--engine', 'torch',
                 '--output', str(tmp_path)] + QUICK
    assert main(arguments) == 0
    document = json.loads((tmp_path / 'bench_node.json').read_text())
    steps = document['cameras']['1']['steps']
    assert [step['rate_hz'] for step in steps][:2] == [2.0, 4.0]
    assert all(step['sent'] == step['answers'] + step['dropped'] + step['lost'] for step in steps)
    assert steps[0]['answers'] > 0 and steps[0]['cpu_percent'][0] > 0
    assert document['cameras']['1']['node']['engine'] == 'torch'
    assert (tmp_path / 'bench_node.png').stat().st_size > 10_000
    text = capsys.readouterr().out
    assert 'p95 (ms)' in text and '1 camera: ' in text
    assert main(arguments) == 0  # at once: no node is started
    assert json.loads((tmp_path / 'bench_node.json').read_text()) == document
    assert main(arguments[:-2] + ['--highest-rate', '8', '--seconds', '2']) == 1
    assert 'seconds: 1.0 there, 2.0 now' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, sentence', [
    (['--cameras', '1,many'], "--cameras is '1,many', expected numbers from 1 to 16"),
    (['--lowest-rate', '9', '--highest-rate', '3'], 'the rates are 9 and 3 Hz'),
    (['--seconds', '0'], '--seconds is 0'), (['--size', 'large'], "--size is 'large'")])
def test_what_cannot_be_measured_is_one_sentence(tmp_path, capsys, arguments, sentence):
    """Before any node is started."""
    assert main(['bench', '--node', '--output', str(tmp_path / 'out')] + arguments) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
