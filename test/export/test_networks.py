# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every network becomes a plain graph that runs alike in every runtime."""

from espnet_perception.engines import engine_class, EngineOptions
from espnet_perception.export.onnx import deployed, export_onnx
from espnet_perception.model_card import ModelCard
from espnet_perception.networks import create_network, IMAGE_NETWORKS
from espnet_perception.networks.comparison import MODULES
from espnet_perception.networks.deploy import DeployedNetwork
from espnet_perception.pipeline import create_segmenter
from espnet_perception.settings import SegmenterSettings
import numpy as np
import onnx
import pytest
import torch

SIZE = (48, 64)
SMALL = {  # arguments that keep the export short
    'espnetv2': {'width': 0.5, 'classes': 9},
    'espnetv2_seg': {'width': 0.5, 'classes': 9},
    'espnetv2_seg_paper': {'width': 0.5, 'classes': 9},
    'espnet_a': {'p': 1, 'q': 1, 'classes': 9},
    'espnet_b': {'p': 1, 'q': 1, 'classes': 9},
    'espnet_c': {'p': 1, 'q': 1, 'classes': 9},
    'espnet': {'p': 1, 'q': 1, 'classes': 9},
    'espnet_c_comparison': {'p': 1, 'q': 1, 'classes': 9},
    'shufflenetv2_seg': {'classes': 9},
}
CASES = list(SMALL.items()) + [
    ('espnet', dict(SMALL['espnet'], variant='train')),
    ('espnetv2', dict(SMALL['espnetv2'], fusion=False, shortcut=False, grouped_reduction=False)),
] + [('espnet_c_comparison', dict(SMALL['espnet_c_comparison'], module=name))
     for name in MODULES if name != 'mobilenet']


def lively(network):
    """Give a network statistics and slopes that an export could get wrong."""
    torch.manual_seed(8)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.2, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.3, 0.3)
        elif isinstance(module, torch.nn.PReLU):
            module.weight.data.uniform_(-0.2, 0.6)
        elif isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight)
    return network.eval()


def card_of(name, arguments, resize):
    return ModelCard(name, 'segmentation', name, arguments, ('a',) * 9, ((0, 0, 0),) * 9,
                     SIZE[1], SIZE[0], '', '', resize=resize)


def test_every_network_is_tried():
    """The table above has every name of a network that takes images."""
    assert set(SMALL) == set(IMAGE_NETWORKS)


@pytest.mark.parametrize('name, arguments', CASES)
def test_runtimes_agree(tmp_path, name, arguments):
    """Opset 13, neither normalisation nor sizes left, scores within 1e-4, also of the largest."""
    network = lively(create_network(name, **arguments))
    resize = 'pil_bilinear' if name.startswith('espnetv2') else 'cv2_linear_float'
    card = card_of(name, arguments, resize)
    path = str(tmp_path / 'graph.onnx')
    export_onnx(deployed(network, card, 'logits'), SIZE, 'logits', path)
    graph = onnx.load(path)
    onnx.checker.check_model(graph, full_check=True)
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [('', 13)]
    assert {'BatchNormalization', 'If', 'Loop', 'Shape', 'Constant', 'Identity'}.isdisjoint(
        node.op_type for node in graph.graph.node)
    image_bgr = np.random.RandomState(6).randint(0, 256, (*SIZE, 3)).astype(card.input_type)
    reference = DeployedNetwork(network, card.mean, card.std, card.channel_order, 'logits')
    with torch.no_grad():
        expected = reference(torch.from_numpy(image_bgr[np.newaxis]))[0].numpy()
    assert expected.shape == ((9,) if name == 'espnetv2' else (9, *SIZE))
    options = EngineOptions(SIZE[1], SIZE[0], 'logits', 1, input_type=card.input_type)
    for engine in ('onnxruntime', 'openvino'):
        with engine_class(engine)(path, options) as opened:
            difference = np.abs(opened.infer(image_bgr).logits - expected).max()
        assert difference < 1e-4 * min(1.0, np.abs(expected).max()), engine


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')  # a trace is for one size
@pytest.mark.parametrize('name, arguments', CASES)
def test_a_trace_is_the_network(name, arguments):
    """As published, not only as deployed: traced on one image, alike on another."""
    network = lively(create_network(name, **arguments))
    first, second = torch.rand(2, 1, 3, *SIZE)
    with torch.no_grad():
        traced = torch.jit.trace(network, first, check_trace=False)
        scores = network(second)
        assert (traced(second) - scores).abs().max() < 1e-5 * scores.abs().max()
        assert not torch.equal(traced(first), scores)


@pytest.mark.parametrize('name', ['espnet_v1/decoder_espnet_p_2_q_3',
                                  'espnet_v1/encoder_espnet_p_2_q_3',
                                  'espnetv2_paper/espnetv2_segmentation_s_0.5'])
def test_released_weights_agree(shared_dir, name):
    """Scores of the first networks, enlarged to full size, within 1e-4 in each runtime."""
    path = shared_dir / f'reference/checkpoints/{name}.pth'
    image_bgr = np.random.RandomState(9).randint(0, 256, (90, 170, 3)).astype(np.uint8)
    settings = SegmenterSettings(keep_logits=True, network_width=256, network_height=128)
    logits = {}
    for engine in ('torch', 'onnxruntime', 'openvino'):
        with create_segmenter(path, engine, settings) as opened:
            logits[engine] = opened.segment(image_bgr).logits
    assert logits['torch'].shape == (20, 128, 256)
    for engine in ('onnxruntime', 'openvino'):
        assert np.abs(logits[engine] - logits['torch']).max() < 1e-4, engine
