# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Commands are tried in the terminal while typing, and one by one by scripts."""

import json
import os
import select
import subprocess
import sys

from espnet_perception.cli.command_prompt import after_key, shown
from espnet_perception.cli.main import main
from espnet_perception.pipeline.commander import create_commander
import pytest


@pytest.fixture(scope='module')
def commander(small_command_model):
    return create_commander(*small_command_model)


def test_one_shot(small_command_model, capsys):
    model, grammar = small_command_model
    arguments = ['commands', 'try', '--model', model, '--grammar', grammar, '--json']
    assert main(arguments + ['go to the kitchen']) == 0
    reading = json.loads(capsys.readouterr().out)
    assert reading['accepted'] and reading['slots'][0]['value'] == 'kitchen'
    assert main(arguments + ['go to the sauna', 'stop']) == 1
    reasons = [json.loads(line)['reason'] for line in capsys.readouterr().out.splitlines()]
    assert reasons == ['unlisted_value', 'stop']


def test_lines_of_the_standard_input(small_command_model):
    model, grammar = small_command_model
    done = subprocess.run(
        [sys.executable, '-m', 'espnet_perception.cli.main', 'commands', 'try', '--model', model,
         '--grammar', grammar], input=b'go to the hall\n\xff\xfe\n\n', stdout=subprocess.PIPE)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1 and len(lines) == 3
    assert lines[0].startswith('yes') and "place='hall'" in lines[0]
    assert all('unknown_words' in line for line in lines[1:])


def test_no_model(capsys):
    assert main(['commands', 'try', '--model', 'nowhere', 'go']) == 1
    assert 'no command model' in capsys.readouterr().err


@pytest.mark.parametrize('text, key, expected', [
    ('go', 'n', 'gon'), ('go', '\x7f', 'g'), ('', '\x7f', ''), ('go', '\r', ''),
    ('go', '\x15', ''),
    ('bring me the c', '\t', 'bring me the cup '), ('bring me ', '\t', 'bring me the '),
    ('go', '\x01', 'go'), ('qqq', '\t', 'qqq')])
def test_keys(commander, text, key, expected):
    assert after_key(commander, text, key) == expected


def test_the_display(commander):
    lines = shown(commander, 'bring me the c')
    assert lines[0] == '> bring me the c'
    assert 'bring' in lines[1] and 'next: cup' in lines[2]


def test_typing_in_a_terminal(small_command_model):
    pty = pytest.importorskip('pty')
    model, grammar = small_command_model
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, '-m', 'espnet_perception.cli.main', 'commands', 'try', '--model', model,
         '--grammar', grammar], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = until(ours, b'next:')
    os.write(ours, b'go to the ki\t')
    seen += until(ours, b"place='kitchen'")
    os.write(ours, b'\x04')
    assert process.wait(30) == 0
    os.close(ours)
    assert b'Tab takes the first completion' in seen


def until(terminal, expected):
    seen = b''
    while expected not in seen:
        assert select.select([terminal], [], [], 60.0)[0], seen
        seen += os.read(terminal, 4096)
    return seen
