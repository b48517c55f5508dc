# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Text for language models: the Penn Treebank as T. Mikolov prepared it, or your own in its layout.

A folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt (or train.txt and so on): a sentence a
line, words with blanks between. Each line ends with the word <eos>. The vocabulary is that of the
training text; the rarest words beyond its limit, and words that only the other texts have, are
<unk>. For research use; the underlying articles are under copyright.
"""

from collections import Counter
import os
from typing import Dict, List, NamedTuple, Sequence, Tuple

from espnet_perception.errors import DatasetError
import numpy as np

SPLITS = ('train', 'valid', 'test')
FILES = ('ptb.{}.txt', '{}.txt')
END, UNKNOWN = '<eos>', '<unk>'
LARGEST_VOCABULARY = 10000


class Corpus(NamedTuple):
    """
    Text as word ids.

    :param words: the vocabulary; a word's id is its place
    :param tokens: of each split, (N,) int64
    :param note: what a user should know; may be empty
    """

    words: Tuple[str, ...]
    tokens: Dict[str, np.ndarray]
    note: str


def open_corpus(folder: str, words: Sequence[str] = (), limit: int = LARGEST_VOCABULARY
                ) -> Corpus:
    """
    Read all three texts.

    :param folder: where they lie; may hold $VARIABLES
    :param words: vocabulary of a trained model; empty takes that of the training text
    :param limit: words of that one at most, with <eos> and <unk>
    :raises DatasetError: a text is missing, empty or not UTF-8, or a word is unknown where the
        vocabulary has no <unk>
    """
    folder = os.path.expandvars(os.path.expanduser(folder))
    texts = {split: _read(_path(folder, split)) for split in SPLITS}
    words = tuple(words) or _vocabulary(texts['train'], limit)
    ids = {word: index for index, word in enumerate(words)}
    tokens, notes = {}, []
    for split, text in texts.items():
        unknown = [(line, word) for line, sentence in enumerate(text) for word in sentence
                   if word not in ids]
        if unknown and UNKNOWN not in ids:
            raise DatasetError("{} line {} has the word '{}', which the vocabulary of {} words "
                               'lacks, and there is no {} in it; add {} to the training text'
                               .format(_path(folder, split), unknown[0][0] + 1, unknown[0][1],
                                       len(ids), UNKNOWN, UNKNOWN))
        if unknown:
            notes.append('{} of {} words of {} are read as {}'.format(
                len(unknown), sum(map(len, text)), split, UNKNOWN))
        rest = ids.get(UNKNOWN)
        tokens[split] = np.array([ids.get(word, rest) for sentence in text for word in sentence],
                                 np.int64)
    return Corpus(words, tokens, '; '.join(notes))


def _path(folder: str, split: str) -> str:
    paths = [os.path.join(folder, name.format(split)) for name in FILES]
    for path in paths:
        if os.path.isfile(path):
            return path
    raise DatasetError('there is no {} text in {}; expected {}; set folder to where the texts '
                       'lie'.format(split, folder or 'the folder ""', ' or '.join(
                           os.path.basename(path) for path in paths)))


def _read(path: str) -> List[List[str]]:
    """Return the words of each line, with the end of the sentence."""
    try:
        with open(path, 'rb') as stream:
            raw = stream.read()
        text = raw.decode('utf-8')
    except UnicodeDecodeError as error:
        raise DatasetError('{} line {} is not UTF-8; save the text as UTF-8'.format(
            path, raw.count(b'\n', 0, error.start) + 1))
    except OSError as error:
        raise DatasetError('cannot read {}: {}'.format(path, error.strerror))
    lines = text.split('\n')
    sentences = [line.split() + [END] for line in (lines if lines[-1] else lines[:-1])]
    if not any(len(sentence) > 1 for sentence in sentences):
        raise DatasetError('{} holds no words; expected a sentence a line'.format(path))
    return sentences


def _vocabulary(text: List[List[str]], limit: int) -> Tuple[str, ...]:
    """Return the words by their number, the most frequent first."""
    counts = Counter(word for sentence in text for word in sentence)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    if len(ranked) <= limit:
        return tuple(ranked)
    kept = [word for word in ranked if word != UNKNOWN][:limit - 1]
    return tuple(kept + [UNKNOWN])
