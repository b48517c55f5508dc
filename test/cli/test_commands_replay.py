# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Texts are replayed through a command model, as a user types it."""

import json

from espnet_perception.cli.main import main


def test_replay(small_command_model, tmp_path, capsys):
    model, grammar = small_command_model
    assert main(['commands', 'generate', '--count', '40', '--grammar', grammar]) == 0
    (tmp_path / 'truth.jsonl').write_text(capsys.readouterr().out)
    (tmp_path / 'far.txt').write_text('what is the weather in paris\nplay jazz\n')
    chosen = ['commands', 'replay', str(tmp_path / 'truth.jsonl'), '--model', model, '--grammar',
              grammar, '--far', str(tmp_path / 'far.txt'), '--output', str(tmp_path / 'out')]
    assert main(chosen) == 0
    printed = capsys.readouterr().out
    assert 'intent accuracy' in printed and 'latency p95' in printed
    document = json.loads((tmp_path / 'out/report.json').read_text())
    assert document['texts'] == 40 and document['truth']['intent_accuracy'] > 0.95
    assert document['foreign']['far']['accepted'] == 0
    page = (tmp_path / 'out/report.md').read_text()
    assert '| intent accuracy |' in page and '## Texts that are no commands' in page


def test_a_missing_file_is_one_sentence(capsys):
    assert main(['commands', 'replay', 'gone.txt']) == 1
    assert capsys.readouterr().err.count('\n') == 1
