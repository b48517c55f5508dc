# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Exported files: the same answers in every format, and the card inside."""

from importlib.util import find_spec
import json
import os
import sys

from espnet_perception import model_card
from espnet_perception.errors import EngineError, ModelError, OutputError, SettingsError
from espnet_perception.export import formats
from espnet_perception.export.formats import write_model
from espnet_perception.export.metadata import GraphFacts, PIXELS, read_onnx
from espnet_perception.pipeline.models import find_model
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

SIZE = (48, 80)
LABELS = GraphFacts(SIZE, 2, PIXELS, 'labels+confidence')
KINDS = [kind for kind in formats.FORMATS if kind != 'openvino' or find_spec('openvino')]


@pytest.fixture(scope='module')
def tiny(tiny_model_dir):
    """Return network and card of the tiny model."""
    found = find_model(tiny_model_dir)
    return found.network(), found.card


def run(kind, path, image):
    """Return the outputs of an exported file."""
    if kind == 'torchscript':
        outputs = torch.jit.load(path)(torch.from_numpy(image))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return [one.detach().numpy() for one in outputs]
    if kind == 'openvino':
        import openvino
        compiled = openvino.Core().compile_model(path, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
        return list(compiled([image]).values())
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return session.run(None, {session.get_inputs()[0].name: image})


def texts_inside(kind, path):
    if kind == 'torchscript':
        names = dict.fromkeys(('card.json', 'graph.json'), '')
        torch.jit.load(path, _extra_files=names)
        return {name[:-len('.json')]: text for name, text in names.items()}
    if kind == 'openvino':
        import openvino
        facts = openvino.Core().read_model(path).get_rt_info()['espnet_perception']
        return {name: facts[name].astype(str) for name in ('card', 'graph')}
    return {one.key: one.value for one in onnx.load(path).metadata_props}


@pytest.mark.filterwarnings('ignore::DeprecationWarning')  # torch.jit, which is what is asked for
@pytest.mark.parametrize('kind', KINDS)
def test_formats_agree(tiny, tmp_path, kind):
    """Scores within 1e-4 of the network, labels where they are clear, the card inside."""
    network, card = tiny
    planes = np.random.RandomState(1).randn(2, 3, *SIZE).astype(np.float32)
    path = str(tmp_path / ('scores' + formats.FORMATS[kind].suffix))
    assert write_model(network, card, GraphFacts(SIZE, 2), (kind, path))[0] == path
    with torch.no_grad():
        expected = network(torch.from_numpy(planes)).numpy()
    assert np.abs(run(kind, path, planes)[0] - expected).max() < 1e-4
    pixels = np.random.RandomState(2).randint(0, 256, (2, *SIZE, 3)).astype(np.uint8)
    path = str(tmp_path / ('labels' + formats.FORMATS[kind].suffix))
    write_model(network, card, LABELS, (kind, path))
    normal = (pixels[..., ::-1] - np.array(card.mean)) / np.array(card.std)
    with torch.no_grad():
        scores = network(torch.from_numpy(normal.transpose(0, 3, 1, 2).astype(np.float32)))
    ranked = np.sort(scores.numpy(), axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 1e-3
    labels, confidence = run(kind, path, pixels)
    assert labels.dtype == confidence.dtype == np.uint8 and clear.mean() > 0.9
    assert np.array_equal(labels[clear], scores.numpy().argmax(axis=1)[clear])
    inside = texts_inside(kind, path)
    assert json.loads(inside['card'])['classes'] == list(card.classes)
    assert json.loads(inside['graph'])['product'] == 'labels+confidence'
    assert not [name for name in os.listdir(str(tmp_path)) if 'part' in name]


@pytest.mark.parametrize('kind', [kind for kind in KINDS if kind != 'torchscript'])
def test_half_precision(tiny, tmp_path, kind):
    """Half the weights' bytes, and nearly the same scores."""
    network, card = tiny
    planes = np.random.RandomState(1).randn(1, 3, *SIZE).astype(np.float32)
    sizes, scores = [], []
    for precision in formats.PRECISIONS:
        path = str(tmp_path / (precision + formats.FORMATS[kind].suffix))
        written = write_model(network, card, GraphFacts(SIZE, precision=precision), (kind, path))
        sizes.append(os.path.getsize(written[-1]))
        scores.append(run(kind, path, planes)[0])
    assert scores[1].dtype == np.float32 and sizes[1] < 0.8 * sizes[0]
    difference = np.abs(scores[1] - scores[0]).max()
    assert 0 < difference < 0.02 * np.abs(scores[0]).max()


def test_the_card_is_read_without_onnx(tiny, tmp_path):
    """Card and graph come back from the file; its input size is that of the graph."""
    network, card = tiny
    path = str(tmp_path / 'model.onnx')
    write_model(network, card, LABELS, ('onnx', path))
    found, facts = read_onnx(path)
    assert facts == LABELS
    assert found == card._replace(input_width=SIZE[1], input_height=SIZE[0])
    inside = texts_inside('onnx', path)
    preprocessing = json.loads(inside['preprocessing'])
    assert preprocessing['normalised_by'] == 'the graph'
    assert preprocessing['mean'] == list(card.mean) and preprocessing['channel_order'] == 'bgr'
    assert json.loads(inside['classes']) == list(card.classes)
    assert json.loads(inside['versions'])['torch'] == torch.__version__


def test_files_without_a_card(tiny, tmp_path):
    """Cut short, foreign, or no ONNX at all: one sentence each."""
    network, card = tiny
    path = tmp_path / 'model.onnx'
    write_model(network, card, GraphFacts(SIZE), ('onnx', str(path)))
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ModelError, match='damaged or no ONNX file: it ends too early'):
        read_onnx(str(path))
    model = onnx.load_from_string(whole)
    del model.metadata_props[:]
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match='holds no card of this package'):
        read_onnx(str(path))
    path.write_text('not a graph')
    with pytest.raises(ModelError):
        read_onnx(str(path))
    with pytest.raises(ModelError, match='cannot read .*: No such file'):
        read_onnx(str(tmp_path / 'absent.onnx'))
    unknown = whole.replace(b'"void_id"', b'"Void_id"')
    path.write_bytes(unknown)
    with pytest.raises(ModelError, match="unknown field of the model card 'Void_id'"):
        read_onnx(str(path))
    assert model_card.from_dict(json.loads(texts_inside_bytes(whole)['card']))


def texts_inside_bytes(content):
    return {one.key: one.value for one in onnx.load_from_string(content).metadata_props}


@pytest.mark.parametrize('kind', KINDS)
def test_existing_files_are_kept(tiny, tmp_path, kind, monkeypatch):
    """Refused without force; and a failing writer leaves the old file intact."""
    network, card = tiny
    row = formats.FORMATS[kind]
    paths = [tmp_path / ('model' + suffix) for suffix in (row.suffix, *row.beside)]
    paths[-1].write_text('mine')
    target = (kind, str(paths[0]))
    with pytest.raises(OutputError, match='exists already; give another --output, or --force'):
        write_model(network, card, GraphFacts(SIZE), target)

    def full(*_arguments, **_options):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OutputError, match='No space left on device; free some space'):
        write_model(network, card, GraphFacts(SIZE), target, force=True)
    assert paths[-1].read_text() == 'mine'
    assert sorted(os.listdir(str(tmp_path))) == [paths[-1].name]
    monkeypatch.undo()
    write_model(network, card, GraphFacts(SIZE), target, force=True)
    assert paths[-1].stat().st_size > 1000


def test_wrong_wishes(tiny, tmp_path, monkeypatch):
    """Unknown formats and precisions, batches out of range, libraries that lack."""
    network, card = tiny
    path = str(tmp_path / 'model.onnx')
    facts = GraphFacts(SIZE)
    with pytest.raises(SettingsError, match="unknown format 'onx'; did you mean 'onnx'"):
        write_model(network, card, facts, ('onx', path))
    with pytest.raises(SettingsError, match="unknown precision 'fp8'; did you mean"):
        write_model(network, card, facts._replace(precision='fp8'), ('onnx', path))
    with pytest.raises(SettingsError, match='got a batch of 0, expected 1 to'):
        write_model(network, card, facts._replace(batch=0), ('onnx', path))
    with pytest.raises(OutputError, match='cannot write .*: No such file'):
        write_model(network, card, facts, ('onnx', str(tmp_path / 'absent' / 'model.onnx')))
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(EngineError, match='needs the package onnx'):
        write_model(network, card, facts, ('onnx', path))
