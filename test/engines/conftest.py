# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT and CUDA as stand-ins, so that everything up to the GPU runs on any machine."""

import pytest
import tensorrt_double

VERSIONS = ('8.2.1.8', '8.5.3.1', '10.3.0')


@pytest.fixture(params=VERSIONS)
def version(request):
    """Return a version of each generation of the interface."""
    return request.param


@pytest.fixture
def tensorrt(version, monkeypatch):
    """Return the stand-in of TensorRT in the place of the real one."""
    with tensorrt_double.installed(version, monkeypatch) as double:
        yield double


@pytest.fixture(scope='session')
def tiny_graph(tiny_model_dir, tmp_path_factory):
    """Return the tiny model as the one file that a Jetson is given."""
    from espnet_perception.export.formats import write_model
    from espnet_perception.export.metadata import GraphFacts, PIXELS
    from espnet_perception.pipeline.models import find_model
    model = find_model(tiny_model_dir)
    path = tmp_path_factory.mktemp('graphs') / 'tiny.onnx'
    facts = GraphFacts((64, 96), 1, PIXELS, 'labels+confidence', bytes_known=False)
    write_model(model.network(), model.card, facts, ('onnx', str(path)))
    return path
