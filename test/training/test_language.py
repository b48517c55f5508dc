# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of whole runs of language models: they learn, stop, go on exactly, and average."""

import math
import os
import re
import signal
import subprocess
import sys
import time

from espnet_perception.errors import DatasetError, ModelError, SettingsError
from espnet_perception.training import checkpoint, journal, language, perplexity, settings_file
from espnet_perception.training.datasets.ptb import open_corpus
from espnet_perception.training.run_state import plain
from espnet_perception.training.windows import in_rows
import pytest
import torch
import yaml

TINY = {
    'arguments': {'embedding': 16, 'hidden': 32, 'layers': 2, 'dropout': 0.2}, 'epochs': 3,
    'batch_size': 4, 'bptt': 12, 'spread': 2.0, 'learning_rate': 5.0, 'valid_batch': 2,
    'statistics_windows': 3, 'threads': 1, 'save_every': 3, 'report_every': 2, 'device': 'cpu',
}
SENTENCES = ('robots bring tea', 'the robot brings the tea to the kitchen', 'stop', 'go home now')


@pytest.fixture(scope='module')
def texts(tmp_path_factory):
    """Folder of a tiny corpus that can be learnt."""
    folder = tmp_path_factory.mktemp('texts')
    for split, count in (('train', 48), ('valid', 8), ('test', 8)):
        (folder / 'ptb.{}.txt'.format(split)).write_text(
            ''.join(SENTENCES[place % 4] + '\n' for place in range(count)))
    return folder


@pytest.fixture(scope='module')
def settings_in(texts):
    """Return a function that gives tiny settings with a run folder and changes."""
    def make(run_folder, **changes):
        values = dict(TINY, run_folder=os.fspath(run_folder), folder=os.fspath(texts))
        return settings_file.from_dict(language.Settings, {**values, **changes})
    return make


@pytest.fixture(scope='module')
def finished(settings_in, tmp_path_factory):
    """Return settings and progress of an uninterrupted run that averages from its second epoch."""
    settings = settings_in(tmp_path_factory.mktemp('run') / 'whole', average_from=0.3)
    return settings, language.train(settings)


def last_state(settings, name=language.LAST_FILE):
    return checkpoint.read(os.path.join(settings.run_folder, name))


def same(one, other):
    """Compare everything that a run carries."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if torch.is_tensor(one) else one == other


def same_run(one, other):
    """Compare two last states but for the folder that they are in."""
    return all(same(one[key], other[key]) for key in one if key != 'settings')


def test_a_run_ends_at_its_last_step_and_keeps_its_files(finished):
    settings, progress = finished
    assert progress['step'] == progress['steps'] > 15
    assert {'best.pt', 'last.pt', 'journal.csv'} <= set(os.listdir(settings.run_folder))
    rows = journal.read_rows(os.path.join(settings.run_folder, 'journal.csv'))
    assert [row['epoch'] for row in rows] == ['1', '2', '3']
    assert [row['averaging'] for row in rows] == ['0', '1', '1']
    assert progress['best'] == pytest.approx(min(progress['checks']))
    assert [float(row['valid_perplexity']) for row in rows] == pytest.approx(
        progress['checks'], rel=1e-5)


@pytest.mark.parametrize('network, epochs, expected', [
    ('eru_lm', 15, 3.5), ('lstm_lm', 4, 11.0), ('pru_lm', 4, 11.0)])
def test_it_learns(settings_in, tmp_path, network, epochs, expected):
    """The sentences, or in a few steps at least how frequent the 13 words are."""
    language.train(settings_in(
        tmp_path, network=network, epochs=epochs, learning_rate=3.0, clip=1.0, average_after=99,
        arguments={'embedding': 16, 'hidden': 32, 'dropout': 0.0}))
    rows = journal.read_rows(str(tmp_path / 'journal.csv'))
    assert float(rows[0]['train_perplexity']) > 11.5
    assert float(rows[-1]['valid_perplexity']) < expected


@pytest.mark.parametrize('step', [5, 9, 14])
def test_a_stopped_run_goes_on_as_if_never_stopped(finished, settings_in, tmp_path, monkeypatch,
                                                   step):
    settings = settings_in(tmp_path, average_from=0.3)
    original = language._learn

    def learn_and_stop(run, *others):
        original(run, *others)
        if run.progress['step'] + 1 == step:
            os.kill(os.getpid(), signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(language, '_learn', learn_and_stop)
        assert language.train(settings)['step'] == step
    torch.manual_seed(99)
    language.train(settings)
    assert same_run(last_state(settings), last_state(finished[0]))
    assert same_run(last_state(settings, 'best.pt'), last_state(finished[0], 'best.pt'))
    figures = [[(row['step'], row['train_perplexity'], row['valid_perplexity']) for row in
                journal.read_rows(os.path.join(one.run_folder, 'journal.csv'))]
               for one in (settings, finished[0])]
    assert figures[0] == figures[1]


def test_a_killed_run_goes_on_from_its_last_saved_step(finished, settings_in, tmp_path):
    settings = settings_in(tmp_path / 'run', average_from=0.3)
    config = tmp_path / 'config.yaml'
    config.write_text(yaml.safe_dump(plain(settings)))
    command = [sys.executable, '-m', 'espnet_perception.training.language', str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    saved = tmp_path / 'run' / language.LAST_FILE
    deadline = time.monotonic() + 60
    while not saved.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 0 < last_state(settings)['progress']['step'] <= finished[1]['steps']
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    assert re.search(rb'step (\d+) of \1, best \d+\.\d+', done.stdout)
    assert same_run(last_state(settings), last_state(finished[0]))


def test_a_finished_run_that_gets_more_epochs_goes_on(settings_in, tmp_path):
    longer = settings_in(tmp_path / 'longer', epochs=2)
    language.train(longer)
    grown = settings_in(tmp_path / 'grown', epochs=1)
    language.train(grown)
    language.train(grown._replace(epochs=2))
    assert same(last_state(longer)['network'], last_state(grown)['network'])


def test_a_run_that_ends_within_an_epoch_goes_on_as_if_it_had_not(finished, settings_in, tmp_path):
    settings = settings_in(tmp_path, average_from=0.3)
    assert language.train(settings._replace(steps=8))['step'] == 8
    language.train(settings)
    assert same_run(last_state(settings), last_state(finished[0]))


def test_the_state_is_carried_from_window_to_window_and_forgotten_at_the_text(
        settings_in, tmp_path, monkeypatch):
    original, seen = language.Learner.learn, []

    def learn(learner, tokens, targets):
        seen.append([part.clone() for layer in learner.state for part in layer])
        assert not any(part.requires_grad for layer in learner.state for part in layer)
        return original(learner, tokens, targets)
    monkeypatch.setattr(language.Learner, 'learn', learn)
    language.train(settings_in(tmp_path, epochs=2))
    assert [all(float(part.abs().max()) == 0 for part in state) for state in seen].count(True) == 2
    assert float(seen[1][0].abs().max()) > 0


def test_best_weights_are_measured_again_as_they_were(finished, capsys):
    settings, progress = finished
    path = os.path.join(settings.run_folder, 'best.pt')
    figures = perplexity.evaluate_checkpoint(path, device='cpu')
    assert figures['valid'] == pytest.approx(progress['best'], rel=1e-6)
    assert perplexity.main([path, '--device', 'cpu']) == 0
    text = capsys.readouterr().out
    assert 'validation perplexity {:.2f}'.format(progress['best']) in text
    assert 'test perplexity {:.2f}'.format(figures['test']) in text


def test_last_weights_are_measured_with_statistics_of_their_own(finished):
    settings, progress = finished
    figures = perplexity.evaluate_checkpoint(os.path.join(settings.run_folder, 'last.pt'),
                                             device='cpu')
    assert figures['valid'] == pytest.approx(progress['checks'][-1], rel=1e-6)


def test_averaged_weights_are_the_mean_of_the_steps(settings_in, tmp_path, monkeypatch):
    original, seen = language._learn, []

    def learn(run, *others):
        averaging = run.average is not None
        original(run, *others)
        if averaging:
            seen.append(run.network.embedding.weight.detach().clone())
    monkeypatch.setattr(language, '_learn', learn)
    settings = settings_in(tmp_path, average_from=0.3)
    language.train(settings)
    kept = last_state(settings)
    assert torch.allclose(kept['network']['embedding.weight'], torch.stack(seen).mean(0),
                          atol=1e-6)
    assert not torch.allclose(kept['training']['embedding.weight'], torch.stack(seen).mean(0),
                              atol=1e-6)


@pytest.mark.parametrize('before, found, patience, begins', [
    ([], 9.0, 5, False), ([5, 4, 3, 2, 1], 9.0, 5, False), ([5, 4, 3, 2, 1, 1], 5.1, 5, True),
    ([5, 4, 3, 2, 1, 1], 5.0, 5, False), ([5, 4, 3, 2, 1, 1, 1], 4.5, 5, True),
    ([5, 4, 4], 4.5, 1, True), ([5, 4, 4], 4.0, 1, False)])
def test_averaging_begins_when_nothing_gets_better(before, found, patience, begins):
    assert language.should_average(before, found, patience) is begins


def test_the_policy_begins_averaging_by_itself(settings_in, tmp_path):
    language.train(settings_in(tmp_path, learning_rate=1e-9, epochs=6, average_after=1))
    rows = journal.read_rows(str(tmp_path / 'journal.csv'))
    assert rows[-1]['averaging'] in '01' and rows[0]['averaging'] == '0'
    checks = [float(row['valid_perplexity']) for row in rows]
    due = [place for place in range(len(rows))
           if language.should_average(checks[:place], checks[place], 1)]
    assert [row['averaging'] for row in rows].count('1') == (len(rows) - due[0] - 1 if due else 0)


def test_other_settings_or_words_than_those_of_the_run_are_refused(finished, texts, tmp_path):
    settings, _ = finished
    with pytest.raises(SettingsError, match=r'made with bptt 12, the settings say 13; restore it'):
        language.train(settings._replace(bptt=13))
    for split in ('train', 'valid', 'test'):
        text = (texts / 'ptb.{}.txt'.format(split)).read_text()
        (tmp_path / '{}.txt'.format(split)).write_text(text.replace('tea', 'milk'))
    with pytest.raises(SettingsError, match='made with other words'):
        language.train(settings._replace(folder=str(tmp_path)))


@pytest.mark.parametrize('changes, message', [
    ({'network': 'espnetv2'}, 'network is espnetv2, expected one of eru_lm, lstm_lm, pru_lm'),
    ({'bptt': 0}, 'bptt is 0, expected at least 1'),
    ({'matmul_precision': 'low'}, 'matmul_precision is low, expected one of highest, high,'),
    ({'cuda_graphs': True}, 'cuda_graphs needs a CUDA device, the device is cpu'),
    ({'arguments': {'presets': 'eru_7m'}}, "argument of network 'eru_lm': 'presets'; did you"),
])
def test_wrong_settings_are_refused(settings_in, tmp_path, changes, message):
    with pytest.raises((SettingsError, Exception), match=message):
        language.train(settings_in(tmp_path, **changes))


def test_matrix_products_may_be_less_precise(finished, settings_in, tmp_path):
    exact, _ = finished
    try:
        language.train(settings_in(tmp_path, matmul_precision='medium', average_from=0.3))
        assert torch.get_float32_matmul_precision() == 'medium'
    finally:
        torch.set_float32_matmul_precision('highest')
    figures = [float(journal.read_rows(os.path.join(folder, 'journal.csv'))[-1][
        'valid_perplexity']) for folder in (str(tmp_path), exact.run_folder)]
    assert figures[0] == pytest.approx(figures[1], rel=0.1)


def test_a_loss_that_explodes_ends_the_run_and_leaves_the_good_file(settings_in, tmp_path):
    language.train(settings_in(tmp_path, epochs=1))
    good = (tmp_path / 'last.pt').read_bytes()
    state = checkpoint.read(str(tmp_path / 'last.pt'))
    state['training']['softmax_bias'][0] = math.nan
    checkpoint.write(str(tmp_path / 'last.pt'), state)
    bad = (tmp_path / 'last.pt').read_bytes()
    with pytest.raises(ModelError, match='the loss is nan within the last steps before step'):
        language.train(settings_in(tmp_path, epochs=2))
    assert (tmp_path / 'last.pt').read_bytes() == bad != good


def test_a_text_that_is_too_short_is_refused(settings_in, tmp_path):
    with pytest.raises(DatasetError, match='too short for a batch of 400, expected at least 800'):
        language.train(settings_in(tmp_path, batch_size=400))


def test_the_shipped_settings_are_valid(repository, monkeypatch):
    monkeypatch.setenv('ESPNET_SHARED', 'nowhere')
    for path in sorted((repository / 'config/train').glob('ptb_*.yaml')):
        settings = settings_file.load(language.Settings, str(path))
        assert settings.run_folder == 'runs/' + path.stem
        with pytest.raises(DatasetError, match='there is no train text in nowhere/data/ptb'):
            language.train(settings)


def test_every_setting_is_fixed_or_may_change():
    assert set(language.MAY_CHANGE) < set(language.Settings._fields)


def test_perplexity_by_hand(texts):
    """A model that knows only how frequent words are: exp of the cross-entropy of the text."""
    corpus = open_corpus(str(texts))
    network = language.create_network('lstm_lm', words=len(corpus.words), embedding=4, hidden=4)
    network.eval()
    counts = torch.bincount(torch.from_numpy(corpus.tokens['train'])).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.softmax_bias.copy_(torch.log(counts / counts.sum()))
    tokens = corpus.tokens['valid']
    for batch in (1, 3):
        rows = in_rows(tokens, batch)
        expected = math.exp(-float(torch.log(counts / counts.sum())[rows[1:]].mean()))
        assert perplexity.perplexity(network, rows) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize('window_tokens', [1, 7, 50])
def test_perplexity_does_not_depend_on_the_windows(texts, window_tokens):
    corpus = open_corpus(str(texts))
    torch.manual_seed(1)
    network = language.create_network('eru_lm', words=len(corpus.words), embedding=16, hidden=32)
    network.eval()
    network.embedding.weight.data.normal_()
    rows = in_rows(corpus.tokens['valid'], 2)
    assert perplexity.perplexity(network, rows, window_tokens) == pytest.approx(
        perplexity.perplexity(network, rows), rel=1e-5)


def test_statistics_are_those_of_the_text_without_dropout(texts):
    corpus = open_corpus(str(texts))
    torch.manual_seed(1)
    network = language.create_network('eru_lm', words=len(corpus.words), embedding=16, hidden=32,
                                      layers=2)
    rows = in_rows(corpus.tokens['train'], 4)
    windows = math.ceil(len(rows) / perplexity.STATISTICS_ROWS)
    perplexity.estimate_statistics(network, rows, windows)
    assert not any(module.training for module in network.modules())
    norm = network.layers[0].reduce.bn
    assert norm.momentum == 0.1 and windows == 1
    with torch.no_grad():
        inputs = network.embedding(rows).reshape(-1, 16, 1)
        reduced = network.layers[0].reduce.conv(inputs).squeeze(2)
    assert torch.allclose(norm.running_mean, reduced.mean(0), atol=1e-6)
    assert torch.allclose(norm.running_var, reduced.var(0), rtol=1e-4)
