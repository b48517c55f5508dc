# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The cache of exported graphs."""

import os
from pathlib import Path

from espnet_perception.errors import EngineError, ModelError
from espnet_perception.export import onnx as onnx_export
from espnet_perception.export.onnx import cached_onnx, GraphKey
from espnet_perception.pipeline.models import find_model
import onnx
import pytest
import torch


@pytest.fixture
def model(tiny_model_dir):
    """Return the tiny model."""
    return find_model(tiny_model_dir)


def key_of(model, size=(64, 96), product='labels'):
    return GraphKey(model.card.sha256, size, product)


def test_graph_is_plain_opset_13(model, tmp_path):
    """Only operators of the default domain; pixels in, class ids out."""
    path = cached_onnx(key_of(model, product='labels+confidence'), model.card, model.network,
                       str(tmp_path))
    graph = onnx.load(path)
    onnx.checker.check_model(graph, full_check=True)
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [('', 13)]
    assert [entry.name for entry in graph.graph.input] == ['image_bgr']
    assert [entry.name for entry in graph.graph.output] == ['labels', 'confidence']
    assert {'BatchNormalization', 'If', 'Loop'}.isdisjoint(
        node.op_type for node in graph.graph.node)


def test_second_use_does_not_export(model, tmp_path):
    """The cache is hit by the same facts and missed by any other."""
    path = cached_onnx(key_of(model), model.card, model.network, str(tmp_path))

    def never():
        raise AssertionError('the network was loaded although the graph is cached')

    assert cached_onnx(key_of(model), model.card, never, str(tmp_path)) == path
    other = model.card._replace(mean=(0.0, 0.0, 0.0))
    for key, card in ((key_of(model, (32, 96)), model.card), (key_of(model), other),
                      (key_of(model, product='logits'), model.card)):
        with pytest.raises(AssertionError):
            cached_onnx(key, card, never, str(tmp_path))


@pytest.mark.parametrize('damage', ['cut', 'checksum lost'])
def test_damaged_graph_is_written_anew(model, tmp_path, damage):
    """A file that was cut short is not used."""
    path = Path(cached_onnx(key_of(model), model.card, model.network, str(tmp_path)))
    whole = path.read_bytes()
    if damage == 'cut':
        path.write_bytes(whole[:1000])
    else:
        os.remove(f'{path}.sha256')
    cached_onnx(key_of(model), model.card, model.network, str(tmp_path))
    assert len(path.read_bytes()) == len(whole)


def test_full_disk_leaves_nothing_behind(model, tmp_path, monkeypatch):
    """The sentence says what to do, and no half file stays."""
    def full(*_arguments):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(onnx_export, 'export_onnx', full)
    with pytest.raises(ModelError, match='No space left on device; free some space or set'):
        cached_onnx(key_of(model), model.card, model.network, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_cache_folder_that_is_a_file(model, tmp_path):
    """A cache_dir that cannot be a folder is one sentence."""
    (tmp_path / 'file').write_text('')
    with pytest.raises(ModelError, match='cannot write the exported graph'):
        cached_onnx(key_of(model), model.card, model.network, str(tmp_path / 'file'))


def test_exporter_that_cannot(model, tmp_path, monkeypatch):
    """A failing exporter is one sentence with the way out, and leaves no file."""
    def refuse(*_arguments, **_options):
        raise RuntimeError('Module onnx is not installed!')  # as PyTorch 2 without that package
    monkeypatch.setattr(torch.onnx, 'export', refuse)
    with pytest.raises(EngineError, match='cannot export the network to ONNX: .*pip install onnx'):
        cached_onnx(key_of(model), model.card, model.network, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
