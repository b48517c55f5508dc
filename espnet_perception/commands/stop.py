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
"""

import re
from typing import Dict, Iterable, List, NamedTuple, Set, Tuple

from espnet_perception.commands.normalise import fold, SENTENCE_END, WORD

REPEATED = re.compile(r'(.)\1+')
SINGLE_LETTERS = re.compile(r'(?<![^\W_])[^\W\d_](?:[\s.\-_*]+[^\W\d_](?![^\W_])){2,}')
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
        self._fillers = {_key(word) for word in stop_words.fillers}
        self._nouns = _padded(map(_keys, stop_words.nouns))
        self._run_together = re.compile('(?:{})+$'.format(
            '|'.join(sorted(map(re.escape, self._singles))) or '(?!)'))

    def find(self, text: str) -> str:
        """
        Return the stop word or phrase of a text in its normal form; empty where there is none.

        :param text: any text, perhaps still being typed.
        """
        said = []  # type: List[str]
        for sentence in SENTENCE_END.split(_joined_letters(text)):
            found_words = WORD.findall(fold(sentence))
            canonical = {word: self._canonical(word) for word in set(found_words)}
            keys = [canonical[word] for word in found_words]
            line = ' ' + ' '.join(keys) + ' '
            for noun in self._nouns:
                line = line.replace(noun, ' ')
            for phrase in self._phrases:
                if phrase in line:
                    return phrase.strip()
            said.extend(key for key in keys if key not in self._fillers)
        return self._found_alone([self._slips_alone.get(key, key) for key in said])

    def spares(self, word: str) -> bool:
        """Return whether a word, in its normal form, is another one or begins one."""
        return word in self._others or word in self._begun

    def _found_alone(self, said: List[str]) -> str:
        """Return the phrase that alone was said, perhaps several times; empty for none."""
        for phrase in self._alone:
            times, rest = divmod(len(said), len(phrase))
            if times and not rest and tuple(said) == phrase * times:
                return ' '.join(phrase)
        return ''

    def _canonical(self, word: str) -> str:
        """Return the key of the stop word that a word stands for, or its own."""
        if word in self._others:
            return word
        key = _key(word)
        if self._run_together.match(key):
            return next(single for single in self._singles if key.startswith(single))
        return key if word in self._begun else self._slips.get(key, key)


def _joined_letters(text: str) -> str:
    """Join letters that stand apart: s t o p and S.T.O.P. become stop."""
    return SINGLE_LETTERS.sub(lambda match: re.sub(r'[\W_]', '', match.group()), text)


def _key(word: str) -> str:
    """Return a word with every repeated letter once."""
    return REPEATED.sub(r'\1', word)


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
