# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
From typed or transcribed text to words that can be compared.

Letters lose case and accents, apostrophes vanish (``don't`` is ``dont``, as recognisers often
write it), punctuation and control characters part words, and numbers become digits.
"""

import re
from typing import List, NamedTuple, Tuple
import unicodedata

APOSTROPHES = frozenset(map(ord, "'\u2019\u2018\u02bc\u00b4`"))
WORD = re.compile(r'[^\W_]+')
SENTENCE_END = re.compile(r'[.,;:!?\u2026\n]+')
UNITS = {word: number for number, word in enumerate(
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen '
    'fifteen sixteen seventeen eighteen nineteen'.split())}
TENS = {word: 10 * number for number, word in enumerate(
    'twenty thirty forty fifty sixty seventy eighty ninety'.split(), 2)}
HUNDRED = 'hundred'


class _Folded(dict):
    """What each character becomes, by its code; worked out once."""

    def __missing__(self, code: int) -> str:
        self[code] = self._fold(chr(code))
        return self[code]

    @staticmethod
    def _fold(character: str) -> str:
        if ord(character) in APOSTROPHES:
            return ''
        if unicodedata.category(character)[0] == 'C':  # control, format, surrogate, unassigned
            return ' '
        parts = unicodedata.normalize('NFKD', character.casefold()).casefold()
        return ''.join(part for part in parts if not unicodedata.combining(part))


_FOLDED = _Folded()


class Token(NamedTuple):
    """
    A word and where it stands.

    :param word: normalised.
    :param start: index of its first character in the text.
    :param end: index after its last character.
    """

    word: str
    start: int
    end: int


def fold(text: str) -> str:
    """
    Return a text without case, accents, apostrophes and control characters.

    :param text: any text; lone surrogates of broken UTF-8 are taken for spaces.
    """
    return text.translate(_FOLDED)


def words(text: str) -> List[str]:
    """
    Return the words of a text, numbers as they are; quicker than :func:`tokens`.

    :param text: any text.
    """
    return WORD.findall(fold(text))


def tokens(text: str) -> List[Token]:
    """
    Return the words of a text with their places; number words become digits.

    :param text: any text.
    :return: in order; empty where there is no letter or digit.
    """
    folded, places = [], []  # type: List[str], List[int]
    for place, character in enumerate(text):
        for part in _FOLDED[ord(character)]:
            folded.append(part)
            places.append(place)
    found = [Token(match.group(), places[match.start()], places[match.end() - 1] + 1)
             for match in WORD.finditer(''.join(folded))]
    return _with_digits(found)


def _with_digits(found: List[Token]) -> List[Token]:
    """Replace number words up to 999: twenty one is 21, two hundred five is 205."""
    result, index = [], 0  # type: List[Token], int
    while index < len(found):
        number, used = _number([token.word for token in found[index:index + 4]])
        if used:
            last = found[index + used - 1]
            result.append(Token(str(number), found[index].start, last.end))
            index += used
        else:
            result.append(found[index])
            index += 1
    return result


def _number(ahead: List[str]) -> Tuple[int, int]:
    """Read a number at the beginning; returns it and how many words it takes, 0 for none."""
    number, used = 0, 0
    if ahead[1:2] == [HUNDRED] and 1 <= UNITS.get(ahead[0], 0) <= 9:
        number, used = 100 * UNITS[ahead[0]], 2
    rest = ahead[used:]
    if rest and rest[0] in TENS:
        number, used = number + TENS[rest[0]], used + 1
        rest = [word for word in rest[1:2] if 1 <= UNITS.get(word, 0) <= 9]
    if rest and rest[0] in UNITS:
        number, used = number + UNITS[rest[0]], used + 1
    return number, used
