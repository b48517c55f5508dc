# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Measuring models on data sets: the figures of a replay, options, and what can be wrong."""

import json

import cv2
from espnet_perception.cli.main import main
from espnet_perception.evaluation.metrics import ConfusionMatrix
from espnet_perception.label_sets import CITYSCAPES
from espnet_perception.pipeline import create_segmenter
from espnet_perception.settings import SegmenterSettings
from espnet_perception.synthetic import SyntheticDrive
import numpy as np
import pytest

FRAMES, WIDTH, HEIGHT = 8, 128, 64  # those of the bag


@pytest.fixture(scope='module')
def frames():
    return list(SyntheticDrive(3, WIDTH, HEIGHT, FRAMES, 10.0))


@pytest.fixture(scope='module')
def streets(frames, tmp_path_factory):
    """Folder with the images and masks of the drive in the bag."""
    folder = tmp_path_factory.mktemp('streets')
    for kind in ('images', 'masks'):
        (folder / kind).mkdir()
    for index, frame in enumerate(frames):
        name = '{:02d}.png'.format(index)
        assert cv2.imwrite(str(folder / 'images' / name), frame.image_bgr)
        assert cv2.imwrite(str(folder / 'masks' / name), frame.labels)
    (folder / 'classes.txt').write_text('\n'.join(CITYSCAPES.classes))
    return folder


def evaluate(model, folder, *arguments):
    return main(['evaluate', str(model), '--dataset', 'folder', '--folder', str(folder),
                 '--split', 'all', *arguments])


@pytest.fixture(scope='module')
def figures(city_model, streets, tmp_path_factory):
    """Return the figures of an untrained network on the streets."""
    path = tmp_path_factory.mktemp('figures') / 'figures.json'
    assert evaluate(city_model, streets, '--json', str(path)) == 0
    return json.loads(path.read_text())


def test_the_figures_are_those_of_a_replay(figures, city_model, drive, tmp_path):
    assert main(['replay', drive, '--model', city_model, '--truth', '/camera/labels', '--output',
                 str(tmp_path)]) == 0
    replayed = json.loads((tmp_path / 'report.json').read_text())['overall']['metrics']
    assert figures['metrics'] == replayed
    assert (figures['images'], figures['left_out']) == (FRAMES, [])


def test_main_figures_and_classes_are_printed(city_model, streets, capsys):
    assert evaluate(city_model, streets, '--images', '2') == 0
    text = capsys.readouterr().out
    assert 'city on {} all: 2 images, 0 left out'.format(streets.name) in text
    assert 'traffic light' in text
    assert '\nmIoU ' in text
    assert '7 categories: mIoU ' in text


def test_a_report_has_charts_and_samples(city_model, streets, tmp_path, capsys):
    assert evaluate(city_model, streets, '--report', str(tmp_path / 'report')) == 0
    assert sorted(path.name for path in (tmp_path / 'report').iterdir()) == [
        'confusion.png', 'iou.png', 'report.json', 'samples.jpg']
    picture = cv2.imread(str(tmp_path / 'report' / 'samples.jpg'))
    assert picture.shape[1] == 1280
    assert picture.std() > 10


def test_scales_and_flip_average_probabilities(city_model, streets, frames, tmp_path):
    path = tmp_path / 'figures.json'
    assert evaluate(city_model, streets, '--engine', 'torch', '--images', '1', '--scales',
                    '1,0.5', '--flip', '--json', str(path)) == 0
    total = 0.0
    for width in (WIDTH, WIDTH // 2):
        settings = SegmenterSettings(network_width=width, network_height=width // 2,
                                     keep_logits=True)
        with create_segmenter(city_model, 'torch', settings) as segmenter:
            for image, step in ((frames[0].image_bgr, 1), (frames[0].image_bgr[:, ::-1], -1)):
                logits = segmenter.segment(np.ascontiguousarray(image)).logits[:, :, ::step]
                shares = np.exp(logits) / np.exp(logits).sum(axis=0)
                total = total + np.stack([cv2.resize(plane, (WIDTH, HEIGHT)) for plane in shares])
    confusion = ConfusionMatrix(19)
    confusion.add(frames[0].labels, total.argmax(axis=0).astype(np.uint8))
    found = np.array(json.loads(path.read_text())['metrics']['confusion'])
    assert np.abs(found - confusion.counts).sum() <= 4  # float sums in another order


def test_another_size_is_another_result(figures, city_model, streets, tmp_path):
    path = tmp_path / 'figures.json'
    assert evaluate(city_model, streets, '--size', '64x32', '--json', str(path)) == 0
    found = json.loads(path.read_text())
    assert (found['source']['network_width'], found['source']['network_height']) == (64, 32)
    assert found['metrics']['confusion'] != figures['metrics']['confusion']


def test_a_mapping_file_joins_classes(city_model, streets, tmp_path):
    mapping = tmp_path / 'two.yaml'
    mapping.write_text('classes: [way, not]\nmap: {road: way, sidewalk: way, sky: not}\n')
    for kind in ('images', 'masks'):
        (tmp_path / 'two' / kind).mkdir(parents=True)
        (tmp_path / 'two' / kind / '0.png').write_bytes(
            (streets / kind / '00.png').read_bytes())
    labels = cv2.imread(str(streets / 'masks' / '00.png'), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(tmp_path / 'two' / 'masks' / '0.png'), (labels > 1).astype(np.uint8))
    (tmp_path / 'two' / 'classes.txt').write_text('way\nnot\n')
    path = tmp_path / 'figures.json'
    assert evaluate(city_model, tmp_path / 'two', '--truth-classes', str(mapping), '--json',
                    str(path)) == 0
    found = json.loads(path.read_text())
    assert found['classes'] == ['way', 'not']
    assert 'car' in found['unmapped_model_classes']


def test_groups_are_reported_by_themselves(city_model, tmp_path, capsys):
    for split in ('test', 'testannot'):
        (tmp_path / split).mkdir()
    stems = ['A1_001', 'A1_002', 'B7_f003']
    (tmp_path / 'test.txt').write_text('\n'.join(stems))
    for index, stem in enumerate(stems):
        cv2.imwrite(str(tmp_path / 'test' / (stem + '.png')),
                    np.full((48, 64, 3), 80 * index, np.uint8))
        cv2.imwrite(str(tmp_path / 'testannot' / (stem + '.png')),
                    np.full((48, 64), 3, np.uint8))
    path = tmp_path / 'figures.json'
    assert main(['evaluate', city_model, '--dataset', 'camvid', '--folder', str(tmp_path),
                 '--json', str(path)]) == 0
    found = json.loads(path.read_text())
    assert {name: group['images'] for name, group in found['groups'].items()} == {
        'A1': 2, 'B7': 1}
    assert 'A1 (2 images): mIoU' in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_named_and_counted(city_model, streets, tmp_path, capsys):
    import shutil
    shutil.copytree(streets, tmp_path / 'streets')
    (tmp_path / 'streets' / 'images' / '03.png').write_bytes(b'nothing')
    assert evaluate(city_model, tmp_path / 'streets') == 0
    text = capsys.readouterr().out
    assert 'left out: cannot read the image' in text and '03.png' in text
    assert '7 images, 1 left out' in text
    for path in (tmp_path / 'streets' / 'images').iterdir():
        path.write_bytes(b'nothing')
    assert evaluate(city_model, tmp_path / 'streets') == 1
    assert 'none of the 8 images of streets can be read' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, match', [
    (['--dataset', 'camvit'], "unknown data set 'camvit'; did you mean 'camvid'"),
    (['--scales', '1,x'], "--scales is '1,x', expected numbers of 0.1 to 8"),
    (['--size', 'big'], "--size is 'big'"),
    (['--option', 'classes'], "--option got 'classes', expected key=value"),
    (['--split', 'holdout'], "there is no split 'holdout'"),
    (['--truth-classes', 'none.yaml'], 'cannot read the class mapping none.yaml')])
def test_wrong_arguments_are_told_in_a_sentence(city_model, streets, capsys, arguments, match):
    assert evaluate(city_model, streets, *arguments) == 1
    assert match in capsys.readouterr().err


@pytest.fixture(scope='module')
def scenes_folder(tmp_path_factory):
    """Folder of classes: three of the classifier's, two images each."""
    folder = tmp_path_factory.mktemp('scenes')
    for index, name in enumerate(('forest', 'night', 'street')):
        (folder / 'val' / name).mkdir(parents=True)
        for number in range(2):
            cv2.imwrite(str(folder / 'val' / name / '{}.png'.format(number)),
                        np.random.default_rng(10 * index + number).integers(
                            0, 255, (40, 50, 3), np.uint8))
    return folder


def test_a_classifier_gets_its_own_figures(tiny_classifier_dir, scenes_folder, tmp_path, capsys):
    path = tmp_path / 'figures.json'
    arguments = ['evaluate', str(tiny_classifier_dir), '--dataset', 'image_folder', '--folder',
                 str(scenes_folder), '--split', 'val']
    assert main([*arguments, '--json', str(path), '--report', str(tmp_path / 'report')]) == 0
    found = json.loads(path.read_text())
    assert found['images'] == 6
    truth = {row['name']: row['truth_images'] for row in found['metrics']['classes']}
    assert {name: count for name, count in truth.items() if count} == {
        'forest': 2, 'night': 2, 'street': 2}
    assert 'top-1 accuracy' in capsys.readouterr().out
    assert (tmp_path / 'report' / 'samples.jpg').exists()
    assert main([*arguments, '--flip']) == 1
    assert 'are for segmentation' in capsys.readouterr().err


def test_task_and_data_must_fit(city_model, tiny_classifier_dir, streets, scenes_folder, capsys):
    assert evaluate(tiny_classifier_dir, streets) == 1
    assert 'is for classification, and the data set' in capsys.readouterr().err
    assert main(['evaluate', city_model, '--dataset', 'image_folder', '--folder',
                 str(scenes_folder), '--split', 'val']) == 1
    assert 'is for segmentation, and the data set' in capsys.readouterr().err
