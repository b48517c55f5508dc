# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Stop words, found without a network, on whole and on partial text.

A wrong stop costs a moment, a missed one may cost more, so the rules lean towards stopping:

- a word of the list counts wherever it stands, so ``don't stop`` and ``stop following me`` stop;
- letters may be repeated (``stooop``), parted (``S.T.O.P.``), run together (``stopstop``) or have
  one slip of the finger (``stpo``), unless the result is another word or begins one (``shop``,
  ``sto`` of a ``store`` that is still being typed);
- words that are common elsewhere (``enough``) count only where nothing else is said;
- a noun that merely holds a stop word (``bus stop``) does not stop. These nouns are a list in
  YAML; an empty list makes them stop as well.

A stop by text is a request to the robot's software. It replaces no emergency stop.

However long a text is, only words that may be a stop word are looked at one by one, and each
different word once; everything else goes over the whole text at once, some tenths of a
microsecond a word.
"""

import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from espnet_perception.commands.normalise import fold, SENTENCE_END, WORD
import numpy as np

FEWEST_LETTERS = 3  # letters that stand apart and are taken for a word
MARK = '.'  # what becomes of the end of a sentence
LETTERS = 'abcdefghijklmnopqrstuvwxyz'
SHORTEST_WITH_SLIP = 4  # letters; of a shorter word a slip is too often another word


class StopWords(NamedTuple):
    """
    What stops.

    :param anywhere: words and phrases that stop wherever they stand.
    :param alone: those that stop where beside them only fillers are said.
    :param fillers: words that say nothing, such as please.
    :param nouns: phrases that hold a stop word and do not stop.
    :param look_alikes: words that one slip of the finger would turn into a stop word, and that
        do not stop.
    """

    anywhere: Tuple[str, ...] = ()
    alone: Tuple[str, ...] = ()
    fillers: Tuple[str, ...] = ()
    nouns: Tuple[str, ...] = ()
    look_alikes: Tuple[str, ...] = ()


LAST_RESORT = StopWords(anywhere=('stop', 'halt'))  # where the list itself cannot be read


class StopWatch:
    """
    Finds a stop word in a text.

    :param stop_words: the list.
    :param other_words: further words that are not taken for a slip, such as the vocabulary of
        the commands.
    """

    def __init__(self, stop_words: StopWords, other_words: Iterable[str] = ()) -> None:
        listed = [_keys(phrase) for phrase in stop_words.anywhere]
        known = {word for phrase in stop_words.anywhere for word in WORD.findall(fold(phrase))}
        others = set(stop_words.look_alikes).union(other_words)
        self._others = others - known
        self._begun = {word[:end] for word in others for end in range(1, len(word))}
        self._singles = {keys[0] for keys in listed if len(keys) == 1}
        self._slips = dict(_slips({key for keys in listed for key in keys}),
                           **_slips(self._singles))
        self._phrases = _padded(listed)
        alone = [_keys(phrase) for phrase in stop_words.alone]
        self._alone = {tuple(keys) for keys in alone}
        self._slips_alone = _slips({key for keys in alone for key in keys})
        self._fillers = {_key(word) for word in stop_words.fillers}.union((MARK,))
        self._known_alone = self._fillers.union(self._slips_alone)
        self._letters = set(LETTERS).union(*self._slips)
        self._nouns = _padded(map(_keys, stop_words.nouns))
        self._companions = {key for noun in self._nouns for key in noun.split()}
        self._pairs = [' ' + first + second for first in self._singles
                       for second in self._singles]
        self._run_together = re.compile(' (?:{})+(?= )'.format(
            '|'.join(sorted(map(re.escape, self._singles))) or '(?!)'))

    def find(self, text: str) -> str:
        """
        Return the stop word or phrase of a text in its normal form; empty where there is none.

        :param text: any text, perhaps still being typed.
        """
        words = text.translate(_LINED).replace(MARK, ' . ').split()
        if len(self._letters.intersection(words)) >= FEWEST_LETTERS:
            words = _joined_letters(words)
        distinct = list(set(words))
        line = _key(' '.join(distinct))
        keys = dict(zip(distinct, line.split()))
        kinds = set(keys.values())
        named = kinds.intersection(self._slips)
        line = ' {} '.format(line)
        if any(pair in line for pair in self._pairs):
            named.update(found[1:] for found in self._run_together.findall(line))
        found = self._found_anywhere(self._told(words, keys, named)) if named else ''
        return found or (self._found_alone([keys[word] for word in words])
                         if kinds.issubset(self._known_alone) else '')

    def spares(self, word: str) -> bool:
        """Return whether a word, in its normal form, is another one or begins one."""
        return word in self._others or word in self._begun

    def _told(self, words: List[str], keys: Dict[str, str], named: Set[str]) -> List[str]:
        """
        Return the keys of the words that count; a MARK stands for all that was said between two.

        :param words: that were said.
        :param keys: of each of them.
        :param named: those keys that may be a stop word's.
        """
        counting = {word: self._canonical(word, key) if key in named else key
                    for word, key in keys.items() if key in named or key in self._companions}
        told, end = [], 0  # type: List[str], int
        for place in [place for place, word in enumerate(words) if word in counting]:
            if place > end:
                told.append(MARK)
            told.append(counting[words[place]])
            end = place + 1
        return told

    def _found_anywhere(self, keys: List[str]) -> str:
        """Return the phrase that was said, in whatever company."""
        line = ' ' + ' '.join(keys) + ' '
        if any(phrase in line for phrase in self._phrases):
            for noun in self._nouns:
                line = line.replace(noun, ' ')
        return next((phrase.strip() for phrase in self._phrases if phrase in line), '')

    def _found_alone(self, keys: List[str]) -> str:
        """Return the phrase that alone was said, perhaps several times; empty for none."""
        said = [self._slips_alone.get(key, key) for key in keys if key not in self._fillers]
        for phrase in self._alone:
            times, rest = divmod(len(said), len(phrase))
            if times and not rest and tuple(said) == phrase * times:
                return ' '.join(phrase)
        return ''

    def _canonical(self, word: str, key: str) -> str:
        """Return the key of the stop word that a word stands for, or its own."""
        if word in self._others:
            return word
        if self._run_together.match(' {} '.format(key)):
            return next(single for single in self._singles if key.startswith(single))
        return key if word in self._begun else self._slips.get(key, key)


class _Lined(dict):
    """What becomes of each character, by its code: folded, a MARK, a space, or nothing."""

    def __missing__(self, code: int) -> Optional[str]:
        character = chr(code)
        self[code] = MARK if SENTENCE_END.match(character) else ''.join(
            part if WORD.match(part) else ' ' for part in fold(character)) or None
        return self[code]


_LINED = _Lined()


def _joined_letters(words: List[str]) -> List[str]:
    """Join letters that stand apart: s t o p and s . t . o . p become stop."""
    joined, letters = [], []  # type: List[str], List[str]
    for word in words + ['']:
        if len(word) == 1 and word.isalpha():
            letters.append(word)
        elif word != MARK or not letters:
            joined += [''.join(letters)] if len(letters) >= FEWEST_LETTERS else letters
            joined.append(word)
            letters = []
    return joined[:-1]


def _key(words: str) -> str:
    """Return words with every repeated letter once."""
    if not words:
        return ''
    coding = 'ascii' if len(words) == len(words.encode('utf-8')) else 'utf-32-le'
    letters = np.frombuffer(words.encode(coding), np.uint8 if coding == 'ascii' else np.uint32)
    first = np.ones(len(letters), bool)
    np.not_equal(letters[1:], letters[:-1], out=first[1:])
    return letters[first].tobytes().decode(coding)


def _keys(phrase: str) -> List[str]:
    return [_key(word) for word in WORD.findall(fold(phrase))]


def _padded(phrases: Iterable[List[str]]) -> List[str]:
    """Return phrases between spaces, the longest first."""
    return sorted({' ' + ' '.join(keys) + ' ' for keys in phrases if keys},
                  key=lambda phrase: (-len(phrase), phrase))


def _slips(keys: Set[str]) -> Dict[str, str]:
    """Return what one slip makes of words: a letter left out, added, changed, or two swapped."""
    found = {}  # type: Dict[str, str]
    for key in sorted(keys):
        if len(key) < SHORTEST_WITH_SLIP:
            continue
        for place in range(len(key) + 1):
            head, tail = key[:place], key[place:]
            made = [head + tail[1:], head + tail[1:2] + tail[:1] + tail[2:]]
            made += [head + letter + rest for letter in LETTERS for rest in (tail, tail[1:])]
            for one in made:
                found.setdefault(_key(one), key)
    return dict(found, **{key: key for key in keys})
