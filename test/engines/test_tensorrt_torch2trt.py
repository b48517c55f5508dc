# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The builder torch2trt on a stand-in of that package; no GPU has seen it."""

import importlib
import importlib.util
import os
import sys
import types

from espnet_perception.engines import EngineOptions
from espnet_perception.engines import torch as torch_engine
from espnet_perception.errors import EngineError, ModelError
from espnet_perception.export.onnx import trace_to_onnx
from espnet_perception.pipeline.models import find_model, open_engine
import numpy as np
import pytest
import torch

SIZE = (64, 96)
IMAGE = np.random.RandomState(5).randint(0, 256, (*SIZE, 3)).astype(np.uint8)
pytestmark = pytest.mark.parametrize('version', ['8.2.1.8', '10.3.0'], indirect=True)


def open_tiny(model_dir, folder, name='tensorrt', **options):
    options = EngineOptions(SIZE[1], SIZE[0], 'labels+confidence', **options)
    return open_engine(find_model(model_dir), name, options, str(folder))


@pytest.fixture
def torch2trt(tensorrt, tmp_path, monkeypatch):
    """Return a stand-in of torch2trt: its plans are those of the stand-in of TensorRT."""
    double = types.ModuleType('torch2trt')
    double.calls, double.error, double.wrong = [], None, False

    class TRTModule(torch.nn.Module):
        def __init__(self, engine=None, input_names=None, output_names=None):
            super().__init__()
            self.engine, self.output_names = engine, output_names
            self.input_name, = input_names

        def forward(self, planes):
            scores, = self.engine._session.run(self.output_names,
                                               {self.input_name: planes.numpy()})
            return torch.from_numpy(scores)

    def convert(module, inputs, input_names=None, output_names=None, fp16_mode=False,
                max_workspace_size=1 << 25):
        double.calls.append((fp16_mode, max_workspace_size))
        if double.error:
            raise AttributeError(double.error)
        for parameter in module.parameters():
            parameter._trt = object()  # as the real one leaves it
            if double.wrong:
                parameter.data *= 1.2
        path = tmp_path / 'converted.onnx'
        trace_to_onnx(module, tuple(inputs), str(path), input_names, output_names)
        return TRTModule(tensorrt.ICudaEngine(path.read_bytes(), False), input_names,
                         output_names)

    double.TRTModule, double.torch2trt = TRTModule, convert
    monkeypatch.setitem(sys.modules, 'torch2trt', double)
    for module in (torch_engine, importlib.import_module(
            'espnet_perception.engines.tensorrt_torch2trt')):
        monkeypatch.setattr(module, 'usable_device', lambda device: torch.device('cpu'))
    monkeypatch.setattr(torch_engine.TorchEngine, '_refuse_what_takes_cuda', lambda self: None)
    return double


def test_the_same_products(tensorrt, torch2trt, tiny_model_dir, tmp_path, caplog):
    """Those of PyTorch; a second opening converts nothing."""
    with open_tiny(tiny_model_dir, tmp_path, 'torch', device='cpu') as engine:
        expected = engine.infer(IMAGE)
    for _ in range(2):
        with open_tiny(tiny_model_dir, tmp_path, builder='torch2trt') as engine:
            output, facts = engine.infer(IMAGE), engine.describe()
        assert (output.labels == expected.labels).mean() > 0.999
        assert np.abs(output.confidence.astype(int) - expected.confidence).max() <= 1
    assert torch2trt.calls == [(False, 512 << 20)]
    assert (facts['engine'], facts['builder']) == ('tensorrt', 'torch2trt')
    assert facts['version'] == tensorrt.__version__ and facts['device'].startswith('Recorded GPU')
    assert 'in fp32 for Recorded GPU with torch2trt' in caplog.text
    open_tiny(tiny_model_dir, tmp_path, builder='torch2trt', precision='fp16').close()
    assert torch2trt.calls[1:] == [(True, 512 << 20)]


def test_what_is_refused(tensorrt, torch2trt, tiny_model_dir, tiny_graph, tmp_path, monkeypatch):
    """A silently wrong graph, an operation without converter, other wishes, no torch2trt."""
    torch2trt.wrong = True
    with pytest.raises(EngineError, match=r'has made something else of this network: its scores '
                                          r'differ by \d.* 0.01 at most; set builder to onnx'):
        open_tiny(tiny_model_dir, tmp_path, builder='torch2trt')
    torch2trt.error = "'Tensor' object has no attribute '_trt'"
    with pytest.raises(EngineError, match="cannot convert this network: 'Tensor' object has no"):
        open_tiny(tiny_model_dir, tmp_path, builder='torch2trt')
    assert not [name for name in os.listdir(str(tmp_path)) if name.endswith('.plan')]
    with pytest.raises(EngineError, match='engine tensorrt got cuda_graph true, which it has not'):
        open_tiny(tiny_model_dir, tmp_path, builder='torch2trt', cuda_graph=True)
    with pytest.raises(ModelError, match='is an exported graph, which has no network any more'):
        open_tiny(tiny_graph, tmp_path, builder='torch2trt')
    monkeypatch.setitem(sys.modules, 'torch2trt', None)
    with pytest.raises(EngineError, match=r'builder torch2trt needs the package torch2trt, .* set '
                                          'builder to onnx'):
        open_tiny(tiny_model_dir, tmp_path, builder='torch2trt')


def test_absence(tensorrt, tiny_model_dir, tmp_path):
    """Where the package is not installed, one sentence says where it is."""
    if importlib.util.find_spec('torch2trt'):
        pytest.skip('torch2trt is installed here')
    with pytest.raises(EngineError, match='NVIDIA-AI-IOT/torch2trt'):
        open_tiny(tiny_model_dir, tmp_path, builder='torch2trt')
