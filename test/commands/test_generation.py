# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Generated commands are the same for the same seed, balanced, and labelled exactly."""

from collections import Counter

from espnet_perception.commands.generation import Example, generate, labelled_words, Slot
from espnet_perception.commands.grammar import normal_form


def test_equal_seeds_give_equal_commands(own_grammar):
    first = list(generate(own_grammar, 100, 5))
    assert first == list(generate(own_grammar, 100, 5))
    assert first != list(generate(own_grammar, 100, 6))


def test_intents_are_balanced(own_grammar):
    count = len(own_grammar.intents)
    intents = Counter(example.intent for example in generate(own_grammar, 10 * count, 1))
    assert set(intents.values()) == {10} and len(intents) == count


def test_slots_stand_where_they_say(own_grammar):
    for example in generate(own_grammar, 2000, 2):
        intent = own_grammar.intents[example.intent]
        for slot in example.slots:
            vocabulary = own_grammar.vocabularies[intent.roles[slot.role]]
            assert vocabulary.value_of(example.text[slot.start:slot.end]) == \
                (slot.value if vocabulary.listed else normal_form(slot.value))
        words, labels = labelled_words(example)
        assert len(words) == len(labels)
        assert [label[2:] for label in labels if label.startswith('B-')] == [
            slot.role for slot in example.slots]


def test_labels_by_hand():
    example = Example('bring twenty one red cups to anna', 'bring', (
        Slot('number', '21', 6, 16), Slot('object', 'red cup', 17, 25),
        Slot('who', 'anna', 29, 33)))
    assert labelled_words(example) == (
        ['bring', '21', 'red', 'cups', 'to', 'anna'],
        ['O', 'B-number', 'B-object', 'I-object', 'O', 'B-who'])
