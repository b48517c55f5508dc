# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The notation of a phrase: words, [optional parts], (one|or another), {roles} and <word groups>.

A phrase is read into a tree; the tree tells its roles, how many forms it has and what they are,
and gives one of them by chance.
"""

import itertools
import random
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from espnet_perception.commands.normalise import tokens
from espnet_perception.errors import GrammarError

SYMBOL = re.compile(r'\s*(\[|\]|\(|\)|\||\{[^{}]*\}|<[^<>]*>|[^\s\[\]()|{}<>]+)')
CLOSERS = {'[': ']', '(': ')'}

# One form of a phrase: words, and roles in braces.
Form = Tuple[str, ...]


class Part(NamedTuple):
    """
    A node of the tree.

    :param kind: word, role, group, sequence or choice.
    :param name: the word, or the name of the role or of the group.
    :param parts: of a sequence and of a choice.
    """

    kind: str
    name: str = ''
    parts: Tuple = ()


NOTHING = Part('sequence')


def parse(text: str) -> Part:
    """
    Read a phrase.

    :param text: in the notation of this module.
    :return: its tree.
    :raises GrammarError: a bracket without its partner, an empty alternative of all, no word.
    """
    if not isinstance(text, str) or not text.strip():
        raise GrammarError('a phrase is {!r}, expected words such as go to {{place}}'.format(text))
    symbols = _symbols(text)
    part, rest = _alternatives(symbols, 0, text)
    if rest != len(symbols):
        raise GrammarError("the phrase '{}' has a '{}' without its partner".format(
            text, symbols[rest]))
    return part


def roles(part: Part) -> List[str]:
    """Return the names of the roles in a phrase, each once, in order."""
    return _names(part, 'role')


def groups(part: Part) -> List[str]:
    """Return the names of the word groups that a phrase uses, each once, in order."""
    return _names(part, 'group')


def expand_groups(part: Part, known: Dict[str, Part]) -> Part:
    """
    Put word groups in their places.

    :param part: of a phrase.
    :param known: name to the tree of a group without groups.
    """
    if part.kind == 'group':
        return known[part.name]
    return part._replace(parts=tuple(expand_groups(one, known) for one in part.parts))


def count_forms(part: Part) -> int:
    """Return how many forms a phrase has, equal ones counted as often as they occur."""
    if part.kind == 'choice':
        return sum(map(count_forms, part.parts))
    total = 1
    for one in part.parts:
        total *= count_forms(one)
    return total


def forms(part: Part) -> Iterator[Form]:
    """Yield every form of a phrase without groups."""
    if part.kind == 'word':
        yield (part.name,)
    elif part.kind == 'role':
        yield ('{' + part.name + '}',)
    elif part.kind == 'choice':
        for one in part.parts:
            for form in forms(one):
                yield form
    else:
        for combination in itertools.product(*[list(forms(one)) for one in part.parts]):
            yield tuple(itertools.chain(*combination))


def sure_roles(part: Part) -> Set[str]:
    """Return the roles that every form of a phrase has."""
    if part.kind == 'role':
        return {part.name}
    if part.kind == 'choice':
        return set.intersection(*map(sure_roles, part.parts))
    return set().union(*map(sure_roles, part.parts)) if part.parts else set()


def pick_form(part: Part, rng: random.Random) -> List[str]:
    """
    Return one form by chance.

    :param part: of a phrase without groups.
    :param rng: source of chance; only ``random()`` is used, which is the same in every Python.
    """
    if part.kind == 'choice':
        return pick_form(pick(part.parts, rng), rng)
    if part.kind == 'sequence':
        return [word for one in part.parts for word in pick_form(one, rng)]
    return [part.name if part.kind == 'word' else '{' + part.name + '}']


def pick(options: Sequence, rng: random.Random) -> Any:
    """Return one of the options by chance."""
    return options[int(rng.random() * len(options))]


def _symbols(text: str) -> List[str]:
    symbols, place = [], 0  # type: List[str], int
    while text[place:].strip():
        match = SYMBOL.match(text, place)
        if match is None:
            raise GrammarError("the phrase '{}' has a '{}' without its partner".format(
                text, text[place:].strip()[0]))
        symbols.append(match.group(1))
        place = match.end()
    return symbols


def _alternatives(symbols: List[str], place: int, text: str) -> Tuple[Part, int]:
    options, parts = [], []  # type: List[Part], List[Part]
    while place < len(symbols) and symbols[place] not in CLOSERS.values():
        symbol = symbols[place]
        place += 1
        if symbol == '|':
            options.append(_sequence(parts))
            parts = []
        elif symbol in CLOSERS:
            part, place = _alternatives(symbols, place, text)
            if symbols[place:place + 1] != [CLOSERS[symbol]]:
                raise GrammarError("the phrase '{}' has a '{}' without its partner".format(
                    text, symbol))
            parts.append(part if symbol == '(' else Part('choice', '', (part, NOTHING)))
            place += 1
        else:
            parts.extend(_leaves(symbol, text))
    options.append(_sequence(parts))
    return (options[0] if len(options) == 1 else Part('choice', '', tuple(options))), place


def _leaves(symbol: str, text: str) -> List[Part]:
    if symbol[0] in '{<':
        name = symbol[1:-1].strip()
        if not name:
            raise GrammarError("the phrase '{}' has an empty '{}'".format(text, symbol))
        return [Part('role' if symbol[0] == '{' else 'group', name)]
    if symbol == '|':
        return []
    found = tokens(symbol)
    if not found:
        raise GrammarError("the phrase '{}' has '{}', which is no word".format(text, symbol))
    return [Part('word', token.word) for token in found]


def _sequence(parts: List[Part]) -> Part:
    return parts[0] if len(parts) == 1 else Part('sequence', '', tuple(parts))


def _names(part: Part, kind: str) -> List[str]:
    found = [part.name] if part.kind == kind else []
    for one in part.parts:
        found.extend(name for name in _names(one, kind) if name not in found)
    return found
