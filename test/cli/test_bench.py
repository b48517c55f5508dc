# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks from the command line: real engines on a tiny model."""

import json
import sys
import types

from espnet_perception.benchmark import record
from espnet_perception.cli import bench
from espnet_perception.cli.main import main
import pytest


@pytest.fixture(autouse=True)
def same_commit(monkeypatch):
    """Let nobody's commit come between."""
    monkeypatch.setattr(record, 'commit', lambda mark_changes: 'abc1234')


def refused(capsys, *arguments):
    """Return the one sentence with which the command refuses."""
    assert main(['bench', *arguments]) == 1
    return capsys.readouterr().err.strip()


def test_engines_side_by_side(tmp_path, tiny_model_dir, capsys, monkeypatch):
    """From the command to table and plots; the same command again measures nothing."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    report = tmp_path / 'report.json'
    report.write_text(json.dumps({
        'source': {'model': 'tiny', 'network_width': 96, 'network_height': 64},
        'dataset': 'camvid', 'split': 'test', 'metrics': {'miou': 0.5}}))
    arguments = ['bench', '--models', str(tiny_model_dir), '--engines', 'onnxruntime,torch',
                 '--threads', '1', '--iterations', '6', '--rounds', '6', '--steady', '0',
                 '--warm-up', '1', '--accuracy', str(report), '--output', str(tmp_path / 'out')]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert 'commit abc1234' in printed
    document = json.loads((tmp_path / 'out/bench.json').read_text())
    fast, slow = document['configurations']
    assert (fast['engine'], slow['engine']) == ('onnxruntime', 'torch')
    assert fast['figures']['latency']['count'] == slow['figures']['latency']['count'] == 6
    assert fast['equal_classes'] > 0.99
    assert slow['figures']['times_faster'] == 1
    assert fast['facts']['threads'] == 1
    assert all(50 < row['figures']['peak_mb'] < 5000 for row in (fast, slow))
    table = (tmp_path / 'out/table.md').read_text()
    assert '| tiny | onnxruntime | fp32 | 96x64 | 1 |' in table
    assert '50.0 mIoU (evaluated)' in table
    for name in ('latency.png', 'mIoU_against_latency.png'):
        assert (tmp_path / 'out' / name).stat().st_size > 1000
    assert main(arguments) == 0
    again = capsys.readouterr()
    assert 'measured already; --restart measures anew' in again.err
    assert again.out == printed


def test_a_model_and_a_file_made_of_it(tmp_path, tiny_model_dir):
    """Both have the name of the model; the file says so in its row."""
    path = str(tmp_path / 'tiny.onnx')
    assert main(['export', str(tiny_model_dir), '--labels', '--output', path]) == 0
    assert main(['bench', '--models', '{},{}'.format(tiny_model_dir, path), '--engines',
                 'onnxruntime', '--threads', '1', '--iterations', '2', '--rounds', '2', '--steady',
                 '0', '--warm-up', '1', '--output', str(tmp_path / 'out')]) == 0
    rows = json.loads((tmp_path / 'out/bench.json').read_text())['configurations']
    assert [row['name'] for row in rows] == ['tiny', 'tiny (fp32 file)']
    assert all(row['figures']['latency']['count'] >= 2 for row in rows)


@pytest.mark.parametrize('arguments, said', [
    (['--rounds', '0'], '--rounds is 0, expected 1 to 100000'),
    (['--precisions', 'fp8'], "--precisions has 'fp8', expected fp32"),
    (['--threads', '1,x'], "--threads is '1,x', expected whole numbers of 0 to 256"),
    (['--engines', 'onxruntime'], "unknown engine 'onxruntime'; did you mean 'onnxruntime'?"),
    (['--sizes', '96'], "--size is '96', expected WIDTHxHEIGHT"),
    (['--only', 'espnet'], "--only chooses among the papers' networks; add --papers"),
    (['--papers', '--models', 'x'], '--papers brings its own models; leave --models out'),
    (['--models', 'espnetv2_s0.5_sinthetic'], "did you mean 'espnetv2_s0.5_synthetic'?"),
    (['--accuracy', '/nowhere.json'], 'cannot read the report /nowhere.json'),
    (['--baseline', 'engine=tensorrt', '--engines', 'torch'],
     "unknown engine in --baseline 'tensorrt'"),
    (['--engines', 'torch,torch'], 'is asked for twice'),
])
def test_wrong_arguments_are_refused_in_one_sentence(capsys, arguments, said):
    sentence = refused(capsys, *arguments)
    assert said in sentence
    assert len(sentence.splitlines()) == 1


def test_node_is_another_command_line(monkeypatch, capsys):
    """The options of --node are its own, and none of the others is asked for."""
    seen = []
    module = types.ModuleType('espnet_perception.cli.bench_node', 'Measure a node.')
    module.DESCRIPTION = 'the node'
    module.add_arguments = lambda parser: parser.add_argument('--cameras', type=int)
    module.run = lambda chosen: seen.append(chosen.cameras)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr('espnet_perception.cli.bench_node', module, raising=False)
    assert main(['bench', '--cameras', '2', bench.NODE_OPTION]) == 0
    assert seen == [2]
    with pytest.raises(SystemExit):
        main(['bench', bench.NODE_OPTION, '--papers'])
    with pytest.raises(SystemExit):
        main(['bench', '--cameras', '2'])
