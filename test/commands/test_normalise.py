# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Text becomes words, and every word knows where it stood."""

from espnet_perception.commands.normalise import tokens, words
import pytest


@pytest.mark.parametrize('text, expected', [
    ('Bring me THE cup!', ['bring', 'me', 'the', 'cup']),
    ("don't  stop\u2019s", ['dont', 'stops']),
    ('Caf\u00e9 Stra\u00dfe \uff26\uff55ll', ['cafe', 'strasse', 'full']),
    ('go\x00to\u200bthe\tlab\n', ['go', 'to', 'the', 'lab']),
    ('\u041c\u0438\u0440 \u4f60\u597d', ['\u043c\u0438\u0440', '\u4f60\u597d']),
    ('broken \udcff byte', ['broken', 'byte']),
    ('snake_case-word', ['snake', 'case', 'word']),
    ('', []), ('?!...', []), ('\x00\x07', []),
])
def test_words(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize('text, expected', [
    ('wait twenty one seconds', ['wait', '21', 'seconds']),
    ('two hundred twenty five', ['225']),
    ('two hundred', ['200']),
    ('forty meters', ['40', 'meters']),
    ('one two', ['1', '2']),
    ('zero', ['0']),
    ('hundred', ['hundred']),
    ('3 cups', ['3', 'cups']),
])
def test_numbers_become_digits(text, expected):
    assert [token.word for token in tokens(text)] == expected


def test_places_are_those_of_the_text():
    text = "Don't go, \ufb01nd twenty-one  CAF\u00c9S"
    assert [(token.word, text[token.start:token.end]) for token in tokens(text)] == [
        ('dont', "Don't"), ('go', 'go'), ('find', '\ufb01nd'), ('21', 'twenty-one'),
        ('cafes', 'CAF\u00c9S')]


def test_ten_thousand_words():
    assert len(tokens('word ' * 10000)) == 10000
