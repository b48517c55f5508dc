# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every field of every message says what it is, in which unit and range."""

import re
from typing import List

import pytest
from source_tree import REPOSITORY

FIELD = re.compile(r'^(?P<type>[\w/]+)(?P<array>\[[\d<=]*\])?\s+(?P<name>[a-z]\w*)\s*$')
NUMBERS = re.compile(r'^(u?int\d+|float\d+|byte|char)$')
MESSAGES = sorted((REPOSITORY / 'espnet_msgs').glob('*/*.msg'))


def wrong_fields(text: str) -> List[str]:
    """Return the fields without a comment above, and the numbers without unit and range."""
    wrong, comment = [], ''
    for line in text.splitlines():
        if line.startswith('#'):
            comment += line + '\n'
        elif not line.strip():
            comment = ''
        else:
            wrong += wrong_field(line, comment)
            comment = ''
    return wrong


def wrong_field(line: str, comment: str) -> List[str]:
    field = FIELD.match(line)
    if field is None:
        return [f'not understood: {line}']
    if not comment:
        return [f'{field["name"]} has no comment']
    if NUMBERS.match(field['type']) and not ('range' in comment or 'Probabilit' in comment):
        return [f'{field["name"]} has no range']
    if NUMBERS.match(field['type']) and 'unit' not in comment:
        return [f'{field["name"]} has no unit']
    return []


def test_there_are_messages():
    assert {path.stem for path in MESSAGES} >= {'Legend', 'ClassScores'}


@pytest.mark.parametrize('path', MESSAGES, ids=lambda path: path.stem)
def test_every_field_is_commented(path):
    assert wrong_fields(path.read_text(encoding='utf-8')) == []


def test_every_message_is_built():
    text = (REPOSITORY / 'espnet_msgs/CMakeLists.txt').read_text(encoding='utf-8')
    assert [path.name for path in MESSAGES if f'{path.parent.name}/{path.name}' not in text] == []


@pytest.mark.parametrize('text, expected', [
    ('string name\n', ['name has no comment']),
    ('# The id.\nuint8 id\n', ['id has no range']),
    ('# The id, range 0..9.\nuint8[] id\n', ['id has no unit']),
    ('# Headline.\n\nstring name\n', ['name has no comment']),
    ('# Name.\nstring name\n', []),
    ('# Id, no unit, range 0..9.\nuint8 id\n', []),
])
def test_a_bare_field_is_found(text, expected):
    assert wrong_fields(text) == expected
