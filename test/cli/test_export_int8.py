# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The export in INT8, as it is typed: calibrated, measured, written into the card, refused."""

import cv2
from espnet_perception.cli.main import main
from espnet_perception.export.quantise import choose_blocks
from espnet_perception.export.quantise_onnxruntime import OnnxQuantiser
from espnet_perception.pipeline import quantising, Segmenter
from espnet_perception.pipeline.models import find_model
from espnet_perception.settings import SegmenterSettings
import numpy as np
import pytest

SIZE = '80x48'
FORMATS = ('onnx', 'openvino')


@pytest.fixture(scope='module')
def frames(tmp_path_factory):
    """Return a folder with ten images of blots."""
    folder = tmp_path_factory.mktemp('frames')
    random = np.random.RandomState(5)
    for number in range(10):
        coarse = random.randint(0, 256, (6, 10, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / '{}.png'.format(number)),
                    cv2.resize(coarse, (80, 48), interpolation=cv2.INTER_CUBIC))
    return folder


def export(model, frames, *more):
    """Run the command; return its status."""
    return main([str(one) for one in (
        'export', model, '--precision', 'int8', '--size', SIZE, '--frames', frames, *more)])


@pytest.mark.parametrize('kind', FORMATS)
def test_int8(kind, tiny_model_dir, frames, tmp_path, capsys, monkeypatch):
    """The file runs by its path, and its card tells precision and loss."""
    monkeypatch.setattr(quantising, 'choose_blocks', lambda names, *rest: choose_blocks(
        names[:2], *rest))  # thirty blocks take a minute
    if kind == 'openvino':
        pytest.importorskip('nncf', reason='nncf is optional; see requirements/quantise.txt')
    path = tmp_path / ('tiny.onnx' if kind == 'onnx' else 'tiny.xml')
    assert export(tiny_model_dir, frames, '--format', kind, '--confidence',
                  '--least-agreement', 0.8, '--output', path) == 0
    told = capsys.readouterr().out
    assert 'labels as in fp32: ' in told and 'of 2 frame(s) that were not calibrated on' in told
    model = find_model(str(path))
    row = model.card.metrics[-1]
    assert model.graph.precision == row['precision'] == 'int8'
    assert row['name'] == 'labels as in fp32' and 0.8 <= row['value'] <= 1
    printed = float(told.split('labels as in fp32: ')[1].split('%')[0]) / 100
    assert printed == pytest.approx(row['value'], abs=6e-5) and row['calibrated_on'] == 8
    image = cv2.imread(str(frames / '0.png'))
    with Segmenter(model, 'auto' if kind == 'openvino' else 'onnxruntime',
                   SegmenterSettings()) as quantised:
        assert quantised.describe()['precision'] == 'int8'
        labels = quantised.segment(image).labels
    with Segmenter(find_model(str(tiny_model_dir)), 'torch', SegmenterSettings(
            network_width=80, network_height=48)) as reference:
        assert np.mean(labels == reference.segment(image).labels) > 0.7
    assert export(tiny_model_dir, frames, '--format', kind, '--output', path) == 1
    assert 'exists already' in capsys.readouterr().err


def test_a_data_set_is_measured_in_both(tiny_model_dir, frames, tmp_path, capsys, monkeypatch):
    """Labels alone are enough, and the card tells both figures."""
    monkeypatch.setattr(quantising, 'choose_blocks', lambda names, *rest: choose_blocks(
        names[:1], *rest))
    own = tmp_path / 'own'
    for name in ('images', 'masks'):
        (own / name).mkdir(parents=True)
    (own / 'classes.txt').write_text('a\nb\nc\nd\ne\n')
    for number in range(3):
        image = cv2.imread(str(frames / '{}.png'.format(number)))
        cv2.imwrite(str(own / 'images' / '{}.png'.format(number)), image)
        cv2.imwrite(str(own / 'masks' / '{}.png'.format(number)), image[:, :, 0] % 5)
    path = tmp_path / 'tiny.onnx'
    assert export(tiny_model_dir, frames, '--least-agreement', 0.5, '--output', path, '--dataset',
                  'folder', '--folder', own, '--split', 'all') == 0
    row = find_model(str(path)).card.metrics[-1]
    assert row['name'] == 'mIoU' and row['images'] == 3 and 0 < row['value'] < 1
    assert 'mIoU {:.2%} in int8, {:.2%} in fp32'.format(
        row['value'], row['fp32']) in capsys.readouterr().out


def test_blocks_are_left_out_until_enough_labels_stay(tiny_model_dir, frames, tmp_path, capsys,
                                                      monkeypatch):
    """What is missing on the frames that were held out is asked for in the next search."""
    asked = []

    def choose(names, share, least, progress):
        asked.append(least)
        return choose_blocks(names[:3 - len(asked)], share, 0.5, progress)

    def against(truth, candidate, images):
        found = real(truth, candidate, images)
        return found._replace(share=0.7) if len(truth) == 2 and len(asked) == 1 else found

    real = quantising.against
    monkeypatch.setattr(quantising, 'choose_blocks', choose)
    monkeypatch.setattr(quantising, 'against', against)
    assert export(tiny_model_dir, frames, '--least-agreement', 0.8, '--output',
                  tmp_path / 'tiny.onnx') == 0
    assert asked[1] - asked[0] == pytest.approx(0.1)
    assert '1 of 1 blocks are in int8' in capsys.readouterr().out


@pytest.mark.parametrize('fit', [True, False])
def test_too_few_labels_in_every_search(fit, tiny_model_dir, frames, tmp_path, capsys,
                                        monkeypatch):
    """The sentence tells what was measured, also where no block is left to try."""
    searches = []

    def choose(names, share, least, progress):
        searches.append(least)
        return choose_blocks(names[:1], share, 0.5 if fit or len(searches) == 1 else 1.1,
                             progress)

    real = quantising.against
    monkeypatch.setattr(quantising, 'choose_blocks', choose)
    monkeypatch.setattr(quantising, 'against', lambda truth, *rest: real(truth, *rest)._replace(
        share=0.7))
    assert export(tiny_model_dir, frames, '--output', tmp_path / 'tiny.onnx') == 1
    assert ('70.00% of the labels of 2 frame(s) are those of fp32, expected 98.50% at least'
            in capsys.readouterr().err)
    assert len(searches) == (quantising.SEARCHES if fit else 2) and not list(tmp_path.iterdir())


@pytest.mark.parametrize('case', [
    (['--least-agreement', '1.0'], 'no block of the network keeps 100.00% of the labels in int8'),
    (['--frame-count', '2'], 'got 2 frame(s) to calibrate int8 on'),
    (['--frame-count', '0'], 'got --frame-count 0, expected 1 at least'),
    (['--least-agreement', '1.5'], 'got a least agreement of 1.5'),
    (['--batch', '2'], 'which take one image; leave out --batch'),
    (['--format', 'torchscript'], "unknown format for int8 'torchscript'"),
    (['--frames', 'nowhere'], "no images in 'nowhere'"),
])
def test_refused(case, tiny_model_dir, frames, tmp_path, capsys, monkeypatch):
    """Bad input is told in one sentence, and no file is there."""
    more, sentence = case
    real = OnnxQuantiser.save

    def save_all(self, blocks, path):
        real(self, self.blocks, path)  # as if every block cost as much as all of them
    monkeypatch.setattr(OnnxQuantiser, 'save', save_all)
    path = tmp_path / 'tiny.onnx'
    assert export(tiny_model_dir, frames, '--output', path, *more) == 1
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_no_frames(tiny_model_dir, capsys):
    """INT8 without frames, and frames without INT8, are refused."""
    assert main(['export', str(tiny_model_dir), '--precision', 'int8']) == 1
    assert 'int8 has to be calibrated; give --frames' in capsys.readouterr().err
    assert main(['export', str(tiny_model_dir), '--frames', 'somewhere']) == 1
    assert '--frames is for --precision int8' in capsys.readouterr().err


def test_without_nncf(tiny_model_dir, frames, tmp_path, capsys, monkeypatch):
    """What to install is said."""
    monkeypatch.setitem(__import__('sys').modules, 'nncf', None)
    assert export(tiny_model_dir, frames, '--format', 'openvino', '--output',
                  tmp_path / 'tiny.xml') == 1
    assert 'int8 for OpenVINO needs the package nncf (pip install nncf' in capsys.readouterr().err
