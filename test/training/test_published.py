# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of model directories made from runs, through the command as a user has it."""

import json
import os
import shutil

import cv2
from espnet_perception import model_card
from espnet_perception.cli.main import main
from espnet_perception.engines import present_engines
from espnet_perception.errors import OutputError
from espnet_perception.pipeline import create_segmenter
from espnet_perception.training import checkpoint, published, segmentation
from espnet_perception.training.datasets import camvid, open_pairs
from espnet_perception.training.run_state import plain
import numpy as np
import pytest
import yaml

FILES = {'MODEL_CARD.md', 'card.yaml', 'confusion.png', 'curves.png', 'iou.png', 'model.onnx',
         'training.yaml', 'weights.pth'}


@pytest.fixture(scope='module')
def run(settings_in, tmp_path_factory):
    """Folder of a finished run."""
    settings = settings_in(tmp_path_factory.mktemp('run') / 'tiny', epochs=4)
    segmentation.train(settings)
    return settings.run_folder


@pytest.fixture(scope='module')
def model(run, tmp_path_factory):
    """Model directory made from it."""
    directory = tmp_path_factory.mktemp('models') / 'tiny'
    assert main(['train', 'publish', run, str(directory)]) == 0
    return directory


def test_the_directory_holds_all_that_belongs_to_a_model(model):
    assert {path.name for path in model.iterdir()} == FILES
    assert sum(path.stat().st_size for path in model.iterdir()) < 4e6
    assert [path.name for path in model.parent.iterdir()] == ['tiny']


def test_its_weights_are_the_best_ones_of_the_run(model, run):
    kept = checkpoint.read(os.path.join(run, 'best.pt'))['network']
    weights = checkpoint.read_weights(str(model / 'weights.pth'))
    assert list(weights) == list(kept)
    assert all(bool((weights[name] == kept[name]).all()) for name in kept)


def test_the_command_on_its_page_gives_the_figures_on_its_card(model, tiny_camvid, tmp_path):
    card = model_card.load(str(model))
    assert [row['name'] for row in card.metrics] == ['mIoU', 'pixel accuracy', 'class average']
    assert {row['split'] for row in card.metrics} == {'test'}
    page = (model / 'MODEL_CARD.md').read_text()
    command = next(line for line in page.splitlines()
                   if line.startswith('    espnet-perception evaluate tiny '))
    assert "--folder '{}' --split test".format(tiny_camvid) in command
    path = tmp_path / 'figures.json'
    assert main(['evaluate', str(model), '--dataset', 'camvid', '--folder', str(tiny_camvid),
                 '--split', 'test', '--json', str(path)]) == 0
    metrics = json.loads(path.read_text())['metrics']
    assert card.metrics[0]['value'] == round(metrics['miou'], 4)
    assert '| **mIoU** | **{:.2f} %** |'.format(100 * card.metrics[0]['value']) in page
    assert card.sha256 in page
    assert card.licence == 'CamVid: for research use'
    assert card.licence in page


def test_its_graph_labels_as_the_pipeline_does(model, tiny_camvid):
    image_bgr = open_pairs('camvid', str(tiny_camvid), 'test').read(0)[0]
    with create_segmenter(str(model), 'torch') as segmenter:
        labels = segmenter.segment(image_bgr).labels
    if 'onnxruntime' not in present_engines():
        pytest.skip('needs onnxruntime')
    import onnxruntime
    session = onnxruntime.InferenceSession(str(model / 'model.onnx'))
    found = session.run(None, {session.get_inputs()[0].name: image_bgr[None]})[0]
    assert (found[0] == labels).mean() > 0.999


def test_frames_that_must_not_be_passed_on_stay_in_the_run(model, run, tmp_path, capsys):
    assert cv2.imread(os.path.join(run, 'samples.jpg')) is not None
    assert 'Pictures of frames are not part of this directory' in (
        model / 'MODEL_CARD.md').read_text()
    assert main(['train', 'publish', run, str(tmp_path / 'm'), '--samples']) == 1
    assert 'the frames of camvid must not be passed on' in capsys.readouterr().err
    assert not (tmp_path / 'm').exists()


@pytest.mark.parametrize('shown, options', [(True, []), (None, ['--samples'])])
def test_frames_that_may_be_passed_on_are_in_the_directory(
        run, tmp_path, monkeypatch, shown, options):
    monkeypatch.setattr(camvid, 'RIGHTS', camvid.Rights('', shown))
    directory = tmp_path / 'open'
    assert main(['train', 'publish', run, str(directory), '--licence', 'CC-BY-4.0',
                 *options]) == 0
    assert {path.name for path in directory.iterdir()} == FILES | {'samples.jpg'}
    assert '(samples.jpg)' in (directory / 'MODEL_CARD.md').read_text()
    assert model_card.load(str(directory)).licence == 'CC-BY-4.0'


def test_frames_of_unknown_rights_stay_in_the_run(run, tmp_path, monkeypatch):
    monkeypatch.setattr(camvid, 'RIGHTS', camvid.Rights())
    assert main(['train', 'publish', run, str(tmp_path / 'm')]) == 0
    assert not (tmp_path / 'm' / 'samples.jpg').exists()
    assert 'for their owner to say' in (tmp_path / 'm' / 'MODEL_CARD.md').read_text()


def test_a_model_that_is_there_is_replaced_only_when_told(model, run, tmp_path, capsys):
    shutil.copytree(model, tmp_path / 'tiny')
    (tmp_path / 'tiny' / 'note.txt').write_text('of an earlier model')
    command = ['train', 'publish', run, str(tmp_path / 'tiny'), '--test-split', 'val']
    assert main(command) == 1
    assert 'there is a model at' in capsys.readouterr().err
    assert (tmp_path / 'tiny' / 'note.txt').exists()
    assert main([*command, '--force']) == 0
    assert not (tmp_path / 'tiny' / 'note.txt').exists()
    assert 'also chose these weights' in (tmp_path / 'tiny' / 'MODEL_CARD.md').read_text()
    (tmp_path / 'data').mkdir()
    assert main(['train', 'publish', run, str(tmp_path / 'data'), '--force']) == 1
    assert 'is there and is no model' in capsys.readouterr().err


def test_a_failure_leaves_nothing_behind(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(published.shutil, 'copyfile', full)
    with pytest.raises(OutputError, match='No space left on device; free some space'):
        published.publish(run, str(tmp_path / 'm'), published.Choice(quiet=True))
    assert list(tmp_path.iterdir()) == []


def test_without_a_test_split_the_check_split_is_measured(run, tiny_camvid, tmp_path):
    folder = tmp_path / 'data'
    shutil.copytree(tiny_camvid, folder)
    (folder / 'test.txt').unlink()
    shutil.copytree(run, tmp_path / 'run')
    for name in ('best.pt', 'last.pt'):
        state = checkpoint.read(str(tmp_path / 'run' / name))
        state['settings']['folder'] = str(folder)
        checkpoint.write(str(tmp_path / 'run' / name), state)
    made = published.publish(str(tmp_path / 'run'), str(tmp_path / 'm'),
                             published.Choice(quiet=True))
    assert made.split == 'val'


def test_without_checks_the_last_weights_are_published(run, tmp_path):
    shutil.copytree(run, tmp_path / 'run')
    path = str(tmp_path / 'run' / 'last.pt')
    state = checkpoint.read(path)
    state['settings']['check_split'] = ''
    checkpoint.write(path, state)
    assert published.read_run(str(tmp_path / 'run'))['progress'] == state['progress']


@pytest.mark.parametrize('arguments, match', [
    (['{tmp}/none', '{tmp}/m'], 'is no folder of a run, it lacks last.pt'),
    (['{run}', '{tmp}/a name'], "'a name' cannot be the name of a model"),
    (['{run}', '{tmp}/m', '--test-split', 'holdout'], "cannot read the list of split 'holdout'")])
def test_what_cannot_be_published_is_told(run, tmp_path, capsys, arguments, match):
    filled = [one.format(tmp=tmp_path, run=run) for one in arguments]
    assert main(['train', 'publish', *filled]) == 1
    assert match in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_training_can_publish_at_its_end(settings_in, tmp_path, capsys):
    config = tmp_path / 'config.yaml'
    config.write_text(yaml.safe_dump(plain(settings_in(tmp_path / 'run', epochs=1))))
    command = ['train', 'segmentation', str(config), '--publish', str(tmp_path / 'm')]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert 'step 3 of 3' in output and 'on camvid test' in output
    again = yaml.safe_load((tmp_path / 'm' / 'training.yaml').read_text())
    assert again == plain(settings_in(tmp_path / 'run', epochs=1))
    assert main(command) == 1  # before anything is learnt
    assert 'there is a model at' in capsys.readouterr().err


def test_a_classifier_is_published_likewise(tmp_path, capsys):
    for name, value in (('dark', 40), ('light', 200)):
        for split in ('train', 'val'):
            (tmp_path / 'scenes' / split / name).mkdir(parents=True)
            for number in range(2):
                cv2.imwrite(str(tmp_path / 'scenes' / split / name / '{}.png'.format(number)),
                            np.full((70, 70, 3), value + number, np.uint8))
    config = tmp_path / 'config.yaml'
    config.write_text(yaml.safe_dump({
        'run_folder': str(tmp_path / 'run'), 'folder': str(tmp_path / 'scenes'), 'epochs': 1,
        'input_width': 64, 'input_height': 64, 'batch_size': 2, 'threads': 1, 'device': 'cpu',
        'arguments': {'width': 0.5}}))
    assert main(['train', 'classification', str(config), '--publish', str(tmp_path / 'm')]) == 0
    assert 'top-1 accuracy' in capsys.readouterr().out
    card = model_card.load(str(tmp_path / 'm'))
    assert (card.task, card.classes, card.crop_ratio, card.multi_label) == (
        'classification', ('dark', 'light'), 0.875, False)
    assert {path.name for path in (tmp_path / 'm').iterdir()} == FILES - {'iou.png'} | {'f1.png'}
    assert '--dataset image_folder' in (tmp_path / 'm' / 'MODEL_CARD.md').read_text()


def test_a_stopped_training_publishes_nothing(settings_in, tmp_path, monkeypatch):
    config = tmp_path / 'config.yaml'
    config.write_text(yaml.safe_dump(plain(settings_in(tmp_path / 'run'))))
    monkeypatch.setattr(segmentation, 'train', lambda settings: {
        'step': 2, 'steps': 9, 'best': 0.0, 'skipped': 0})
    assert main(['train', 'segmentation', str(config), '--publish', str(tmp_path / 'm')]) == 3
    assert not (tmp_path / 'm').exists()


def test_a_schedule_is_drawn(repository, tmp_path, capsys):
    path = tmp_path / 'schedule.png'
    config = repository / 'config' / 'train' / 'camvid.yaml'
    assert main(['train', '--plot-schedule', str(config), '-o', str(path)]) == 0
    assert np.ptp(cv2.imread(str(path))) > 100
    assert '300 epochs' in capsys.readouterr().out


@pytest.mark.parametrize('arguments, match', [
    ([], 'nothing to do; give segmentation'),
    (['--plot-schedule', 'none.yaml'], 'cannot read the training settings none.yaml')])
def test_wrong_commands_are_told(capsys, arguments, match):
    assert main(['train', *arguments]) == 1
    assert match in capsys.readouterr().err


def test_a_machine_without_torch_is_told(monkeypatch, capsys):
    from espnet_perception.cli import train

    def absent(name):
        raise ModuleNotFoundError('No module named torch', name='torch')
    monkeypatch.setattr(train.importlib, 'import_module', absent)
    assert main(['train', 'segmentation', 'x.yaml']) == 1
    assert 'training needs torch, which is not installed here' in capsys.readouterr().err


def test_curves_have_what_the_journal_has():
    rows = [{'step': '3', 'epoch': '1', 'loss': '2.5', 'learning_rate': '0.1', 'miou': ''},
            {'step': '6', 'epoch': '2', 'loss': '2', 'learning_rate': '0.1', 'miou': '0.25'}]
    assert published.curves_of(rows) == [
        ('loss', (1.0, 2.0), (2.5, 2.0)), ('learning rate', (1.0, 2.0), (0.1, 0.1)),
        ('mIoU of the check split', (2.0,), (0.25,))]
    assert published.curves_of([]) == []
