# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The facts of a model."""

from espnet_perception import model_card
from espnet_perception.cli.main import main
from espnet_perception.engines import choose_engine, ENGINES, present_engines
from espnet_perception.networks import create_network


def test_card_size_and_engines(tiny_model_dir, capsys):
    """Everything that the card says, what was counted, and what auto would take."""
    assert main(['info', str(tiny_model_dir)]) == 0
    lines = {line[:18].strip(): line[19:] for line in capsys.readouterr().out.splitlines()}
    card = model_card.load(str(tiny_model_dir))
    assert lines['model'] == 'tiny' and lines['sha256'] == card.sha256
    assert lines['classes'] == '5: a, b, c, d, e'
    assert lines['input'].startswith('96 x 64 pixels, rgb')
    network = create_network('espnetv2_seg', classes=5, width=0.5)
    assert lines['parameters'] == '{:,}'.format(
        sum(parameter.numel() for parameter in network.parameters()))
    assert lines['multiply-adds'].endswith('at 96 x 64')


def test_engines_are_listed_with_the_choice_of_auto(tiny_model_dir, capsys):
    """One row for each engine of the table."""
    main(['info', str(tiny_model_dir)])
    rows = {line.split()[1]: line for line in capsys.readouterr().out.splitlines()
            if line.startswith('engine ')}
    assert set(rows) == set(ENGINES)
    for name, row in rows.items():
        assert ('present' in row) == (name in present_engines())
        assert ('auto picks it' in row) == (name == choose_engine('auto'))


def test_an_absent_engine_says_what_to_install(tiny_model_dir, capsys, monkeypatch):
    """The name of the distribution."""
    monkeypatch.setitem(ENGINES, 'openvino',
                        ENGINES['openvino']._replace(package='no_such_package'))
    main(['info', str(tiny_model_dir)])
    assert 'absent (pip install openvino)' in capsys.readouterr().out


def test_a_released_checkpoint(shared_dir, capsys):
    """Parameters and multiply-adds as the published tables have them."""
    path = shared_dir / 'reference/checkpoints/edgenets/espnetv2_s_0.5_city_512x256.pth'
    assert main(['info', str(path)]) == 0
    text = capsys.readouterr().out
    assert 'parameters         80,342\n' in text
    assert '149,069,' in text
