# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the torch engine has on CUDA; the recording runs on a stand-in of torch.cuda."""

from contextlib import contextmanager

from espnet_perception.engines import EngineOptions
from espnet_perception.engines.torch import Recording
from espnet_perception.errors import EngineError
from espnet_perception.pipeline.models import find_model, open_engine
import numpy as np
import pytest
import torch

SIZE = (64, 96)
IMAGES = [np.random.RandomState(seed).randint(0, 256, (*SIZE, 3)).astype(np.uint8)
          for seed in (1, 2)]


def open_tiny(model_dir, name='torch', **options):
    options = dict({'device': 'cpu'}, **options)
    return open_engine(find_model(model_dir), name, EngineOptions(
        SIZE[1], SIZE[0], 'labels+confidence', threads=1, **options), '')


@pytest.fixture(scope='module')
def expected(tiny_model_dir):
    """Return what the plain engine makes of the images."""
    with open_tiny(tiny_model_dir) as engine:
        return [engine.infer(image) for image in IMAGES]


def same(output, expected):
    assert (output.labels == expected.labels).mean() > 0.999
    assert np.abs(output.confidence.astype(int) - expected.confidence).max() <= 1


@pytest.mark.parametrize('options, sentence', [
    ({'precision': 'fp16'}, "has precision fp16 on a CUDA device only, and the device is 'cpu';"),
    ({'cuda_graph': True}, "has cuda_graph true on a CUDA device only, and the device is 'cpu';"),
    ({'precision': 'int8'}, "engine torch got precision 'int8', expected fp32 or fp16"),
    ({'builder': 'torch2trt'}, 'got builder torch2trt, which it has not; leave it at onnx')])
def test_what_the_cpu_has_not(tiny_model_dir, options, sentence):
    with pytest.raises(EngineError, match=sentence):
        open_tiny(tiny_model_dir, **options)


@pytest.mark.parametrize('name', ['cuda_graph', 'channels_last'])
def test_other_engines_say_that_they_have_no_such_thing(tiny_model_dir, name):
    with pytest.raises(EngineError, match=f'engine onnxruntime got {name} true, which it has not'):
        open_tiny(tiny_model_dir, 'onnxruntime', **{name: True})


def test_channels_last_changes_the_layout_alone(tiny_model_dir, expected):
    """It needs no GPU."""
    with open_tiny(tiny_model_dir, channels_last=True) as engine:
        for image, output in zip(IMAGES, expected):
            same(engine.infer(image), output)
        weights = [one for one in engine._network.parameters() if one.dim() == 4
                   and min(one.shape) > 1]
        assert weights and all(one.is_contiguous(memory_format=torch.channels_last)
                               for one in weights)
        assert engine.describe()['channels_last'] is True


@pytest.fixture
def fake_cuda(monkeypatch):
    """Let torch.cuda note what is asked of it, and replay by running the network again."""
    calls = []

    class Stream:
        def wait_stream(self, other):
            calls.append('wait')

    class CUDAGraph:
        rerun = staticmethod(lambda: None)

        def replay(self):
            calls.append('replay')
            self.rerun()

    @contextmanager
    def noted(name):
        calls.append(name)
        yield

    for name, value in (('Stream', Stream), ('current_stream', Stream), ('CUDAGraph', CUDAGraph),
                        ('device', lambda device: noted('device')),
                        ('stream', lambda stream: noted('beside')),
                        ('graph', lambda graph: noted('record'))):
        monkeypatch.setattr(torch.cuda, name, value)
    return calls


def test_a_recording_is_launched_for_every_image(tiny_model_dir, expected, fake_cuda):
    """Pixels go into its input, results come out of its output, and are the caller's own."""
    with open_tiny(tiny_model_dir) as engine:
        engine.options = engine.options._replace(cuda_graph=True)
        engine.warm_up()
        recording = engine._recording
        assert isinstance(recording, Recording)
        network, pixels, outputs = engine._network, recording._pixels, recording._outputs

        def rerun():
            with torch.no_grad():
                for output, value in zip(outputs, network(pixels)):
                    output.copy_(value)
        recording._graph.rerun = rerun
        first = engine.infer(IMAGES[0])
        kept = first.labels.copy()
        second = engine.infer(IMAGES[1])
        assert np.array_equal(first.labels, kept), 'a result must not change with the next one'
        same(first, expected[0])
        same(second, expected[1])
        assert engine._recording is recording and engine.describe()['cuda_graph'] is True
    assert fake_cuda == ['device', 'wait', 'beside', 'wait', 'record'] + ['replay'] * 3


def test_the_traced_network_copies_nothing_from_the_host(tiny_model_dir):
    """Indices and pooling matrices are constants of the traced network, not made in each run."""
    with open_tiny(tiny_model_dir) as engine:
        pixels = torch.from_numpy(IMAGES[0][None])
        traced = torch.jit.freeze(torch.jit.trace(engine._network, pixels,
                                                  check_trace=False).eval())
        kinds = {node.kind() for node in traced.inlined_graph.nodes()}
    assert not kinds & {'aten::tensor', 'aten::zeros', 'aten::arange', 'aten::ones'}, kinds
    assert len(kinds) > 5
