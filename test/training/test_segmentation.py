# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the training script on a tiny run."""

import math
import os
import signal

from espnet_perception.errors import ModelError, SettingsError
from espnet_perception.training import checkpoint, segmentation
import pytest
import torch
import yaml

TINY = {
    'width': 64, 'height': 64, 'train_seed_first': 3, 'train_drives': 2, 'frames_per_drive': 2,
    'check_seed_first': 9, 'check_drives': 1, 'check_frames_per_drive': 1, 'steps': 6,
    'batch_size': 2, 'crop_width': 48, 'crop_height': 48, 'whole_frames_from': 0.75,
    'learning_rate': 0.01, 'threads': 1, 'render_workers': 1, 'check_every': 3, 'save_every': 2,
}


def settings_in(folder, **changes):
    """Return the tiny settings with a run folder."""
    return segmentation.Settings(run_folder=str(folder), **{**TINY, **changes})


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """Return settings and progress of an uninterrupted tiny run."""
    settings = settings_in(tmp_path_factory.mktemp('run'))
    return settings, segmentation.train(settings)


def test_a_run_ends_at_its_last_step_and_keeps_its_files(finished):
    settings, progress = finished
    assert progress['step'] == 6
    assert [row[0] for row in progress['log']] == [3, 6]
    assert sorted(os.listdir(settings.run_folder)) == ['best.pt', 'check_frames', 'last.pt',
                                                       'train_frames']
    assert progress['best'] == max(row[2] for row in progress['log']) > 0


def test_training_lowers_the_loss(tmp_path):
    settings = settings_in(tmp_path, steps=25, check_every=100, save_every=100)
    losses = []
    original = segmentation.train_step
    try:
        segmentation.train_step = lambda *given: losses.append(original(*given)) or losses[-1]
        segmentation.train(settings)
    finally:
        segmentation.train_step = original
    assert losses[0] == pytest.approx(math.log(19) + 0.5, abs=0.8)
    assert sum(losses[-5:]) / 5 < 0.7 * losses[0]


def test_a_stopped_run_goes_on_as_if_never_stopped(finished, tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    original, calls = segmentation.train_step, []

    def stop_at_fourth(*given):
        calls.append(1)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*given)

    monkeypatch.setattr(segmentation, 'train_step', stop_at_fourth)
    assert segmentation.train(settings)['step'] == 4
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    torch.manual_seed(99)
    assert segmentation.train(settings)['step'] == 6
    assert len(calls) == 6
    whole = checkpoint.read(os.path.join(finished[0].run_folder, 'last.pt'))
    parts = checkpoint.read(os.path.join(settings.run_folder, 'last.pt'))
    assert whole['progress'] == parts['progress']
    for name, value in whole['network'].items():
        assert torch.equal(value, parts['network'][name]), name


def test_the_rate_climbs_and_falls():
    settings = segmentation.Settings(steps=100, learning_rate=0.5, warm_up=0.1)
    rates = [segmentation.learning_rate(step, settings) for step in range(101)]
    assert max(rates) == pytest.approx(0.5)
    assert rates.index(max(rates)) in (9, 10)
    assert rates[100] == pytest.approx(0.0)


def test_whole_frames_come_last():
    settings = segmentation.Settings(steps=10, whole_frames_from=0.8)
    sizes = [segmentation.window_size(step, settings) for step in range(10)]
    assert sizes == [(384, 192)] * 8 + [(512, 256)] * 2


def test_settings_come_from_yaml(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_text('steps: 12\nlearning_rate: 1\n')
    settings = segmentation.load_settings(str(path))
    assert (settings.steps, settings.learning_rate, settings.batch_size) == (12, 1, 8)


@pytest.mark.parametrize('text, message', [
    ('stepz: 3', "unknown training setting 'stepz'; did you mean 'steps'"),
    ('steps: many', "training setting steps is 'many', expected int"),
    ('steps: [', 'cannot read the training settings'),
    ('- 1', 'expected a mapping'),
])
def test_wrong_settings_are_named(tmp_path, text, message):
    path = tmp_path / 'run.yaml'
    path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        segmentation.load_settings(str(path))


def test_the_shipped_settings_are_valid(repository):
    settings = segmentation.load_settings(str(repository / 'config/train/synthetic.yaml'))
    assert (settings.width, settings.height) == (512, 256)


def test_a_model_is_published_and_measured(finished, tmp_path, capsys):
    config = tmp_path / 'run.yaml'
    config.write_text(yaml.safe_dump(dict(finished[0]._asdict())))
    folder = tmp_path / 'tiny_model'
    common = ['--seed', '5', '--frames', '2']
    assert segmentation.main(['--config', str(config), '--publish', str(folder)] + common) == 0
    assert sorted(os.listdir(folder)) == ['MODEL_CARD.md', 'card.yaml', 'weights.pth']
    capsys.readouterr()
    assert segmentation.main(['--evaluate', str(folder)] + common) == 0
    figure = capsys.readouterr().out.split('mIoU ')[1][:6]
    assert '**{}**'.format(figure) in (folder / 'MODEL_CARD.md').read_text()
    (folder / 'weights.pth').write_bytes(b'damaged')
    assert segmentation.main(['--evaluate', str(folder)] + common) == 1
    assert 'restore it' in capsys.readouterr().err


def test_the_overlap_loss_is_zero_for_certain_right_answers_only():
    labels = torch.tensor([[[0, 1], [segmentation.VOID, 5]]])
    logits = torch.zeros(1, 19, 2, 2)
    assert segmentation.overlap_loss(logits, labels) > 0.9
    for (row, column), label in (((0, 0), 0), ((0, 1), 1), ((1, 1), 5)):
        logits[0, label, row, column] = 50.0
    assert segmentation.overlap_loss(logits, labels) == pytest.approx(0.0, abs=1e-5)
    logits[0, 7, 1, 0] = 50.0
    assert segmentation.overlap_loss(logits, labels) == pytest.approx(0.0, abs=1e-5)
    logits[0, 2, 1, 1] = 100.0
    assert segmentation.overlap_loss(logits, labels) == pytest.approx(1 / 3, abs=1e-5)


def test_the_overlap_loss_has_a_gradient_where_an_absent_class_has_no_share_at_all():
    logits = torch.zeros(1, 19, 2, 2)
    logits[:, 4] = -1e4
    logits.requires_grad_()
    labels = torch.zeros(1, 2, 2, dtype=torch.int64)
    segmentation.overlap_loss(logits, labels).backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad.abs().max() > 0


def test_a_loss_that_is_no_number_ends_the_run_and_is_not_saved(tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    losses = iter([1.0, 1.0, float('nan')])
    monkeypatch.setattr(segmentation, 'train_step', lambda *_: next(losses))
    with pytest.raises(ModelError, match='the loss of step 2 is nan'):
        segmentation.train(settings)
    assert checkpoint.read(str(tmp_path / 'last.pt'))['progress']['step'] == 2


def test_a_new_run_may_start_from_other_weights(finished, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(segmentation, 'train_step', lambda network, *_: seen.append(
        {name: value.clone() for name, value in network.state_dict().items()}) or 1.0)
    first = os.path.join(finished[0].run_folder, 'best.pt')
    segmentation.train(settings_in(tmp_path, start_from=first, steps=1))
    for name, value in checkpoint.read(first)['network'].items():
        assert torch.equal(seen[0][name], value), name
