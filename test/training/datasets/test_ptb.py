# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of reading texts, the Penn Treebank where it is at hand."""

import json

from espnet_perception.errors import DatasetError
from espnet_perception.training.datasets.ptb import END, open_corpus, UNKNOWN
import pytest


def write(folder, **texts):
    """Write texts by split, with defaults that are fine."""
    for split, text in dict({'train': 'a b a <unk>\n', 'valid': 'a\n', 'test': 'b\n'},
                            **texts).items():
        (folder / 'ptb.{}.txt'.format(split)).write_bytes(
            text if isinstance(text, bytes) else text.encode())
    return str(folder)


def test_words_are_ranked_and_lines_end(tmp_path):
    corpus = open_corpus(write(tmp_path, train=' b a \nb\n\n b <unk>', valid='a b\n'))
    assert corpus.words == (END, 'b', UNKNOWN, 'a')
    assert corpus.tokens['train'].tolist() == [1, 3, 0, 1, 0, 0, 1, 2, 0]
    assert corpus.tokens['valid'].tolist() == [3, 1, 0]
    assert corpus.note == ''


def test_words_that_the_vocabulary_lacks_are_unknown(tmp_path):
    corpus = open_corpus(write(tmp_path, valid='a zebra\nyak\n'))
    assert [corpus.words[index] for index in corpus.tokens['valid']] == [
        'a', UNKNOWN, END, UNKNOWN, END]
    assert corpus.note == '2 of 5 words of valid are read as <unk>'


def test_a_large_vocabulary_is_cut(tmp_path):
    corpus = open_corpus(write(tmp_path, train='a a a b b c d\n', test='c\n'), limit=4)
    assert corpus.words == ('a', 'b', END, UNKNOWN)
    assert corpus.tokens['train'].tolist() == [0, 0, 0, 1, 1, 3, 3, 2]
    assert '2 of 8 words of train are read as <unk>' in corpus.note


def test_the_vocabulary_of_a_trained_model_stays(tmp_path):
    corpus = open_corpus(write(tmp_path), words=('x', END, 'a', UNKNOWN))
    assert corpus.tokens['train'].tolist() == [2, 3, 2, 3, 1]


def test_plain_file_names_do(tmp_path):
    folder = write(tmp_path)
    for path in tmp_path.iterdir():
        path.rename(tmp_path / path.name[4:])
    assert len(open_corpus(folder).tokens['train']) == 5


@pytest.mark.parametrize('texts, message', [
    ({'train': ''}, r'ptb\.train\.txt holds no words; expected a sentence a line'),
    ({'test': '\n\n'}, r'ptb\.test\.txt holds no words'),
    ({'valid': b'a\nb \xff c\n'}, r'ptb\.valid\.txt line 2 is not UTF-8; save the text as UTF-8'),
    ({'train': 'a\n', 'valid': 'a\na yak\n', 'test': 'a\n'},
     r"line 2 has the word 'yak', which the vocabulary of 2 words lacks, and there is no <unk>"),
])
def test_texts_that_cannot_be_read_are_named(tmp_path, texts, message):
    with pytest.raises(DatasetError, match=message):
        open_corpus(write(tmp_path, **texts))


def test_a_missing_text_is_named(tmp_path):
    folder = write(tmp_path)
    (tmp_path / 'ptb.valid.txt').unlink()
    with pytest.raises(DatasetError, match=r'there is no valid text in .*; expected '
                                           r'ptb\.valid\.txt or valid\.txt; set folder'):
        open_corpus(folder)


def test_the_penn_treebank_has_its_published_size(shared_dir):
    folder = shared_dir / 'data/ptb'
    facts = json.loads((folder / 'stats.json').read_text())
    corpus = open_corpus(str(folder))
    assert len(corpus.words) == facts['vocab_train_incl_eos'] == 10000
    for split, row in facts['splits'].items():
        assert len(corpus.tokens[split]) == row['tokens_incl_eos']
        unknown = corpus.words.index(UNKNOWN)
        assert int((corpus.tokens[split] == unknown).sum()) == row['unk']
        number = corpus.words.index('N')
        assert int((corpus.tokens[split] == number).sum()) == row['N']
    assert corpus.note == ''
