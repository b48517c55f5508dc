# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Ways in which a stop word reaches the robot other than it is spelled.

Repeated, stretched, with capitals and punctuation, with single letters, run together, politely,
and with one slip of a finger. A slip that gives another word of the language, or the beginning of
one, is that word.
"""

from typing import Callable, Iterator, List, NamedTuple

from espnet_perception.commands.normalise import words
from espnet_perception.commands.stop import SHORTEST_WITH_SLIP, StopWatch, StopWords

KEYBOARD = ('qwertyuiop', 'asdfghjkl', 'zxcvbnm')
PLAIN = ('{}', '{}!', '{}!!!', '"{}"', '...{}...', '*{}*', '{0} {0}', '{0} {0} {0}!', '{0}, {0}',
         '  {}  ', '\t{}\n', '{}\x00', '\ufeff{}', '{}?', '{} please', 'please {}', '{} now',
         'robot {}', 'no, {}', '{} at once')
WITHIN = ("don't {}", 'do not {}', 'you must {} here', '{} the car', 'go to the kitchen, {}',
          'bring me the cup {}', '{} following me')


class StopFigures(NamedTuple):
    """
    How well stop words are found.

    :param variants: how many were tried.
    :param missed: those that were not found.
    :param others: how many other texts were tried.
    :param false: those that were taken for a stop.
    """

    variants: int
    missed: List[str]
    others: int
    false: List[str]

    @property
    def recall(self) -> float:
        """Share of the variants that were found; NaN where there are none."""
        return 1 - len(self.missed) / self.variants if self.variants else float('nan')

    @property
    def false_per_1000(self) -> float:
        """Return the false stops among 1,000 other texts; NaN where there are none."""
        return 1000 * len(self.false) / self.others if self.others else float('nan')


def measure_stops(watch: StopWatch, stop_words: StopWords, others: List[str]) -> StopFigures:
    """
    Try every variant of the list, and texts that mean no stop.

    :param watch: finds stop words.
    :param stop_words: the list.
    :param others: texts that mean no stop.
    """
    tried = [text for phrase in stop_words.anywhere + stop_words.alone
             for text in variants(phrase, watch.spares)]
    tried += [pattern.format(phrase) for phrase in stop_words.anywhere for pattern in WITHIN]
    return StopFigures(len(tried), [text for text in tried if not watch.find(text)],
                       len(others), [text for text in others if watch.find(text)])


def variants(phrase: str, spares: Callable[[str], bool]) -> Iterator[str]:
    """
    Yield the ways in which a phrase arrives.

    :param phrase: a stop word or phrase.
    :param spares: tells which words a slip must not give.
    """
    spellings = [phrase, phrase.upper(), phrase.title(), phrase.replace("'", '\u2019')]
    for spelling in spellings:
        for pattern in PLAIN:
            yield pattern.format(spelling)
    for place, letter in enumerate(phrase):
        if letter.isalpha():
            for times in (2, 3, 6):
                yield phrase[:place] + letter * times + phrase[place + 1:]
    if ' ' not in phrase:
        yield ' '.join(phrase)
        yield '.'.join(phrase.upper()) + '.'
        yield '-'.join(phrase)
    for slip in slips(phrase):
        if not any(map(spares, words(slip))):
            yield slip


def slips(phrase: str) -> Iterator[str]:
    """
    Yield a phrase with one slip: two letters swapped, one left out, or hit beside its key.

    :param phrase: only its words of four letters and more are changed.
    """
    parts = phrase.split()
    for index, part in enumerate(parts):
        if len(set(part)) < SHORTEST_WITH_SLIP:
            continue
        for place in range(len(part)):
            head, letter, tail = part[:place], part[place], part[place + 1:]
            changed = [head + tail, head + tail[:1] + letter + tail[1:]]
            changed += [head + near + tail for near in _beside(letter)]
            for one in changed:
                yield ' '.join(parts[:index] + [one] + parts[index + 1:])


def _beside(letter: str) -> List[str]:
    for row in KEYBOARD:
        place = row.find(letter)
        if place >= 0:
            return list(row[max(0, place - 1):place] + row[place + 1:place + 2])
    return []
