# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""An exported file is a model of its own: without its network, and without PyTorch."""

import subprocess
import sys

from espnet_perception.engines import EngineOptions, present_engines
from espnet_perception.errors import EngineError, ModelError
from espnet_perception.export.formats import write_model
from espnet_perception.export.metadata import GraphFacts, PIXELS, PLANES
from espnet_perception.pipeline import create_classifier, create_segmenter
from espnet_perception.pipeline.models import find_model, plan_source
from espnet_perception.settings import SegmenterSettings
import numpy as np
import pytest

IMAGE = np.random.RandomState(3).randint(0, 256, (90, 120, 3)).astype(np.uint8)
FACTS = GraphFacts((64, 96), 1, PIXELS, 'labels+confidence')


def exported(model_dir, path, facts=FACTS):
    """Write a model as ONNX and return the path as text."""
    model = find_model(model_dir)
    write_model(model.network(), model.card, facts, ('onnx', str(path)))
    return str(path)


@pytest.mark.parametrize('bytes_known', [True, False])
@pytest.mark.parametrize('engine', present_engines(graph_only=True) + ['auto'])
def test_it_answers_as_the_model(tiny_model_dir, tmp_path, engine, bytes_known):
    """Labels and confidence, in both forms of the graph."""
    path = exported(tiny_model_dir, tmp_path / 'tiny.onnx',
                    FACTS._replace(bytes_known=bytes_known))
    with create_segmenter(tiny_model_dir, 'onnxruntime') as opened:
        expected = opened.segment(IMAGE)
    with create_segmenter(path, engine) as opened:
        found = opened.segment(IMAGE)
        assert opened.card.classes == find_model(tiny_model_dir).card.classes
    assert (found.labels == expected.labels).mean() > 0.999
    assert found.confidence.dtype == np.uint8
    assert np.abs(found.confidence.astype(int) - expected.confidence).max() <= 1


def test_a_classifier(tiny_classifier_dir, tmp_path):
    """Scores of an image."""
    path = exported(tiny_classifier_dir, tmp_path / 'scenes.onnx',
                    GraphFacts((64, 64), 1, PIXELS, 'logits'))
    results = []
    for model in (tiny_classifier_dir, path):
        with create_classifier(model, 'onnxruntime') as opened:
            results.append(opened.classify(IMAGE))
    assert list(results[0].names) == list(results[1].names)
    assert np.abs(results[0].all_scores - results[1].all_scores).max() < 1e-5


def test_neither_torch_nor_onnx_is_imported(tiny_model_dir, tmp_path):
    """What a robot runs: the file and one runtime."""
    path = exported(tiny_model_dir, tmp_path / 'tiny.onnx')
    program = (
        'import sys\n'
        'import numpy as np\n'
        'from espnet_perception.pipeline import create_segmenter\n'
        'with create_segmenter(sys.argv[1], "onnxruntime") as segmenter:\n'
        '    segmenter.segment(np.zeros((64, 96, 3), np.uint8))\n'
        'print(sorted({"torch", "onnx"} & set(sys.modules)))\n')
    done = subprocess.run([sys.executable, '-c', program, path], stdout=subprocess.PIPE,
                          universal_newlines=True)
    assert done.stdout == '[]\n'


def test_what_it_cannot_do(tiny_model_dir, tmp_path):
    """Each refusal names the option of the export that helps."""
    path = exported(tiny_model_dir, tmp_path / 'tiny.onnx', FACTS._replace(product='labels'))
    with pytest.raises(EngineError, match='gives labels, asked for was labels.confidence; export '
                                          'the model again with --confidence'):
        create_segmenter(path, 'onnxruntime')
    settings = SegmenterSettings(confidence=False)
    with create_segmenter(path, 'onnxruntime', settings) as opened:
        assert opened.segment(IMAGE).confidence is None
    with pytest.raises(EngineError, match='is for 96x64 pixels, asked for was 128x64; export the '
                                          'model again with --size 128x64'):
        create_segmenter(path, 'onnxruntime', settings._replace(network_width=128))
    with pytest.raises(EngineError, match='gives labels, asked for was logits; give the model'):
        create_segmenter(path, 'onnxruntime', settings._replace(keep_logits=True))
    with pytest.raises(EngineError, match="'torch' needs the network, and the model is an exp"):
        create_segmenter(path, 'torch', settings)
    with pytest.raises(EngineError, match="onnxruntime got precision 'fp16', expected fp32"):
        create_segmenter(path, 'onnxruntime', settings._replace(precision='fp16'))
    with pytest.raises(EngineError, match='uint8, which TensorRT does not; .* --for-tensorrt'):
        plan_source(find_model(path), EngineOptions(96, 64, 'labels'))
    with pytest.raises(ModelError, match='is an exported graph, which has no network any more'):
        find_model(path).network()


@pytest.mark.parametrize('facts, sentence', [
    (FACTS._replace(takes=PLANES, product='logits'), 'takes planes, expected pixels; .*--labels'),
    (FACTS._replace(batch=2), 'takes 2 images at once, expected 1; .*--batch 1')])
def test_other_forms(tiny_model_dir, tmp_path, facts, sentence):
    """Graphs for other programs are told apart."""
    path = exported(tiny_model_dir, tmp_path / 'tiny.onnx', facts)
    with pytest.raises(EngineError, match=sentence):
        create_segmenter(path, 'onnxruntime')
