# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The commands export and build-engine, as they are typed."""

import os

from espnet_perception.cli.main import main
from espnet_perception.engines import absence
from espnet_perception.export.metadata import GraphFacts, PIXELS, read_onnx
import numpy as np
import pytest
import tensorrt_double

FITS = 'TensorRT 8.2: every operator, type and attribute is on the list of its parser'


@pytest.fixture
def tensorrt_82(monkeypatch):
    """Return the stand-in of TensorRT 8.2 in the place of the real one."""
    with tensorrt_double.installed('8.2.1.8', monkeypatch) as double:
        yield double


def refusal(capsys, *arguments):
    """Return the sentence with which a command ends."""
    assert main([str(one) for one in arguments]) == 1
    return capsys.readouterr().err


def test_export_for_tensorrt(tiny_model_dir, tmp_path, capsys, monkeypatch):
    """The file is named after what it is, fits, and is refused a second time."""
    monkeypatch.chdir(tmp_path)
    arguments = ['export', str(tiny_model_dir), '--labels', '--confidence', '--for-tensorrt',
                 '--size', '80x48']
    assert main(arguments) == 0
    assert FITS in capsys.readouterr().out
    name = 'tiny_80x48_labels_confidence_tensorrt.onnx'
    assert os.listdir(str(tmp_path)) == [name]
    assert read_onnx(name)[1] == GraphFacts((48, 80), 1, PIXELS, 'labels+confidence', False)
    assert 'exists already; give another --output, or --force' in refusal(capsys, *arguments)
    assert main([*arguments, '--force']) == 0


def test_export_of_bytes(tiny_model_dir, tmp_path, capsys):
    """What TensorRT 8.2 would refuse is said, with the way out."""
    path = str(tmp_path / 'model.onnx')
    assert main(['export', str(tiny_model_dir), '--labels', '--output', path]) == 0
    text = capsys.readouterr().out
    assert 'TensorRT 8.2 does not take this graph:' in text
    assert "input 'image_bgr' is uint8, expected float32; export with --for-tensorrt" in text


def test_wrong_options(tiny_model_dir, capsys):
    """One sentence each, before anything is loaded."""
    assert 'give --labels as well' in refusal(capsys, 'export', tiny_model_dir, '--confidence')
    assert "--size is '80', expected WIDTHxHEIGHT" in refusal(
        capsys, 'export', tiny_model_dir, '--size', '80')
    assert 'export: ESPNetv2Segmentation got an input of 81x48 pixels, expected sides' in refusal(
        capsys, 'export', tiny_model_dir, '--size', '81x48')
    assert 'got a batch of 0, expected 1 to' in refusal(
        capsys, 'export', tiny_model_dir, '--batch', '0')


def test_build_engine_without_tensorrt(tiny_model_dir, capsys):
    """What to install on a Jetson."""
    if not absence('tensorrt'):
        pytest.skip('TensorRT is installed here')
    assert 'sudo apt install python3-libnvinfer' in refusal(
        capsys, 'build-engine', tiny_model_dir)


@pytest.fixture
def frames(tmp_path):
    """Return a folder with an image."""
    import cv2
    folder = tmp_path / 'frames'
    folder.mkdir()
    image = np.random.RandomState(4).randint(0, 256, (60, 90, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / 'street.png'), image)
    return folder


def test_build_engine(tensorrt_82, tiny_model_dir, tmp_path, frames, capsys, monkeypatch):
    """Built, compared, found again; and not kept if it says something else."""
    from espnet_perception.pipeline import agreement, plan_building
    cache = tmp_path / 'cache'
    arguments = ['build-engine', str(tiny_model_dir), '--cache-dir', str(cache), '--frames',
                 str(frames)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert '.plan (' in shown.out and 'by TensorRT 8.2.1.8 for Recorded GPU' in shown.out
    assert '100.000% of the labels are those of openvino in fp32' in shown.out
    assert 'building a TensorRT 8.2.1.8 engine in fp16' in shown.err
    assert main(arguments) == 0
    assert 'building' not in capsys.readouterr().err
    monkeypatch.setattr(plan_building, 'compare', lambda *_: agreement.Agreement(0.5, 0.5, 1))
    assert 'agrees with fp32 on 50.00% of 1 image(s)' in refusal(capsys, *arguments, '--again')
    assert not [name for name in os.listdir(str(cache)) if name.endswith('.plan')]
    again = refusal(capsys, *arguments)
    assert 'was built and refused before: the engine agrees with fp32 on 50.00%' in again
    assert '--again' in again


def test_export_of_an_engine(tensorrt_82, tiny_model_dir, tmp_path, frames, capsys, monkeypatch):
    """ONNX file and engine beside each other; a node with an empty cache takes that engine."""
    from espnet_perception.pipeline import create_segmenter
    from espnet_perception.settings import SegmenterSettings
    monkeypatch.chdir(tmp_path)
    start = ['export', str(tiny_model_dir), '--format', 'tensorrt']
    assert main([*start, '--confidence', '--precision', 'fp16', '--frames', str(frames)]) == 0
    text = capsys.readouterr().out
    assert '100.000% of the labels are those of' in text and '.plan (' in text
    name = 'tiny_96x64_labels_confidence_tensorrt.onnx'
    plans = [one for one in os.listdir(str(tmp_path)) if one.endswith('.plan')]
    assert os.path.exists(name) and len(plans) == 1
    builds = len(tensorrt_82.calls)
    settings = SegmenterSettings(precision='fp16', cache_dir=str(tmp_path / 'empty'))
    with create_segmenter(name, 'tensorrt', settings) as segmenter:
        assert segmenter.describe()['precision'] == 'fp16'
    assert len(tensorrt_82.calls) == builds
    for arguments, sentence in (
            ([*start, '--batch', '2'], 'takes one image at once, got --batch 2'),
            ([*start[:-1], 'onnx', '--frames', frames], '--frames is for --precision int8 and'),
            ([*start[:-1], 'onnx', '--again'], '--again is for --format tensorrt')):
        assert sentence in refusal(capsys, *arguments)


def test_frames_of_a_bag(drive, city_model, monkeypatch):
    """The frames of the camera, evenly spread, at the size of the network."""
    from espnet_perception import model_card
    from espnet_perception.cli import frames
    from espnet_perception.errors import BagError
    card = model_card.load(city_model)
    assert [image.shape for image in frames.read_frames(str(drive), card, (48, 64))] == [
        (48, 64, 3)] * 8
    monkeypatch.setattr(frames, 'MOST_FRAMES', 3)
    first, _second, _third = frames.read_frames(str(drive), card, (48, 64))
    assert first.dtype == np.uint8 and first.std() > 1
    with pytest.raises(BagError, match='there is no bag at'):
        frames.read_frames('/nowhere.mcap', card, (48, 64))


def test_build_engine_refuses(tensorrt_82, tiny_model_dir, tmp_path, frames, capsys):
    """Int8 on a TX2, a folder without images, a file that is none."""
    start = ['build-engine', tiny_model_dir, '--cache-dir', tmp_path / 'cache']
    assert '(compute capability 6.2) cannot compute in int8; use fp16' in refusal(
        capsys, *start, '--precision', 'int8')
    assert "no images in '" in refusal(capsys, *start, '--frames', tmp_path)
    (frames / 'broken.png').write_text('no image')
    assert 'broken.png is no image that can be read' in refusal(
        capsys, *start, '--frames', frames)
