# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Commands made by chance from a grammar, with the label of every word; equal for equal seeds."""

import random
from typing import Iterator, List, NamedTuple, Tuple

from espnet_perception.commands.grammar import Grammar, Intent, OUTSIDE, role_of
from espnet_perception.commands.normalise import Token, tokens
from espnet_perception.commands.phrases import pick, pick_form


class Slot(NamedTuple):
    """
    A role that a command fills.

    :param role: its name.
    :param value: of the vocabulary.
    :param start: index of its first character in the text.
    :param end: index after its last character.
    """

    role: str
    value: str
    start: int
    end: int


class Example(NamedTuple):
    """
    A command with its meaning.

    :param text: as it would be typed.
    :param intent: name of the intent.
    :param slots: in the order of the text.
    """

    text: str
    intent: str
    slots: Tuple[Slot, ...]


def generate(grammar: Grammar, count: int, seed: int) -> Iterator[Example]:
    """
    Yield commands, the intents in turn.

    :param grammar: the grammar.
    :param count: how many.
    :param seed: equal seeds give equal commands, in every version of Python.
    """
    rng = random.Random(seed)
    intents = list(grammar.intents.values())
    for number in range(count):
        yield make_example(grammar, intents[number % len(intents)], rng)


def make_example(grammar: Grammar, intent: Intent, rng: random.Random) -> Example:
    """
    Make one command.

    :param grammar: the grammar.
    :param intent: of the grammar.
    :param rng: source of chance.
    """
    said = pick_form(pick(grammar.before, rng), rng)
    slots, length = [], sum(map(len, said)) + len(said)
    for symbol in pick_form(pick(intent.phrases, rng), rng):
        role = role_of(symbol)
        if role:
            values = grammar.vocabularies[intent.roles[role]].values
            value = pick(list(values), rng)
            symbol = pick(values[value], rng)
            slots.append(Slot(role, value, length, length + len(symbol)))
        said.append(symbol)
        length += len(symbol) + 1
    said += pick_form(pick(grammar.after, rng), rng)
    return Example(' '.join(said), intent.name, tuple(slots))


def label(found: List[Token], slots: Tuple[Slot, ...]) -> List[str]:
    """
    Return the label of each word: O outside, B-role at the beginning of a slot, I-role within.

    :param found: the words of a text.
    :param slots: of the same text.
    """
    labels, before = [], None
    for token in found:
        slot = next((one for one in slots if one.start <= token.start and token.end <= one.end),
                    None)
        labels.append(OUTSIDE if slot is None else
                      ('I-' if slot is before else 'B-') + slot.role)
        before = slot
    return labels


def labelled_words(example: Example) -> Tuple[List[str], List[str]]:
    """Return the words of a command in their normal form, and their labels."""
    found = tokens(example.text)
    return [token.word for token in found], label(found, example.slots)
