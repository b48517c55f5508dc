# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of whole runs: they learn, stop, go on exactly, and survive damage."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

from espnet_perception.errors import DatasetError, EngineError, ModelError, SettingsError
from espnet_perception.training import checkpoint, journal, run_state, segmentation
import pytest
import torch
import yaml

STEPS = 9  # 3 epochs of 6 images, 2 a step


@pytest.fixture(scope='module')
def finished(settings_in, tmp_path_factory):
    """Return settings and progress of an uninterrupted run."""
    settings = settings_in(tmp_path_factory.mktemp('run') / 'whole')
    return settings, segmentation.train(settings)


def last_state(settings):
    return checkpoint.read(os.path.join(settings.run_folder, run_state.LAST_FILE))


def same_weights(one, other):
    return all(torch.equal(one[part][name], other[part][name])
               for part in ('network', 'training') for name in one[part])


def stop_after(monkeypatch, step, how):
    """Let something happen in the training loop right after a step."""
    original = segmentation.note_step

    def noted(progress, *others):
        original(progress, *others)
        if progress['step'] == step:
            how()
    monkeypatch.setattr(segmentation, 'note_step', noted)


def test_a_run_ends_at_its_last_step_and_keeps_its_files(finished):
    settings, progress = finished
    assert progress['step'] == progress['steps'] == STEPS
    assert {'best.pt', 'last.pt', 'journal.csv', 'class_shares.json'} <= set(
        os.listdir(settings.run_folder))
    rows = journal.read_rows(os.path.join(settings.run_folder, 'journal.csv'))
    assert [int(row['step']) for row in rows] == [3, 6, 9]
    assert progress['best'] == pytest.approx(max(float(row['miou']) for row in rows), abs=1e-5)
    assert all(float(row['images_per_s']) > 0 and 0 < float(row['forward_share']) < 1.5
               for row in rows)


def test_it_learns(settings_in, tmp_path):
    settings = settings_in(tmp_path, epochs=12, windows=[[0, 64, 48, 1.0, 1.0]])
    segmentation.train(settings)
    rows = journal.read_rows(str(tmp_path / 'journal.csv'))
    assert float(rows[-1]['loss']) < 0.8 * float(rows[0]['loss'])
    assert float(rows[0]['miou']) < 0.5 < 0.7 < float(rows[-1]['miou'])


def test_a_stopped_run_goes_on_as_if_never_stopped(finished, settings_in, tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    with monkeypatch.context() as patch:
        stop_after(patch, 5, lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert segmentation.train(settings)['step'] == 5
    assert segmentation.train(settings)['step'] == STEPS
    assert same_weights(last_state(settings), last_state(finished[0]))
    rows = journal.read_rows(str(tmp_path / 'journal.csv'))
    whole = journal.read_rows(os.path.join(finished[0].run_folder, 'journal.csv'))
    assert [(row['step'], row['loss'], row['miou']) for row in rows] == [
        (row['step'], row['loss'], row['miou']) for row in whole]


def test_a_killed_run_goes_on_from_its_last_saved_step(finished, settings_in, tmp_path):
    settings = settings_in(tmp_path / 'run')
    config = tmp_path / 'config.yaml'
    config.write_text(yaml.safe_dump(run_state.plain(settings)))
    command = [sys.executable, '-m', 'espnet_perception.training.segmentation', str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    saved = tmp_path / 'run' / run_state.LAST_FILE
    deadline = time.monotonic() + 60
    while not saved.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 0 < last_state(settings)['progress']['step'] <= STEPS
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    assert re.search(rb'step 9 of 9, best 0\.\d+, 0 files skipped', done.stdout)
    assert same_weights(last_state(settings), last_state(finished[0]))


def test_the_same_seed_gives_the_same_weights_and_another_one_others(
        finished, settings_in, tmp_path):
    again, other = settings_in(tmp_path / 'again'), settings_in(tmp_path / 'other', seed=8)
    segmentation.train(again)
    segmentation.train(other)
    assert same_weights(last_state(again), last_state(finished[0]))
    assert not same_weights(last_state(other), last_state(finished[0]))


def test_other_arguments_than_those_of_the_run_are_refused(finished):
    settings, _ = finished
    with pytest.raises(SettingsError, match=r'made with learning_rate 0.005, the settings say '
                                            r'0.1; restore it or choose another run_folder'):
        segmentation.train(settings._replace(learning_rate=0.1))


def test_a_damaged_checkpoint_is_named(finished, tmp_path):
    settings, _ = finished
    shutil.copytree(settings.run_folder, tmp_path / 'run')
    broken = tmp_path / 'run' / 'last.pt'
    broken.write_bytes(broken.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r'cannot read the checkpoint .*last\.pt'):
        segmentation.train(settings._replace(run_folder=str(tmp_path / 'run')))


def test_a_full_disk_leaves_the_last_good_checkpoint(settings_in, tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    original, written = checkpoint.write, []

    def write(path, state):
        written.append(path)
        if len(written) == 4:
            monkeypatch.setattr(torch, 'save', lambda *_: (_ for _ in ()).throw(
                OSError(28, 'No space left on device')))
        original(path, state)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, 'write', write)
        with pytest.raises(OSError, match='No space left'):
            segmentation.train(settings)
    assert last_state(settings)['progress']['step'] in (2, 4)
    assert not [name for name in os.listdir(tmp_path) if name.endswith('.part')]


def test_a_loss_that_explodes_ends_the_run_with_a_hint(settings_in, tmp_path):
    settings = settings_in(tmp_path, optimiser='sgd', learning_rate=1e30, clip=0.0)
    with pytest.raises(ModelError, match=r'loss of step \d is (nan|inf).*lower learning_rate'):
        segmentation.train(settings)


def test_too_little_memory_names_the_setting(settings_in, tmp_path, monkeypatch):
    def no_memory(*_):
        raise RuntimeError('[enforce fail] DefaultCPUAllocator: not enough memory: you tried to')
    monkeypatch.setattr(segmentation.losses, 'segmentation_loss', no_memory)
    with pytest.raises(EngineError, match=r'out of memory in step 0 .*lower batch_size'):
        segmentation.train(settings_in(tmp_path))


def test_a_corrupt_image_is_named_counted_and_survived(settings_in, tiny_camvid, tmp_path, capsys):
    folder = tmp_path / 'data'
    shutil.copytree(tiny_camvid, folder)
    image = folder / 'train' / 'train_03.png'
    image.write_bytes(image.read_bytes()[:60])
    progress = segmentation.train(settings_in(tmp_path / 'run', folder=os.fspath(folder)))
    assert progress['step'] == STEPS
    assert 3 <= progress['skipped'] <= 6  # once an epoch, more where chance takes it again
    assert 'skipped: cannot read the image' in capsys.readouterr().out


def test_masks_with_unknown_ids_end_the_run_before_it_begins(settings_in, tiny_camvid, tmp_path):
    import cv2
    folder = tmp_path / 'data'
    shutil.copytree(tiny_camvid, folder)
    mask = str(folder / 'trainannot' / 'train_03.png')
    cv2.imwrite(mask, cv2.imread(mask, cv2.IMREAD_GRAYSCALE) + 20)
    with pytest.raises(DatasetError, match=r'train_03\.png holds 20, 23, 28, 31, '
                                           r'expected class ids of camvid'):
        segmentation.train(settings_in(tmp_path / 'run', folder=os.fspath(folder)))


def test_early_stopping_ends_after_checks_without_a_better_one(settings_in, tmp_path):
    settings = settings_in(tmp_path, epochs=50, patience=2, learning_rate=1e-9)
    progress = segmentation.train(settings)
    assert progress['checks_since_best'] == 2
    assert progress['step'] < 50 * 3


def test_without_a_check_split_the_last_weights_are_kept(settings_in, tmp_path):
    settings = settings_in(tmp_path, check_split='')
    segmentation.train(settings)
    best = checkpoint.read(str(tmp_path / 'best.pt'))
    assert best['progress']['step'] == STEPS
    assert same_weights(best, last_state(settings))


def test_accumulating_parts_gives_the_gradients_of_each_part(settings_in, tmp_path):
    whole = settings_in(tmp_path / 'whole', batch_size=3, accumulate=3, precision='fp32')
    segmentation.train(whole)
    assert last_state(whole)['progress']['step'] == 6


@pytest.mark.parametrize('changes', [
    {'precision': 'bf16'}, {'half_size_loss': True, 'overlap_weight': 0.5},
    {'network': 'espnetv2_seg_paper', 'average_decay': 0.9, 'class_weight_floor': 0.0},
    {'network': 'espnet_c', 'arguments': {'p': 2, 'q': 2}, 'label_smoothing': 0.1}])
def test_every_way_of_learning_runs(settings_in, tmp_path, changes):
    progress = segmentation.train(settings_in(tmp_path, epochs=1, **changes))
    assert progress['step'] == 3
