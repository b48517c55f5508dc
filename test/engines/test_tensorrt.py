# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The TensorRT engine on stand-ins of TensorRT and CUDA; a GPU has to confirm the rest."""

import os
import re

from espnet_perception.engines import choose_engine, cuda, EngineOptions, present_engines
from espnet_perception.errors import EngineError
from espnet_perception.pipeline.models import find_model, open_engine
import numpy as np
import pytest

SIZE = (64, 96)
IMAGE = np.random.RandomState(5).randint(0, 256, (*SIZE, 3)).astype(np.uint8)


def open_tiny(model_dir, folder, name='tensorrt', product='labels+confidence', **options):
    options = EngineOptions(SIZE[1], SIZE[0], product, **options)
    return open_engine(find_model(model_dir), name, options, str(folder))


@pytest.fixture(scope='module')
def reference(tiny_model_dir, tmp_path_factory):
    """Return what ONNX Runtime makes of the image."""
    with open_tiny(tiny_model_dir, tmp_path_factory.mktemp('cache'), 'onnxruntime',
                   threads=1) as engine:
        return engine.infer(IMAGE)


@pytest.mark.parametrize('shares_memory', [False, True])
@pytest.mark.parametrize('cuda_graph', [False, True])
def test_conformance(tensorrt, tiny_graph, tmp_path, reference, shares_memory, cuda_graph):
    """The products of the other engines, on each interface, with and without copies."""
    tensorrt.cuda.device.shares_memory = shares_memory
    with open_tiny(tiny_graph, tmp_path, cuda_graph=cuda_graph) as engine:
        engine.warm_up()
        output = engine.infer(IMAGE)
        kept = output.labels.copy()
        engine.infer(255 - IMAGE)
        assert np.array_equal(output.labels, kept), 'a result must not change with the next one'
        facts = engine.describe()
    assert output.labels.dtype == output.confidence.dtype == np.uint8 and output.logits is None
    assert np.array_equal(output.labels, reference.labels)
    assert np.abs(output.confidence.astype(int) - reference.confidence).max() <= 1
    assert (facts['version'], facts['precision']) == (tensorrt.__version__, 'fp32')
    assert facts['zero_copy'] is shares_memory and facts['cuda_graph'] is cuda_graph
    assert facts['device'] == 'Recorded GPU (cuda:0)'
    called = tensorrt.cuda.names()
    assert ('cudaMemcpyAsync' in called) is not shares_memory
    assert ('cudaMalloc' in called) is not shares_memory
    assert ('cudaGraphLaunch' in called) is cuda_graph
    assert {call[0] for call in tensorrt.calls} == {'build', {
        '8.2.1.8': 'execute_async_v2'}.get(tensorrt.__version__, 'execute_async_v3')}


def test_labels_alone(tensorrt, tiny_graph, tmp_path, reference):
    """What is not asked for is left out."""
    with open_tiny(tiny_graph, tmp_path, product='labels') as engine:
        output = engine.infer(IMAGE)
    assert np.array_equal(output.labels, reference.labels) and output.confidence is None


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_class_scores(tensorrt, tiny_model_dir, tmp_path, reference):
    """A model directory is exported in the form that TensorRT takes, then built."""
    with open_tiny(tiny_model_dir, tmp_path, product='logits') as engine:
        output = engine.infer(IMAGE)
    assert output.logits.shape == (5, *SIZE) and output.logits.dtype == np.float32
    assert (output.logits.argmax(axis=0) == reference.labels).mean() > 0.999


@pytest.mark.parametrize('version', ['8.2.1.8', '10.3.0'], indirect=True)
def test_misuse_is_one_sentence(tensorrt, tiny_graph, tmp_path):
    """As every engine: wrong images, devices, precisions, a closed engine."""
    engine = open_tiny(tiny_graph, tmp_path)
    with pytest.raises(EngineError, match=r'engine tensorrt got \(32, 96, 3\) uint8, expected'):
        engine.infer(IMAGE[:32])
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match='engine tensorrt is closed'):
        engine.infer(IMAGE)
    with pytest.raises(EngineError, match='there is no CUDA device 77, this machine has 1'):
        open_tiny(tiny_graph, tmp_path, device='cuda:77')
    with pytest.raises(EngineError, match="got device 'cpu', expected auto, cuda or cuda:N"):
        open_tiny(tiny_graph, tmp_path, device='cpu')
    with pytest.raises(EngineError, match="unknown precision 'fp61'; did you mean 'fp16'"):
        open_tiny(tiny_graph, tmp_path, precision='fp61')
    with pytest.raises(EngineError, match="onnxruntime got precision 'fp16', expected fp32"):
        open_tiny(tiny_graph, tmp_path, 'onnxruntime', precision='fp16')


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_precisions(tensorrt, tiny_graph, tmp_path, monkeypatch):
    """The flag of fp16 is set; int8 is refused, on a TX2 with its reason."""
    with open_tiny(tiny_graph, tmp_path, precision='fp16') as engine:
        assert engine.describe()['precision'] == 'fp16'
    assert tensorrt.calls[0] == ('build', ['FP16'])
    with pytest.raises(EngineError, match=r'Recorded GPU \(compute capability 6.2\) cannot .* '
                                          'int8; use fp16'):
        open_tiny(tiny_graph, tmp_path, precision='int8')
    tensorrt.cuda.device.capability = (7, 2)
    with pytest.raises(EngineError, match='there is no int8 engine of .* it takes frames to build '
                                          'one: espnet-perception build-engine .* --frames'):
        open_tiny(tiny_graph, tmp_path, precision='int8')
    with monkeypatch.context() as patch:
        patch.delattr(tensorrt, 'IInt8EntropyCalibrator2')  # as TensorRT 11
        with pytest.raises(EngineError, match='8.2.1.8 has no entropy calibration any more'):
            open_tiny(tiny_graph, tmp_path, precision='int8')
    monkeypatch.delattr(tensorrt.BuilderFlag, 'FP16')  # as TensorRT 11
    with pytest.raises(EngineError, match='chooses no precision by itself any more; use fp32'):
        open_tiny(tiny_graph, tmp_path, precision='fp16')


@pytest.mark.parametrize('version', ['8.5.3.1'], indirect=True)
@pytest.mark.parametrize('function', ['cudaHostAlloc', 'cudaMalloc', 'cudaMemcpyAsync'])
def test_cuda_fails(tensorrt, tiny_graph, tmp_path, function):
    """A failing call is one sentence, and all memory is freed (the fixture looks)."""
    tensorrt.cuda.fails[function] = 2
    with pytest.raises(EngineError, match=f'{function} failed: out of memory .error 2'):
        with open_tiny(tiny_graph, tmp_path) as engine:
            engine.infer(IMAGE)


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_a_second_opening_builds_nothing(tensorrt, tiny_graph, tmp_path, reference):
    """The cache serves what was built; the measured tactics grow with each build."""
    for precision in ('fp32', 'fp32', 'fp16'):
        with open_tiny(tiny_graph, tmp_path, precision=precision) as engine:
            assert np.array_equal(engine.infer(IMAGE).labels, reference.labels)
    assert [call for call in tensorrt.calls if call[0] == 'build'] == [
        ('build', []), ('build', ['FP16'])]
    timings = [name for name in os.listdir(str(tmp_path)) if name.endswith('.cache')]
    assert (tmp_path / timings[0]).read_bytes() == b'tactic;' * 2
    assert not [name for name in os.listdir(str(tmp_path)) if name.endswith('.part')]


def built(tensorrt):
    return sum(call[0] == 'build' for call in tensorrt.calls)


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
@pytest.mark.parametrize('harm, sentence', [
    ('cut', 'is damaged: .* bytes of'), ('flipped', 'is damaged'), ('emptied', 'no engine of'),
    ('description', 'its description cannot be read'), ('foreign', 'was built for GPU Orin')])
def test_what_cannot_be_used_is_built_anew(tensorrt, tiny_graph, tmp_path, harm, sentence,
                                           caplog):
    """Damaged, half written, or copied from another machine: it is said, and mended."""
    open_tiny(tiny_graph, tmp_path).close()
    path = next(tmp_path / name for name in os.listdir(str(tmp_path)) if name.endswith('.plan'))
    whole = path.read_bytes()
    path.write_bytes({
        'cut': whole[:-100], 'flipped': whole[:-1] + bytes([whole[-1] ^ 1]), 'emptied': b'',
        'description': whole.replace(b'{', b'[', 1),
        'foreign': whole.replace(b'Recorded GPU', b'Orin')}[harm])
    with open_tiny(tiny_graph, tmp_path) as engine:
        engine.infer(IMAGE)
    assert built(tensorrt) == 2
    text = '\n'.join(record.getMessage() for record in caplog.records)
    assert re.search(sentence + '.*; it is built anew', text), text
    assert path.read_bytes()[-1000:] == whole[-1000:]


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_builds_that_fail(tensorrt, tiny_graph, tmp_path, monkeypatch):
    """The parser's and the builder's reasons, a full disk, an interrupted build: no file stays."""
    from espnet_perception.engines import tensorrt_build
    tensorrt.parse_error = 'No importer registered for op: Mod'
    with pytest.raises(EngineError, match='does not understand .*: No importer registered for'):
        open_tiny(tiny_graph, tmp_path)
    tensorrt.parse_error = None
    tensorrt.build_error = 'Could not find any implementation for node'
    with pytest.raises(EngineError, match='cannot build an engine from .*: Could not find any'):
        open_tiny(tiny_graph, tmp_path)
    tensorrt.build_error = None

    def full(*_arguments):
        raise OSError(28, 'No space left on device')
    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', full)
        with pytest.raises(EngineError, match=r'cannot write the engine .*: No space left on '
                                              'device; free some space or set cache_dir'):
            open_tiny(tiny_graph, tmp_path)

    def interrupted(*_arguments):
        raise KeyboardInterrupt
    listener = tensorrt_build.BuildListener(tick=interrupted)
    with pytest.raises(KeyboardInterrupt):
        tensorrt_build.cached_plan(str(tiny_graph), EngineOptions(SIZE[1], SIZE[0], 'labels'),
                                   str(tmp_path), listener)
    assert not [name for name in os.listdir(str(tmp_path))
                if name.endswith(('.plan', '.part'))]


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_a_build_tells_how_long_it_takes(tensorrt, tiny_graph, tmp_path, monkeypatch):
    """The median of earlier builds for this GPU and precision; a file that is none is passed."""
    from espnet_perception.engines import tensorrt_build
    open_tiny(tiny_graph, tmp_path).close()
    (tmp_path / 'other.plan').write_text('no plan')
    path = next(tmp_path / name for name in os.listdir(str(tmp_path)) if name[:4] == 'tiny'
                and name.endswith('.plan'))
    path.write_bytes(re.sub(br'"build_s": [\d.]+', b'"build_s": 240.0', path.read_bytes()))
    said, ticks = [], []
    options = EngineOptions(SIZE[1], SIZE[0], 'labels')
    another = tmp_path / 'another.onnx'
    another.write_bytes(tiny_graph.read_bytes() + b'\x10\x00')
    listener = tensorrt_build.BuildListener(said.append, lambda *times: ticks.append(times))
    tensorrt_build.cached_plan(str(another), options, str(tmp_path), listener)
    assert len(said) == 1
    assert said[0].startswith('building a TensorRT 8.2.1.8 engine in fp32 for Recorded GPU; ')
    assert said[0].endswith('; earlier builds here took 240 s')
    assert ticks and ticks[0][1] == 240.0


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_damaged_timings_are_measured_again(tensorrt, tiny_graph, tmp_path):
    """A foreign file of tactics costs time, nothing else."""
    open_tiny(tiny_graph, tmp_path).close()
    path = next(tmp_path / name for name in os.listdir(str(tmp_path)) if name.endswith('.cache'))
    path.write_bytes(b'foreign')
    open_tiny(tiny_graph, tmp_path, precision='fp16').close()
    assert path.read_bytes() == b'tactic;'


@pytest.mark.parametrize('version', ['8.5.3.1'], indirect=True)
def test_auto_takes_it(tensorrt):
    """Where it is, and a GPU."""
    assert choose_engine('auto') == 'tensorrt'
    tensorrt.cuda.fails['cudaGetDeviceCount'] = 35
    with pytest.raises(EngineError, match="'tensorrt' is installed, but no GPU can be used: CUDA "
                                          'device 0: cudaGetDeviceCount failed'):
        choose_engine('tensorrt')
    assert choose_engine('auto') != 'tensorrt'


@pytest.mark.skipif('tensorrt' in present_engines(), reason='TensorRT is installed here')
def test_absence_says_what_to_install():
    """On a Jetson it is a package of JetPack, not of pip."""
    with pytest.raises(EngineError, match='JetPack 4, 5 and 6 have it: sudo apt install python3-'):
        choose_engine('tensorrt')


def test_no_cuda_library():
    """The sentence names the files that were looked for."""
    with pytest.raises(EngineError, match='the thing is not on this machine, tried libnone.so;'):
        cuda.load_library(('libnone.so',), 'thing')
