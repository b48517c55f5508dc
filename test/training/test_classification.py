# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of whole classification runs: they learn, stop, go on exactly, and survive damage."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

from espnet_perception.errors import DatasetError, SettingsError
from espnet_perception.networks import create_network
from espnet_perception.training import checkpoint, classification, journal, run_state
import pytest
import torch
import yaml

STEPS = 9  # 3 epochs of 24 images, 8 a step


@pytest.fixture(scope='module')
def finished(classification_in, tmp_path_factory):
    """Return settings and progress of an uninterrupted run."""
    settings = classification_in(tmp_path_factory.mktemp('run') / 'whole')
    return settings, classification.train(settings)


def last_state(settings):
    return checkpoint.read(os.path.join(settings.run_folder, run_state.LAST_FILE))


def rows_of(settings):
    return journal.read_rows(os.path.join(settings.run_folder, journal.CSV_FILE))


def same_weights(one, other):
    return all(torch.equal(one[part][name], other[part][name])
               for part in ('network', 'training') for name in one[part])


def test_a_run_ends_at_its_last_step_and_keeps_what_a_card_needs(finished):
    settings, progress = finished
    assert progress['step'] == progress['steps'] == STEPS
    rows = rows_of(settings)
    assert [int(row['step']) for row in rows] == [3, 6, 9]
    assert all(row['top1'] and not row['top5'] and not row['overall_f1'] for row in rows)
    assert progress['best'] == pytest.approx(max(float(row['top1']) for row in rows), abs=1e-5)
    state = checkpoint.read(os.path.join(settings.run_folder, 'best.pt'))
    assert state['facts']['classes'] == ['blue', 'green', 'red']
    assert (state['facts']['task'], state['facts']['multi_label']) == ('classification', False)
    assert state['settings']['crop_ratio'] == 0.875


def test_it_learns(classification_in, tmp_path):
    settings = classification_in(tmp_path, epochs=20, label_smoothing=0.05, average_decay=0.5,
                                 check_every=4)
    classification.train(settings)
    rows = rows_of(settings)
    assert float(rows[-1]['loss']) < 0.9 * float(rows[0]['loss'])
    assert float(rows[-1]['top1']) > 0.8


def test_several_labels_are_learnt_and_scored_by_f1(made_coco, classification_in, tmp_path):
    settings = classification_in(
        tmp_path / 'run', dataset='coco', folder=os.fspath(made_coco), train_split='train2017',
        check_split='val2017', epochs=24, batch_size=6, optimiser='adamw', learning_rate=0.005,
        smallest_area=0.9, check_every=6)
    progress = classification.train(settings)
    rows = rows_of(settings)
    assert float(rows[-1]['loss']) < 0.8 * float(rows[0]['loss'])
    assert float(rows[-1]['overall_f1']) > 0.5 and not rows[-1]['top1']
    assert progress['best'] == pytest.approx(
        max(float(row['overall_f1']) for row in rows), abs=1e-5)
    state = last_state(settings)
    assert state['facts']['multi_label'] is True and len(state['facts']['classes']) == 80


def test_a_stopped_run_goes_on_as_if_never_stopped(finished, classification_in, tmp_path,
                                                   monkeypatch):
    settings = classification_in(tmp_path)
    original = classification.note_step

    def stopping(progress, *others):
        original(progress, *others)
        if progress['step'] == 5:
            os.kill(os.getpid(), signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(classification, 'note_step', stopping)
        assert classification.train(settings)['step'] == 5
    assert classification.train(settings)['step'] == STEPS
    assert same_weights(last_state(settings), last_state(finished[0]))
    assert [(row['step'], row['loss'], row['top1']) for row in rows_of(settings)] == [
        (row['step'], row['loss'], row['top1']) for row in rows_of(finished[0])]


def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(finished, classification_in,
                                                                tmp_path):
    settings = classification_in(tmp_path / 'run')
    config = tmp_path / 'config.yaml'
    config.write_text(yaml.safe_dump(run_state.plain(settings)))
    command = [sys.executable, '-m', 'espnet_perception.training.classification', str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    saved = tmp_path / 'run' / run_state.LAST_FILE
    deadline = time.monotonic() + 60
    while not saved.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 0 < last_state(settings)['progress']['step'] <= STEPS
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    assert re.search(rb'step 9 of 9, best [01]\.\d+, 0 files skipped', done.stdout)
    assert same_weights(last_state(settings), last_state(finished[0]))


def test_a_run_may_start_from_a_network_of_other_classes(finished, classification_in, tmp_path,
                                                         capsys):
    other = create_network('espnetv2', classes=1000, width=0.5)
    checkpoint.write(str(tmp_path / 'thousand.pth'), other.state_dict())
    settings = classification_in(
        tmp_path / 'run', init_from=str(tmp_path / 'thousand.pth'), epochs=1,
        learning_rate=1e-9, freeze_batch_norm=True, encoder_factor=0.1)
    classification.train(settings)
    assert '2 fresh (classifier.weight, classifier.bias)' in capsys.readouterr().out
    learnt = last_state(settings)['training']
    for name, value in other.state_dict().items():
        if not name.startswith('classifier'):
            assert torch.allclose(learnt[name], value, atol=1e-6), name
    assert learnt['classifier.weight'].shape[0] == 3


def test_workers_load_what_the_process_itself_would(finished, classification_in, tmp_path):
    settings = classification_in(tmp_path, workers=1, check_every=3)
    classification.train(settings)
    assert same_weights(last_state(settings), last_state(finished[0]))


def test_a_corrupt_image_is_named_counted_and_survived(classification_in, tiny_image_folder,
                                                       tmp_path, capsys):
    folder = tmp_path / 'things'
    shutil.copytree(tiny_image_folder, folder)
    for image in (folder / 'train' / 'green' / '03.jpg', folder / 'val' / 'red' / '01.jpg'):
        image.write_bytes(image.read_bytes()[:60])
    progress = classification.train(classification_in(tmp_path / 'run', folder=os.fspath(folder)))
    assert progress['step'] == STEPS
    assert 3 <= progress['skipped'] <= 6  # once an epoch, more where chance takes it again
    said = capsys.readouterr().out
    assert re.search(r'skipped: cannot read the image .*train/green/03\.jpg', said)
    assert re.search(r'left out: cannot read the image .*val/red/01\.jpg', said)


def test_splits_of_other_classes_are_refused(classification_in, tiny_image_folder, tmp_path):
    folder = tmp_path / 'things'
    shutil.copytree(tiny_image_folder, folder)
    (folder / 'val').rename(folder / 'checks')
    (folder / 'train').rename(folder / 'learn')
    (folder / 'checks' / 'red').rename(folder / 'checks' / 'yellow')
    with pytest.raises(DatasetError, match='learn from has 3 classes, the one that checks 3, '
                                           'only one of them red, yellow;'):
        classification.train(classification_in(
            tmp_path / 'run', folder=os.fspath(folder), train_split='learn',
            check_split='checks'))


def test_other_settings_than_those_of_the_run_are_refused(finished):
    with pytest.raises(SettingsError, match=r'made with smallest_area 0\.5, the settings say '
                                            r'0\.2'):
        classification.train(finished[0]._replace(smallest_area=0.2))


def test_unknown_schedule_options_name_the_nearest(classification_in, tmp_path):
    with pytest.raises(SettingsError, match="option of the schedule 'lowst'.*lowest"):
        classification.train(classification_in(tmp_path, schedule_options={'lowst': 0.1}))
