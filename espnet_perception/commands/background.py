# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
How likely a text is in general: the background that a command model is compared with.

A text that is no command has a low likelihood under the command model, but so has a rare
command; what tells them apart is the ratio to a model of text in general. Bigrams with
Witten-Bell smoothing do for short texts: counted in seconds, a microsecond a word, and no second
network beside the command model.
"""

from collections import Counter
import json
import math
from typing import Dict, Iterable, List, Sequence

from espnet_perception.commands.vocabulary import BEGIN, END, UNKNOWN
from espnet_perception.errors import ModelError

UNSEEN_WORDS = 10000  # an unknown word is one of so many
FORMAT = 'espnet_perception bigrams 1'


class Background:
    """
    A bigram model.

    :param words: counts of words, with END and UNKNOWN.
    :param pairs: counts of following words, by the word before, BEGIN among them.
    """

    def __init__(self, words: Dict[str, int], pairs: Dict[str, Dict[str, int]]) -> None:
        self._words, self._pairs = words, pairs
        self._total = sum(words.values())
        self._sums = {before: (sum(after.values()), len(after)) for before, after
                      in pairs.items()}

    def log_likelihood(self, words: Sequence[str]) -> float:
        """
        Return the natural logarithm of the likelihood of a text, its end included.

        :param words: in their normal form.
        """
        total, before = 0.0, BEGIN
        for word in list(words) + [END]:
            known = word if word in self._words else UNKNOWN
            total += math.log(self._probability(before, known))
            if known == UNKNOWN:
                total -= math.log(UNSEEN_WORDS)
            before = known
        return total

    def _probability(self, before: str, word: str) -> float:
        alone = (self._words.get(word, 0) + 1) / (self._total + len(self._words) + 1)
        count, kinds = self._sums.get(before, (0, 0))
        if not count:
            return alone
        return (self._pairs[before].get(word, 0) + kinds * alone) / (count + kinds)

    def save(self, path: str) -> None:
        """
        Write the counts as JSON.

        :param path: file to write.
        """
        with open(path, 'w', encoding='utf-8') as stream:
            json.dump({'format': FORMAT, 'words': self._words, 'pairs': self._pairs}, stream,
                      ensure_ascii=False, separators=(',', ':'), sort_keys=True)


def count(texts: Iterable[List[str]], fewest: int = 2, pairs: bool = True) -> Background:
    """
    Count words and pairs of texts.

    :param texts: words of each text, in their normal form.
    :param fewest: words and pairs that occur less often are not kept; such words are unknown.
    :param pairs: False: count words alone, where there are no texts but the commands themselves;
        the ratio then tells commands from their words in disorder.
    """
    texts = list(texts)
    every = Counter(word for text in texts for word in text)
    kept = {word: number for word, number in every.items() if number >= fewest}
    words = dict(kept, **{END: len(texts), UNKNOWN: sum(
        number for number in every.values() if number < fewest)})
    following = Counter()  # type: Counter
    for text in texts if pairs else ():
        known = [BEGIN] + [word if word in kept else UNKNOWN for word in text] + [END]
        following.update(zip(known[:-1], known[1:]))
    nested = {}  # type: Dict[str, Dict[str, int]]
    for (before, word), number in following.items():
        if number >= fewest:
            nested.setdefault(before, {})[word] = number
    return Background(words, nested)


def load(path: str) -> Background:
    """
    Read counts that were saved.

    :param path: written by ``Background.save``.
    :raises ModelError: missing, damaged or something else.
    """
    try:
        with open(path, encoding='utf-8') as stream:
            values = json.load(stream)
    except OSError as error:
        raise ModelError('cannot read the background model {}: {}'.format(path, error.strerror))
    except ValueError:
        values = None
    if not isinstance(values, dict) or values.get('format') != FORMAT:
        raise ModelError('{} is no background model; train the command model again'.format(path))
    return Background(values['words'], values['pairs'])
