# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Ids of words, and which score belongs to what."""

from espnet_perception.commands.vocabulary import Columns, SPECIAL, WordList
import numpy as np


def test_ids():
    words = WordList(list(SPECIAL) + ['3', 'go'])
    assert words.sequence(['go', '3', '7', 'zebra']) == [1, 5, 4, 3, 0, 2]
    assert [words.knows(word) for word in ('go', '7', 'zebra')] == [True, True, False]
    assert len(words) == 6


def test_columns_by_hand():
    columns = Columns(words=2, labels=1, intents=2)
    assert columns.heads == 6
    rows = np.arange(4 * 8, dtype=float).reshape(4, 8)  # BEGIN, two words, END
    assert columns.next_word(rows).shape == (4, 2)
    # own score of a word is in column 2, that of the row after in column 3
    assert columns.label_logits(rows).tolist() == [[10.0 + 19.0], [18.0 + 27.0]]
    # last row: columns 4, 5; mean over the words' rows: columns 6, 7
    assert columns.intent_logits(rows).tolist() == [28.0 + (14.0 + 22.0) / 2,
                                                    29.0 + (15.0 + 23.0) / 2]
