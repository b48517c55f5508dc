# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A command grammar: what it holds, and what can be asked of it; ``grammar_file`` reads it."""

import itertools
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from espnet_perception.commands.normalise import tokens
from espnet_perception.commands.phrases import Form, Part
from espnet_perception.commands.stop import StopWatch, StopWords

OUTSIDE = 'O'


class Vocabulary(NamedTuple):
    """
    The values that a role may have.

    :param name: what they are, such as place.
    :param listed: only these values are accepted; else they are examples of what may be said.
    :param values: value to the ways of saying it, itself among them.
    :param spoken: normal form of each way to its value.
    """

    name: str
    listed: bool
    values: Dict[str, Tuple[str, ...]]
    spoken: Dict[str, str]

    def value_of(self, said: str) -> Optional[str]:
        """
        Return the value that was said.

        :param said: as it stands in the text.
        :return: the value; of a vocabulary that is not listed what was said, in its normal form;
            None where it is not on the list.
        """
        words = normal_form(said)
        return self.spoken.get(words, None if self.listed else words)


class Intent(NamedTuple):
    """
    Something that can be commanded.

    :param name: of the intent.
    :param motion: the robot or its arm moves when it obeys.
    :param roles: name of a role to the name of its vocabulary.
    :param required: roles without which the command cannot be carried out.
    :param phrases: trees of its phrases, without word groups.
    """

    name: str
    motion: bool
    roles: Dict[str, str]
    required: Tuple[str, ...]
    phrases: Tuple[Part, ...]


class Grammar(NamedTuple):
    """
    All commands of a robot.

    :param intents: by name, in order.
    :param vocabularies: by name.
    :param before: trees of what may be said before a command, such as please.
    :param after: of what may be said after it.
    :param stop_words: what stops at once.
    """

    intents: Dict[str, Intent]
    vocabularies: Dict[str, Vocabulary]
    before: Tuple[Part, ...]
    after: Tuple[Part, ...]
    stop_words: StopWords

    def labels(self) -> List[str]:
        """Return the labels of words: O, and B-role and I-role of every role."""
        names = sorted({role for intent in self.intents.values() for role in intent.roles})
        return [OUTSIDE] + [prefix + name for name in names for prefix in ('B-', 'I-')]

    def words(self) -> FrozenSet[str]:
        """Return every word that a command may hold, in its normal form."""
        found = set()  # type: set
        for tree in itertools.chain(self.before, self.after, *[
                intent.phrases for intent in self.intents.values()]):
            found.update(_words_of(tree))
        for vocabulary in self.vocabularies.values():
            for ways in vocabulary.values.values():
                found.update(token.word for way in ways for token in tokens(way))
        return frozenset(found)

    def stop_watch(self) -> StopWatch:
        """Return what finds the stop words."""
        return StopWatch(self.stop_words, self.words())


def normal_form(text: str) -> str:
    """Return the words of a text with single spaces."""
    return ' '.join(token.word for token in tokens(text))


def role_of(symbol: str) -> str:
    """Return the role that a word of a form stands for; empty where it is a plain word."""
    return symbol[1:-1] if symbol[0] == '{' else ''


def with_vocabularies(form: Form, intent: Intent) -> Form:
    """Return a form with the names of vocabularies in the places of roles."""
    return tuple('{' + intent.roles[role_of(symbol)] + '}' if role_of(symbol) else symbol
                 for symbol in form)


def _words_of(part: Part) -> List[str]:
    if part.kind == 'word':
        return [part.name]
    return [word for one in part.parts for word in _words_of(one)]
