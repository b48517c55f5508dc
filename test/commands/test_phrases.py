# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The notation of phrases."""

import random

from espnet_perception.commands import phrases
from espnet_perception.errors import GrammarError
import pytest


def all_forms(text):
    return [' '.join(form) for form in phrases.forms(phrases.parse(text))]


@pytest.mark.parametrize('text, expected', [
    ('go to {place}', ['go to {place}']),
    ('go [now]', ['go now', 'go']),
    ('(a|b c) d', ['a d', 'b c d']),
    ('[please] (go|run [fast])', ['please go', 'please run fast', 'please run', 'go', 'run fast',
                                  'run']),
    ('a|b', ['a', 'b']),
    ("Don't GO", ['dont go']),
])
def test_forms(text, expected):
    part = phrases.parse(text)
    assert all_forms(text) == expected
    assert phrases.count_forms(part) == len(expected)
    drawn = {' '.join(phrases.pick_form(part, random.Random(seed))) for seed in range(200)}
    assert drawn == set(expected)


def test_roles_and_groups():
    part = phrases.parse('<take> {what} [from {where}|{what}]')
    assert phrases.roles(part) == ['what', 'where']
    assert phrases.groups(part) == ['take']
    assert phrases.sure_roles(part) == {'what'}
    whole = phrases.expand_groups(part, {'take': phrases.parse('take|grab')})
    assert phrases.groups(whole) == []
    assert next(phrases.forms(whole))[0] == 'take'


@pytest.mark.parametrize('text, fragment', [
    ('go [now', "'[' without its partner"),
    ('go now]', "']' without its partner"),
    ('(a|b', "'(' without its partner"),
    ('(a]', "'(' without its partner"),
    ('go to {place', "'{' without its partner"),
    ('go to {}', "empty '{}'"),
    ('go & run', "'&', which is no word"),
    ('', 'expected words'),
    (7, 'expected words'),
])
def test_mistakes(text, fragment):
    with pytest.raises(GrammarError) as caught:
        phrases.parse(text)
    assert fragment in str(caught.value)
