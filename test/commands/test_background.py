# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The background model against figures worked out by hand."""

import math

from espnet_perception.commands import background
from espnet_perception.errors import ModelError
import pytest

TEXTS = [['a', 'b'], ['a', 'b'], ['a', 'c']]


def test_probabilities_by_hand():
    # words: a 3, b 2, end 3, unknown 1 (c); 9 in all, 4 kinds: alone = (count + 1) / 14
    # pairs that occur twice: begin-a 3, a-b 2, b-end 2
    model = background.count(TEXTS)
    begin_a = (3 + 1 * 4 / 14) / (3 + 1)
    a_b = (2 + 1 * 3 / 14) / (2 + 1)
    b_end = (2 + 1 * 4 / 14) / (2 + 1)
    assert model.log_likelihood(['a', 'b']) == pytest.approx(math.log(begin_a * a_b * b_end))


def test_an_unknown_word_costs_its_share_of_all_words():
    model = background.count(TEXTS, pairs=False)
    alone = {'a': 4 / 14, '?': 2 / 14, 'end': 4 / 14}
    assert model.log_likelihood(['a', 'zebra']) == pytest.approx(
        math.log(alone['a'] * alone['?'] * alone['end']) - math.log(background.UNSEEN_WORDS))


def test_probabilities_add_up_to_one():
    model = background.count(TEXTS, fewest=1)
    for before in ('<begin>', 'a', 'b', 'never seen'):
        total = sum(model._probability(before, word) for word in model._words)
        assert total == pytest.approx(1.0, abs=0.08)  # the rest is left to words never seen
        assert total < 1.0


def test_saved_and_read_again(tmp_path):
    path = str(tmp_path / 'background.json')
    model = background.count(TEXTS)
    model.save(path)
    assert background.load(path).log_likelihood(['a']) == model.log_likelihood(['a'])


@pytest.mark.parametrize('text', ['', '{', '[]', '{"format": "else"}'])
def test_a_damaged_file(tmp_path, text):
    path = tmp_path / 'background.json'
    path.write_text(text)
    with pytest.raises(ModelError, match='no background model'):
        background.load(str(path))


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match='cannot read'):
        background.load(str(tmp_path / 'gone'))
