# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The sub-command commands, as a user types it."""

import json

from espnet_perception.cli.main import main


def test_check_sums_up(capsys):
    assert main(['commands', 'check']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith('navigate') and 'motion' in line and 'place*' in line
               for line in lines)
    assert 'stop words' in lines[-1]


def test_check_as_json(capsys):
    assert main(['commands', 'check', '--json']) == 0
    summary = json.loads(capsys.readouterr().out)
    assert {'intent', 'motion', 'roles', 'required', 'forms'} == set(summary['intents'][0])
    assert summary['labels'][0] == 'O'


def test_a_mistake_is_one_sentence(capsys, tmp_path):
    (tmp_path / 'mine.yaml').write_text('intnets: {}\n')
    assert main(['commands', 'check', '--grammar', str(tmp_path)]) == 1
    assert capsys.readouterr().err.count('\n') == 1


def test_generate(capsys):
    assert main(['commands', 'generate', '--count', '31', '--seed', '3']) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len({row['intent'] for row in rows}) == 31
    assert all(slot['value'] and row['text'][slot['start']:slot['end']]
               for row in rows for slot in row['slots'])


def test_generate_text_and_refuse_a_negative_count(capsys):
    assert main(['commands', 'generate', '--count', '2', '--text']) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(['commands', 'generate', '--count', '-2']) == 1
    assert '--count is -2' in capsys.readouterr().err
