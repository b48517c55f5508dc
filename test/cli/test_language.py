# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of training and measuring a language model from the command line."""

import re

from espnet_perception.cli.main import main
import pytest
import yaml


@pytest.fixture(scope='module')
def run_folder(tmp_path_factory):
    """Folder of a run of a few steps over a few sentences, next to them."""
    folder = tmp_path_factory.mktemp('text')
    for split, count in (('train', 30), ('valid', 6), ('test', 6)):
        (folder / (split + '.txt')).write_text('bring the tea\ngo home\n' * count)
    config = folder / 'config.yaml'
    config.write_text(yaml.safe_dump({
        'folder': str(folder), 'run_folder': str(folder / 'run'), 'epochs': 2, 'batch_size': 4,
        'bptt': 12, 'valid_batch': 2, 'threads': 1, 'learning_rate': 3.0, 'device': 'cpu',
        'arguments': {'embedding': 16, 'hidden': 16, 'layers': 2}}))
    assert main(['train', 'language', str(config)]) == 0
    return folder / 'run'


def test_a_trained_model_is_measured(run_folder, capsys):
    """Both perplexities, on the texts of the run and on a folder."""
    best = str(run_folder / 'best.pt')
    assert main(['evaluate', best, '--dataset', 'ptb']) == 0
    first = capsys.readouterr().out
    found = re.search(r'parameters\nvalidation perplexity (\S+)\ntest perplexity (\S+)\n$', first)
    assert all(1 < float(figure) < 6 for figure in found.groups())
    assert main(['evaluate', best, '--dataset', 'ptb', '--folder', str(run_folder.parent)]) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize('arguments, sentence', [
    (['evaluate', 'none.pt', '--dataset', 'ptb'], 'there is no checkpoint none.pt'),
    (['train', 'language', 'none.yaml'], 'cannot read the training settings none.yaml'),
])
def test_what_is_missing_is_named(capsys, arguments, sentence):
    assert main(arguments) == 1
    assert sentence in capsys.readouterr().err


def test_a_text_without_a_checkpoint_of_a_language_model_is_refused(run_folder, capsys, tmp_path):
    """Weights of something else are no run of this script."""
    import torch
    path = tmp_path / 'other.pt'
    torch.save({'network': {}}, str(path))
    assert main(['evaluate', str(path), '--dataset', 'ptb']) == 1
    assert 'is no checkpoint of a language model' in capsys.readouterr().err


def test_no_model_directory_is_promised(capsys):
    """There is none for a language model by itself."""
    with pytest.raises(SystemExit):
        main(['train', 'language', 'config.yaml', '--publish', 'models/text'])
    assert 'unrecognized arguments: --publish' in capsys.readouterr().err
