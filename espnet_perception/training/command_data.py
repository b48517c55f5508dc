# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Commands as numbers: a pool of generated ones, sorted by length, and batches of it."""

from collections import Counter
import json
import os
import random
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple
import zlib

from espnet_perception.commands.generation import Example, generate, labelled_words
from espnet_perception.commands.grammar import Grammar
from espnet_perception.commands.normalise import tokens
from espnet_perception.commands.vocabulary import SPECIAL, UNKNOWN, WordList
from espnet_perception.errors import DatasetError
import numpy as np
import torch

SPLITS = ('train', 'val', 'test')
FEW_TEXTS = 100
SHARES = (80, 90, 100)  # per cent of the texts up to which each split goes


class Encoded(NamedTuple):
    """
    A command as numbers.

    :param example: the command.
    :param words: in their normal form.
    :param ids: of BEGIN, the words, END.
    :param labels: column of each word's label.
    :param intent: column.
    """

    example: Example
    words: List[str]
    ids: List[int]
    labels: List[int]
    intent: int


class CommandBatch(NamedTuple):
    """
    Commands of one length.

    :param tokens: (T, B) int64, T with BEGIN and END.
    :param labels: (T - 2, B) int64.
    :param intents: (B,) int64.
    """

    tokens: torch.Tensor
    labels: torch.Tensor
    intents: torch.Tensor


def word_list(grammar: Grammar) -> WordList:
    """Return the vocabulary of a grammar."""
    return WordList(list(SPECIAL) + sorted(grammar.words()))


def pool(grammar: Grammar, count: int, seed: int) -> Dict[str, List[Encoded]]:
    """
    Generate commands and share them out by their text.

    Training sees a text as often as it was generated, so that intents stay balanced; of the
    held-out splits each text counts once. An intent of few texts is learnt whole and held out
    nowhere.

    :param grammar: the grammar.
    :param count: how many are generated.
    :param seed: of chance.
    :return: split to its commands; no text is in two splits.
    """
    words, labels, intents = word_list(grammar), grammar.labels(), list(grammar.intents)
    every = {}  # type: Dict[str, List[Encoded]]
    for example in generate(grammar, count, seed):
        found, named = labelled_words(example)
        every.setdefault(' '.join(found), []).append(Encoded(
            example, found, words.sequence(found), [labels.index(label) for label in named],
            intents.index(example.intent)))
    texts = Counter(same[0].intent for same in every.values())
    splits: Dict[str, List[Encoded]] = {split: [] for split in SPLITS}
    for text, same in every.items():
        split = split_of(text) if texts[same[0].intent] >= FEW_TEXTS else SPLITS[0]
        splits[split] += same if split == SPLITS[0] else same[:1]
    return splits


def split_of(text: str) -> str:
    """Return the split of a text, by its check sum."""
    place = zlib.crc32(text.encode('utf-8')) % 100
    return next(split for split, share in zip(SPLITS, SHARES) if place < share)


class Plan:
    """
    Which commands each step learns from: batches of equal length, in a new order each epoch.

    :param commands: to learn from.
    :param batch_size: of a step, at most.
    :param seed: of chance.
    """

    def __init__(self, commands: Sequence[Encoded], batch_size: int, seed: int) -> None:
        self._commands, self._size, self._seed = commands, batch_size, seed
        self._lengths: Dict[int, List[int]] = {}
        for place, one in enumerate(commands):
            self._lengths.setdefault(len(one.ids), []).append(place)
        self.steps = sum(-(-len(places) // batch_size) for places in self._lengths.values())

    def batches(self, epoch: int, first: int = 0) -> Iterator[List[Encoded]]:
        """Yield the batches of an epoch from one on, the same ones whenever it is asked."""
        rng = np.random.default_rng([self._seed, epoch])
        order = []
        for _, places in sorted(self._lengths.items()):
            mixed = rng.permutation(places)
            order += [mixed[begin:begin + self._size]
                      for begin in range(0, len(mixed), self._size)]
        for place in rng.permutation(len(order))[first:]:
            yield [self._commands[index] for index in order[place]]


def as_batch(commands: Sequence[Encoded]) -> CommandBatch:
    """Return commands of one length as tensors."""
    return CommandBatch(torch.tensor([one.ids for one in commands]).t().contiguous(),
                        torch.tensor([one.labels for one in commands]).t().contiguous(),
                        torch.tensor([one.intent for one in commands]))


def with_unknown_words(batch: CommandBatch, shares: Tuple[float, float], rng: random.Random
                       ) -> CommandBatch:
    """
    Replace words by UNKNOWN, so that the model learns to live with words that it does not know.

    :param batch: is not changed.
    :param shares: of the slots, whose words are replaced together, and of the other words.
    :param rng: source of chance.
    """
    changed = batch.tokens.clone()
    unknown = SPECIAL.index(UNKNOWN)
    length, count = batch.labels.shape
    for column in range(count):
        whole = False
        for row in range(length):
            label = int(batch.labels[row, column])
            if label == 0:
                whole = rng.random() < shares[1]
            elif label % 2:  # B- labels have odd columns
                whole = rng.random() < shares[0]
            if whole:
                changed[row + 1, column] = unknown
    return batch._replace(tokens=changed)


def foreign_texts(paths: Sequence[str]) -> List[List[str]]:
    """
    Read texts for the background model.

    :param paths: files with a text on each line, or JSON lines with a field ``text``, of whose
        rows those of the split test are left out; may hold $VARIABLES.
    :return: words of each text.
    :raises DatasetError: missing, not UTF-8, or no such rows.
    """
    texts: List[List[str]] = []
    for path in map(os.path.expandvars, paths):
        try:
            with open(path, encoding='utf-8') as stream:
                lines = stream.read().splitlines()
            rows = ([json.loads(line) for line in lines] if path.endswith('.jsonl')
                    else [{'text': line} for line in lines])
            texts += [[token.word for token in tokens(row['text'])] for row in rows
                      if row.get('split') != 'test']
        except OSError as error:
            raise DatasetError('cannot read the texts {}: {}'.format(path, error.strerror))
        except (UnicodeDecodeError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise DatasetError('{} holds no texts in UTF-8 ({}); give a text on each line, or '
                               'JSON lines with a field text'.format(path, error))
    return [text for text in texts if text]
