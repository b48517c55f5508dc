# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The facts of a model, of a network, and of the papers."""

import json

from espnet_perception import model_card
from espnet_perception.cli import info_tables
from espnet_perception.cli.main import main
from espnet_perception.engines import choose_engine, ENGINES, present_engines
from espnet_perception.networks import create_network, network_arguments, NETWORKS, papers
from espnet_perception.networks.counting import count
import pytest


def shown(capsys, *arguments):
    """Run info and return its lines, none wider than a terminal."""
    assert main(['info', *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= info_tables.WIDTH
    return lines


def facts(capsys, *arguments):
    """Run info --json and return what it says."""
    assert main(['info', '--json', *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments):
    """Run info and return the sentence with which it refuses."""
    assert main(['info', *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ''
    return captured.err


def test_card_size_and_engines(tiny_model_dir, capsys):
    """Everything that the card says, what was counted, and what auto would take."""
    lines = {line[:18].strip(): line[19:] for line in shown(capsys, str(tiny_model_dir))}
    card = model_card.load(str(tiny_model_dir))
    assert lines['model'] == 'tiny' and lines['sha256'] == card.sha256
    assert lines['classes'] == '5: a, b, c, d, e'
    assert lines['input'].startswith('96 x 64 pixels, rgb')
    network = create_network('espnetv2_seg', classes=5, width=0.5)
    assert lines['parameters'] == '{:,}'.format(
        sum(parameter.numel() for parameter in network.parameters()))
    assert lines['multiply-adds'].endswith('at 96 x 64')
    assert lines['receptive field'] == '1,763 pixels at pyramid1, then the whole image'


def test_engines_are_listed_with_the_choice_of_auto(tiny_model_dir, capsys):
    """One row for each engine of the table."""
    rows = {line.split()[1]: line for line in shown(capsys, str(tiny_model_dir))
            if line.startswith('engine ')}
    assert set(rows) == set(ENGINES)
    for name, row in rows.items():
        assert ('present' in row) == (name in present_engines())
        assert ('auto picks it' in row) == (name == choose_engine('auto'))


def test_an_absent_engine_says_what_to_install(tiny_model_dir, capsys, monkeypatch):
    """The name of the distribution."""
    monkeypatch.setitem(ENGINES, 'openvino',
                        ENGINES['openvino']._replace(package='no_such_package'))
    assert 'not installed (pip install openvino)' in '\n'.join(shown(capsys, str(tiny_model_dir)))


def test_a_released_checkpoint(shared_dir, capsys):
    """Parameters and multiply-adds as the published tables have them."""
    path = shared_dir / 'reference/checkpoints/edgenets/espnetv2_s_0.5_city_512x256.pth'
    text = '\n'.join(shown(capsys, str(path)))
    assert 'parameters         80,342\n' in text
    assert '149,069,' in text


def test_a_model_for_programs(tiny_model_dir, capsys):
    """The same as JSON, with the card as it is."""
    found = facts(capsys, str(tiny_model_dir), '--stages', '--size', '128x64')
    assert found['card'] == model_card.to_dict(model_card.load(str(tiny_model_dir)))
    assert found['size'] == {'width': 128, 'height': 64}
    network = create_network('espnetv2_seg', classes=5, width=0.5)
    assert found['counts'] == count(network, (64, 128))._asdict()
    assert sum(row['multiply_adds'] for row in found['stages']) == \
        found['counts']['multiply_adds']
    assert found['receptive_fields']['encoder.level1'] == 3
    assert set(found['engines']) == set(present_engines())


def test_without_torch_the_card_is_shown(tiny_model_dir, capsys, monkeypatch):
    """A robot with another engine has no torch."""
    monkeypatch.setattr(info_tables, 'has_torch', lambda: False)
    lines = shown(capsys, str(tiny_model_dir), '--stages')
    assert 'parameters         not counted: torch is not installed' in lines
    for arguments in (['--networks'], ['--papers'], ['espnet', '--arguments', 'q=3']):
        assert 'torch, which is not installed; pip install torch' in refused(capsys, *arguments)


def test_stages(capsys):
    """A row for each stage, with sums, and a column for each kind of layer that there is."""
    lines = shown(capsys, 'espnet', '--arguments', 'q=3', '--stages', '--size', '1024x512')
    assert lines[3].strip() == ('275,251,200 of the transposed convolutions, which the papers do '
                                'not count')
    title = next(line for line in lines if line.startswith('stage'))
    assert title.split() == ['stage', 'output', 'parameters', 'multiply-adds', 'transposed',
                             'sees']
    rows = {line.split()[0]: line.split()[1:] for line in lines[lines.index(title) + 1:] if line}
    assert rows['encoder.level2_down'] == ['64', 'x', '128', 'x', '256', '9,156', '293,732,352',
                                           '0', '135']
    assert rows['sum'] == ['202,649', '3,123,470,336', '275,251,200']


def test_a_classifier_without_weights(capsys):
    """The network of Table 2 at the papers' size."""
    lines = shown(capsys, 'espnetv2', '--stages')
    assert lines[0].startswith('network            espnetv2 (classes=1000, width=2.0, fusion=true')
    assert 'multiply-adds      284,806,228 of the convolutions at 224 x 224' in lines
    assert any(line.strip() == '1,280,000 of the fully connected layer, which the papers do not '
               'count' for line in lines)
    assert any(line.split()[:2] == ['classifier', '1000'] and line.endswith('image')
               for line in lines)


@pytest.mark.parametrize('arguments, sentence', [
    (['espnetv2_seg', '--arguments', 'wdth=3'],
     "unknown argument of network 'espnetv2_seg': 'wdth'; did you mean 'width'? valid: classes"),
    (['espnetv2_seg', '--arguments', 'width=wide'], "got width 'wide', expected a number"),
    (['espnetv2_seg', '--arguments', 'width=0.7'], 'got width 0.7, expected one of 0.5'),
    (['espnetv2_seg', '--arguments', 'classes=[1'], "got classes '[1', expected a whole number"),
    (['espnetv2_seg', '--arguments', 'width'], "got the argument 'width', expected NAME=VALUE"),
    (['espnetv2_seg', '--arguments', 'width='], "got the argument 'width=', expected NAME=VALUE"),
    (['espnetv3', '--arguments', 'width=1'], "unknown network 'espnetv3'; did you mean 'espnetv2"),
    (['espnetv3_synthetic'], "unknown model 'espnetv3_synthetic'; did you mean"),
    (['espnet', '--size', '12'], "--size is '12', expected WIDTHxHEIGHT such as 1024x512"),
    (['espnet', '--size', '0x64'], 'each of 1 to 8192'),
    (['espnet', '--size', '225x224'], 'got an input of 225x224 pixels, expected multiples of 8'),
])
def test_wrong_arguments(capsys, arguments, sentence):
    """One sentence each."""
    error = refused(capsys, *arguments)
    assert sentence in error
    assert error.count('\n') == 1


def test_arguments_are_not_for_a_model(tiny_model_dir, capsys):
    """The card has them."""
    error = refused(capsys, str(tiny_model_dir), '--arguments', 'width=1.0')
    assert "tiny' is a model, and its arguments are on its card" in error


def test_networks_and_their_arguments(capsys):
    """Every network, what it is, and the arguments with their defaults."""
    text = '\n'.join(shown(capsys, '--networks'))
    assert 'espnet_c_comparison  ESPNet-C whose ESP modules' in text
    assert 'width=2.0, fusion=true' in text
    rows = {row['name']: row for row in facts(capsys, '--networks')['networks']}
    assert set(rows) == set(NETWORKS)
    for name, row in rows.items():
        assert set(row['arguments']) == set(network_arguments(name))
        assert row['summary'].endswith('.')


def test_papers(capsys):
    """Table 2, 4, 5 and Figure 7c beside ours."""
    lines = shown(capsys, '--papers')
    row = next(line for line in lines if line.startswith('Table 2, s = 2.0'))
    assert row.split()[5:] == ['3.49', 'M', '3,498,136', '284', 'M', '284,806,228', 'agrees',
                               '72.1', 'top-1']
    assert 'Table 2, s = 2.0: 284 M is 284,806,228 cut off, not rounded' in lines
    assert lines[-1] == '{0} of {0} rows agree to the printed precision'.format(
        len(papers.PRINTED))


def test_a_figure_that_is_not_reached_is_a_failure(capsys, monkeypatch):
    """The exit status tells a continuous build."""
    wrong = papers.PRINTED[0]._replace(parameters='1.25 M')
    monkeypatch.setattr(papers, 'PRINTED', (wrong,) + papers.PRINTED[-1:])
    assert main(['info', '--papers']) == 1
    text = capsys.readouterr().out
    assert 'DIFFERS' in text and '1 of 2 rows agree' in text
    assert main(['info', '--papers', '--json']) == 1
    assert [row['agrees'] for row in json.loads(capsys.readouterr().out)['rows']] == [False, True]
