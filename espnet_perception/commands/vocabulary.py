# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The words that a command model knows, and where its scores stand."""

from typing import Any, List, NamedTuple, Sequence, Tuple

UNKNOWN, BEGIN, END, NUMBER = '<unknown>', '<begin>', '<end>', '<number>'
SPECIAL = (UNKNOWN, BEGIN, END, NUMBER)


class WordList:
    """
    Words and their ids.

    :param words: SPECIAL first, then the words in their normal form.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        self._ids = {word: place for place, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def id_of(self, word: str) -> int:
        """Return the id of a word; that of NUMBER for other numbers, else that of UNKNOWN."""
        found = self._ids.get(word)
        if found is None:
            found = self._ids[NUMBER if word.isdigit() else UNKNOWN]
        return found

    def knows(self, word: str) -> bool:
        """Return whether a word is known, or a number."""
        return word in self._ids or word.isdigit()

    def sequence(self, words: Sequence[str]) -> List[int]:
        """Return the ids of a whole text: BEGIN, its words, END."""
        return [self.id_of(word) for word in [BEGIN] + list(words) + [END]]


class Columns(NamedTuple):
    """
    Where the scores of each head stand in a row of scores; there is a row after each token.

    Rows may be NumPy arrays or tensors of (T, ..., columns), T tokens with BEGIN and END. What a
    word means often shows with the next one only, so its label is scored by its own row and the
    row after; the intent by the row after END and by the mean of the words' rows.

    :param words: in the vocabulary.
    :param labels: of words.
    :param intents: of texts.
    """

    words: int
    labels: int
    intents: int

    @property
    def heads(self) -> int:
        """Return the number of columns beside those of the next word."""
        return 2 * (self.labels + self.intents)

    def next_word(self, rows: Any) -> Any:
        """Return (T, ..., words) logits of the word after each token."""
        return rows[..., :self.words]

    def label_logits(self, rows: Any) -> Any:
        """Return (T - 2, ..., labels) logits of the label of each word."""
        own, after = self._cut(rows, self.words, self.labels)
        return own[1:-1] + after[2:]

    def intent_logits(self, rows: Any) -> Any:
        """Return (..., intents) logits of the intent."""
        last, mean = self._cut(rows, self.words + 2 * self.labels, self.intents)
        return last[-1] + mean[1:-1].mean(0)

    @staticmethod
    def _cut(rows: Any, begin: int, width: int) -> Tuple[Any, Any]:
        return rows[..., begin:begin + width], rows[..., begin + width:begin + 2 * width]
