# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Two reports side by side from the command line."""

import copy
import json

from espnet_perception.cli.main import main
from espnet_perception.evaluation.comparison import compare
import pytest

REPLAY = {
    'package_version': '0.1.0', 'machine': {'processor': 'A', 'cores': 2},
    'source': {'model': 'tiny', 'engine': 'torch'}, 'task': 'segmentation', 'classes': ['a', 'b'],
    'bags': [{'name': 'drive'}],
    'overall': {'frames': {'total': 8, 'drop_rate': None},
                'metrics': {'miou': 0.5, 'classes': [{'name': 'a', 'iou': 0.25}],
                            'confusion': [[1, 2], [3, 4]]},
                'latency_ms': {'total': {'count': 8, 'p50_ms': 20.0}}}}
ROW = {'key': 'tiny torch fp32 96x64 threads=1', 'name': 'tiny', 'engine': 'torch',
       'precision': 'fp32', 'width': 96, 'height': 64, 'threads': 1, 'sha256': 'ab', 'printed': {},
       'facts': {'engine': 'torch', 'version': '2.0'}, 'accuracy': None, 'refused': '',
       'figures': {'latency': {'p50_ms': 10.0, 'p95_ms': 12.0, 'p99_ms': 13.0}, 'energy_mj': 50.0,
                   'uncertainty_percent': 1.0, 'frames_per_second': 99.0, 'peak_mb': 100.0,
                   'power_mw': 5000.0, 'repeat_spread_percent': None}}
BENCH = {'kind': 'benchmark', 'format': 1, 'package_version': '0.1.0', 'commit': 'abc',
         'machine': {'processor': 'A', 'cores': 2, 'system': 'Linux', 'python': '3.11'},
         'started': 'then', 'updated': 'later', 'finished': 'later', 'gpus': [],
         'settings': {'iterations': 100, 'rounds': 10, 'repeats': 1}, 'baseline': {},
         'power': {'rails': [{'name': 'VDD_IN', 'source': 'INA3221', 'where': '/sys/x'}],
                   'total': ['VDD_IN'], 'missing': '', 'idle_mw': None},
         'conditions': [{'governors': ['powersave'], 'clock_mhz': [800.0, 2000.0], 'load': 0.1,
                         'limits_mhz': [800.0, 2000.0], 'mode': 'MAXN', 'temperatures': {}}],
         'configurations': [ROW]}


@pytest.fixture()
def written(tmp_path):
    """Return a function that writes a report into a folder of its own and returns the file."""
    def write(name, values):
        folder = tmp_path / name
        folder.mkdir()
        path = folder / ('bench.json' if 'kind' in values else 'report.json')
        path.write_text(json.dumps(values))
        return path
    return write


def faster_replay():
    """Return a report of another engine, with half of the latency and one more class."""
    other = copy.deepcopy(REPLAY)
    other['source']['engine'] = 'openvino'
    other['overall']['latency_ms']['total']['p50_ms'] = 10.0
    other['overall']['metrics']['classes'].append({'name': 'b', 'iou': 0.75})
    return other


def test_replays(tmp_path, written, capsys):
    first, second = written('torch', REPLAY), written('openvino', faster_replay())
    assert main(['compare', str(first), str(second), '--output', str(tmp_path / 'out')]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ['condition', 'that', 'differs', 'torch/report.json',
                                'openvino/report.json']
    assert lines[1].split() == ['source.engine', 'torch', 'openvino']
    assert lines[2] == ''
    figures = {line.split()[0]: line.split()[1:] for line in lines[3:-1]}
    assert figures['latency_ms.total.p50_ms'] == ['20', '10', '-10', '0.500']
    assert figures['frames.total'] == ['8', '8', '+0', '1.000']
    assert figures['metrics.classes.b.iou'] == ['-', '0.75', '-', '-']
    assert 'metrics.confusion' not in figures
    assert (tmp_path / 'out/compare.png').stat().st_size > 1000
    assert '| latency_ms.total.p50_ms | 20 | 10 | -10 | 0.500 |' in (
        tmp_path / 'out/compare.md').read_text()


def test_benchmarks(written):
    other = copy.deepcopy(BENCH)
    other['conditions'][0].update(governors=['performance'], clock_mhz=[2000.0, 2000.0])
    other['configurations'][0]['figures']['energy_mj'] = 25.0
    found = compare(written('a', BENCH), written('b', other))
    assert found.conditions == [
        ('governors', "['powersave']", "['performance']"),
        ('clocks in MHz', '800 to 2000', '2000 to 2000')]
    energy, = (pair for pair in found.pairs if pair.name == ROW['key'] + ': energy_mj')
    assert (energy.first, energy.second, energy.difference, energy.ratio) == (50, 25, -25, 0.5)


def test_the_same_report_twice_says_so(written, capsys):
    first, second = written('a', REPLAY), written('b', REPLAY)
    assert main(['compare', str(first.parent), str(second.parent)]) == 0
    assert capsys.readouterr().out.startswith('Conditions: all that the reports tell are alike.')


def test_one_benchmark_alone_is_shown_and_drawn(tmp_path, written, capsys):
    path = written('a', BENCH)
    assert main(['compare', str(path), '--output', str(tmp_path / 'out')]) == 0
    printed = capsys.readouterr().out
    assert 'governor powersave; power mode MAXN; clocks 800 to 2000 MHz' in printed
    assert 'W and mJ/frame: INA3221 VDD_IN; idle power is included.' in printed
    names = sorted(one.name for one in (tmp_path / 'out').iterdir())
    assert names == ['compare.md', 'energy.png', 'latency.png', 'power.png']


@pytest.mark.parametrize('other, said', [
    (BENCH, 'is of a replay and'),
    ({'task': 'x'}, 'is no report; give report.json of'),
])
def test_what_cannot_be_compared_is_refused(written, capsys, other, said):
    first, second = written('a', REPLAY), written('b', other)
    assert main(['compare', str(first), str(second)]) == 1
    assert said in capsys.readouterr().err


def test_what_is_not_there_is_refused(tmp_path, capsys):
    assert main(['compare', str(tmp_path), str(tmp_path)]) == 1
    assert 'cannot read {}/report.json: No such file'.format(tmp_path) in capsys.readouterr().err
