# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The segmentation network without reference data."""

from espnet_perception.errors import NetworkError
from espnet_perception.networks import create_network
from espnet_perception.networks.deploy import DeployedNetwork
from espnet_perception.networks.fused import FusedSegmentation
import pytest
import torch


def random_network(classes=5, width=0.5, seed=3):
    """Return a network in evaluation mode whose normalisation is not the identity."""
    torch.manual_seed(seed)
    network = create_network('espnetv2_seg', classes=classes, width=width).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.2, 0.2)
    return network


@pytest.mark.parametrize('classes', [1, 2, 11, 21])
@pytest.mark.parametrize('size', [(32, 64), (47, 63), (96, 80)])
def test_output_has_the_size_of_the_input(classes, size):
    """Any class count, sides 16k and 16k - 1."""
    with torch.no_grad():
        logits = random_network(classes)(torch.rand(2, 3, *size))
    assert logits.shape == (2, classes, *size)


@pytest.mark.parametrize('size', [(64, 128), (160, 176)])
def test_fused_form_is_equal(size):
    """Folding changes nothing but rounding, on clamped and unclamped pyramids."""
    network = random_network(7)
    images = torch.rand(1, 3, *size)
    with torch.no_grad():
        expected = network.double()(images.double())
        fused = FusedSegmentation(network.float())(images)
    assert (fused.double() - expected).abs().max() < 1e-5 * expected.abs().max().clamp(min=1)


def test_fused_form_leaves_the_network_alone():
    """Building it does not change the trained network."""
    network = random_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    FusedSegmentation(network)
    after = network.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_deployed_products_agree():
    """Labels are the arg-max and confidence the softmax probability of the logits."""
    network = random_network(4)
    image_bgr = torch.randint(0, 256, (1, 32, 48, 3), dtype=torch.uint8)
    mean, std = (120.0, 110.0, 100.0), (60.0, 55.0, 50.0)

    def run(product):
        return DeployedNetwork(network, mean, std, 'rgb', product)(image_bgr)

    with torch.no_grad():
        logits = run('logits')
        labels, confidence = run('labels+confidence')
        assert torch.equal(run('labels'), labels)
        rgb = image_bgr[..., [2, 1, 0]].permute(0, 3, 1, 2).float()
        normalised = (rgb - torch.tensor(mean).reshape(1, 3, 1, 1)) \
            / torch.tensor(std).reshape(1, 3, 1, 1)
        assert torch.allclose(network(normalised), logits, atol=1e-4)
    assert torch.equal(labels, logits.argmax(1).to(torch.uint8))
    probability = logits.softmax(1).max(1)[0] * 255
    assert (confidence.float() - probability).abs().max() <= 0.51


@pytest.mark.parametrize('arguments, sentence', [
    ({'classes': 0}, 'got 0 classes, expected at least 1'),
    ({'classes': 4, 'width': 0.7}, 'got width 0.7, expected one of 0.5, 1.0'),
    ({'classes': 4, 'wide': 2}, "network 'espnetv2_seg'.*wide"),
])
def test_wrong_arguments(arguments, sentence):
    """One sentence each."""
    with pytest.raises(NetworkError, match=sentence):
        create_network('espnetv2_seg', **arguments)


def test_unknown_network():
    """The nearest name is offered."""
    with pytest.raises(NetworkError, match="unknown network 'espnetv2_sek'; did you mean"):
        create_network('espnetv2_sek')


def test_sides_that_do_not_join():
    """The message names the size to resize to."""
    with pytest.raises(NetworkError, match='got an input of 100x40 pixels.*resize to 96x48'):
        random_network()(torch.rand(1, 3, 40, 100))


def test_the_planes_of_the_decoder_can_be_chosen():
    released = create_network('espnetv2_seg', width=0.5, classes=20)
    few = create_network('espnetv2_seg', width=0.5, classes=3, planes=10)
    shapes = [{name: value.shape for name, value in network.state_dict().items()
               if not name.startswith('pyramid4.expand')} for network in (released, few)]
    assert shapes[0] == shapes[1]
    with pytest.raises(NetworkError, match='got -1 planes, expected at least 1'):
        create_network('espnetv2_seg', planes=-1)
