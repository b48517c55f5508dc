# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT and CUDA as stand-ins, so that everything up to the GPU runs on any machine."""

import importlib
import sys
from types import SimpleNamespace

from espnet_perception.engines import cuda as cuda_module
import pytest
import tensorrt_double

VERSIONS = ('8.2.1.8', '8.5.3.1', '10.3.0')
MODULES = ('espnet_perception.engines.tensorrt', 'espnet_perception.engines.tensorrt_build')


@pytest.fixture(params=VERSIONS)
def version(request):
    """Return a version of each generation of the interface."""
    return request.param


@pytest.fixture
def tensorrt(version, monkeypatch):
    """Return the stand-in of TensorRT; the engine's modules are loaded anew with it."""
    device = SimpleNamespace(**vars(tensorrt_double.DEVICE))
    cuda = tensorrt_double.FakeCuda(device)
    double = tensorrt_double.make_tensorrt(version, cuda)
    double.__spec__ = importlib.machinery.ModuleSpec('tensorrt', None)
    monkeypatch.setitem(sys.modules, 'tensorrt', double)
    monkeypatch.setattr(cuda_module, 'load_library', lambda names, what: cuda)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield double
    for name in MODULES:
        sys.modules.pop(name, None)
    assert [kind for _, kind in cuda.memory.values()] == [], 'memory was not freed'


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
