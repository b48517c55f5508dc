# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""One conformance test over every engine that is present, and the table itself."""

import os
import sys
import threading

from espnet_perception import engines
from espnet_perception.engines import choose_engine, EngineOptions, ENGINES, present_engines
from espnet_perception.errors import EngineError
from espnet_perception.pipeline.models import find_model, open_engine
from espnet_perception.pipeline.segmenter import decide
import numpy as np
import pytest

SIZE = (64, 96)
CPU_ENGINES = [name for name in present_engines() if not ENGINES[name].needs_gpu]


@pytest.fixture
def image_bgr():
    """Return an image of the network's size."""
    return np.random.RandomState(5).randint(0, 256, (*SIZE, 3)).astype(np.uint8)


def open_tiny(tiny_model_dir, name, product='labels+confidence', **options):
    options = EngineOptions(width=SIZE[1], height=SIZE[0], product=product, threads=1, **options)
    return open_engine(find_model(tiny_model_dir), name, options, '')


def test_every_engine_of_this_package_is_present():
    """The environment of the tests has all runtimes, so that none goes unchecked."""
    old = ['openvino'] if sys.version_info < (3, 7) else []  # it has no release for Python 3.6
    assert set(ENGINES) - set(present_engines()) <= {'tensorrt', *old}


@pytest.mark.parametrize('name', CPU_ENGINES)
def test_conformance(tiny_model_dir, image_bgr, name):
    """Every engine gives the same products of the same types."""
    with open_tiny(tiny_model_dir, 'torch', 'logits') as reference:
        logits = reference.infer(image_bgr).logits
    expected_labels, expected_confidence = decide(logits)
    ranked = np.sort(logits, axis=0)
    clear = ranked[-1] - ranked[-2] > 1e-3
    with open_tiny(tiny_model_dir, name) as engine:
        engine.warm_up()
        output = engine.infer(image_bgr)
        kept = output.labels.copy()
        engine.infer(255 - image_bgr)
        assert np.array_equal(output.labels, kept), 'a result must not change with the next one'
        facts = engine.describe()
    assert output.logits is None
    for plane in (output.labels, output.confidence):
        assert plane.shape == SIZE
        assert plane.dtype == np.uint8
    assert np.array_equal(output.labels[clear], expected_labels[clear])
    assert np.abs(output.confidence.astype(int) - expected_confidence.astype(int)).max() <= 1
    assert facts['engine'] == name
    assert {'version', 'device', 'precision', 'threads'} <= set(facts)
    with open_tiny(tiny_model_dir, name, 'labels') as engine:
        assert np.array_equal(engine.infer(image_bgr).labels, output.labels)
        assert engine.infer(image_bgr).confidence is None
    with open_tiny(tiny_model_dir, name, 'logits') as engine:
        assert np.abs(engine.infer(image_bgr).logits - logits).max() < 1e-4


@pytest.mark.skipif(not hasattr(os, 'sched_getaffinity') or len(os.sched_getaffinity(0)) < 2,
                    reason='needs two cores on Linux')
@pytest.mark.parametrize('name', CPU_ENGINES)
def test_no_thread_is_bound_to_a_core(tiny_model_dir, image_bgr, name):
    """Else two nodes with a thread each share one core, however many there are."""
    allowed, bound = os.sched_getaffinity(0), set()
    with open_tiny(tiny_model_dir, name) as engine:
        running = threading.Thread(target=lambda: [engine.infer(image_bgr) for _ in range(20)])
        running.start()
        while running.is_alive():
            for thread in os.listdir('/proc/self/task'):
                try:
                    bound.update(allowed - os.sched_getaffinity(int(thread)))
                except OSError:  # it has ended
                    pass
        running.join()
    assert not bound


@pytest.mark.parametrize('name', CPU_ENGINES)
def test_misuse_is_one_sentence(tiny_model_dir, image_bgr, name):
    """Wrong images, unusable devices and closed engines are refused the same way."""
    engine = open_tiny(tiny_model_dir, name)
    with pytest.raises(EngineError, match=rf'engine {name} got \(32, 96, 3\) uint8, expected'):
        engine.infer(image_bgr[:32])
    with pytest.raises(EngineError, match='float64'):
        engine.infer(image_bgr.astype(float))
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match=f'engine {name} is closed'):
        engine.infer(image_bgr)
    with pytest.raises(EngineError, match='device'):
        open_tiny(tiny_model_dir, name, device='cuda:77')


@pytest.mark.parametrize('name', [name for name in CPU_ENGINES if name != 'torch'])
def test_file_that_is_no_graph(tmp_path, name):
    """A damaged file names engine and file."""
    path = tmp_path / 'broken.onnx'
    path.write_bytes(b'not a graph')
    with pytest.raises(EngineError, match=f'engine {name} cannot read .*broken.onnx'):
        engines.engine_class(name)(str(path), EngineOptions(SIZE[1], SIZE[0], 'labels'))


def test_unknown_engine():
    """The nearest engine is offered."""
    with pytest.raises(EngineError, match="unknown engine 'openvin'; did you mean 'openvino'"):
        choose_engine('openvin')


def test_auto_takes_the_first_present(monkeypatch):
    """Auto follows the table, except where CUDA makes PyTorch the fastest."""
    absent = {'tensorrt': 'not installed (somehow)'}
    monkeypatch.setattr(engines, 'absence', lambda name: absent.get(name, ''))
    monkeypatch.setattr(engines, '_cuda_is_available', lambda: False)
    assert choose_engine('auto') == 'openvino'
    absent['openvino'] = 'not installed (pip install it)'
    assert choose_engine('auto') == 'onnxruntime'
    monkeypatch.setattr(engines, '_cuda_is_available', lambda: True)
    assert choose_engine('auto') == 'torch'
    assert choose_engine('auto', graph_only=True) == 'onnxruntime'
    with pytest.raises(EngineError, match="'openvino' is not installed .*present: onnxruntime"):
        choose_engine('openvino')
    with pytest.raises(EngineError, match="'torch' needs the network, and the model is an exp"):
        choose_engine('torch', graph_only=True)
    absent.pop('tensorrt')
    assert choose_engine('auto') == 'tensorrt'
    absent.update(dict.fromkeys(ENGINES, 'not installed'))
    with pytest.raises(EngineError, match='no engine is installed; install one: pip install open'):
        choose_engine('auto')
