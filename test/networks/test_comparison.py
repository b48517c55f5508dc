# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The networks that the papers compare theirs with."""

from espnet_perception.errors import NetworkError
from espnet_perception.networks import create_network
from espnet_perception.networks.comparison import (
    MODULES,
    pointwise,
    shuffle_stage,
    ShuffleNetv2Encoder,
)
from espnet_perception.networks.counting import count
import pytest
import torch


@pytest.mark.parametrize('q', [3, 8])
def test_modules_are_of_similar_size(q):
    """Within 15 % of ESPNet-C; the basic ResNet module needs several times as much."""
    espnet_c = count(create_network('espnet_c', q=q), (64, 64)).parameters
    for name in MODULES:
        network = create_network('espnet_c_comparison', q=q, module=name)
        ratio = count(network, (64, 64)).parameters / espnet_c
        assert (7 < ratio < 9) if name == 'resnet' else (0.85 < ratio < 1.15), name


@pytest.mark.parametrize('module', list(MODULES))
@pytest.mark.parametrize('size', [(32, 64), (40, 56)])
def test_output_is_an_eighth(module, size):
    """Every module keeps and halves sizes as the ESP module does."""
    network = create_network('espnet_c_comparison', classes=6, p=1, q=1, module=module).eval()
    with torch.no_grad():
        logits = network(torch.rand(2, 3, *size))
    assert logits.shape == (2, 6, size[0] // 8, size[1] // 8)


def test_modules_differ_in_residual_and_shuffle():
    """A repeated module adds its input; ShuffleNet's mixes its groups."""
    network = create_network('espnet_c_comparison', module='shufflenet').eval()
    strided, repeated = network.level2_down, network.level2[0]
    assert (strided.residual, repeated.residual) == (False, True)
    impulse = torch.zeros(1, 64, 5, 5, requires_grad=True)
    repeated.body(impulse)[0, 0].sum().backward()
    assert (impulse.grad.abs().sum((0, 2, 3)) > 0).all(), 'both groups must reach an output'


def test_shufflenetv2_is_the_one_of_299_million():
    """With its last stage and head it has the published 3.50 M parameters and about 299 M."""
    class Classifier(torch.nn.Module):
        """ShuffleNetv2 of width 1.5."""

        def __init__(self):
            super().__init__()
            self.encoder = ShuffleNetv2Encoder()
            self.level5 = shuffle_stage(352, 704, 4)
            self.head = pointwise(704, 1024)
            self.classifier = torch.nn.Linear(1024, 1000)

        def forward(self, images):
            """Return scores."""
            head = self.head(self.level5(self.encoder(images)[3]))
            return self.classifier(head.mean((2, 3)))

    counts = count(Classifier(), (224, 224))
    assert counts.parameters == 3503624
    assert 0.98 < (counts.multiply_adds + counts.linear_multiply_adds) / 299e6 < 1.0


def test_decoder_over_shufflenetv2():
    """Full size, and an auxiliary output in training."""
    network = create_network('shufflenetv2_seg', classes=4)
    images = torch.rand(2, 3, 64, 96)
    logits, auxiliary = network(images)
    assert logits.shape == auxiliary.shape == (2, 4, 64, 96)
    with torch.no_grad():
        assert network.eval()(images).shape == (2, 4, 64, 96)


def test_unknown_module():
    """The nearest name is offered."""
    with pytest.raises(NetworkError, match="unknown module 'mobilenets'; did you mean 'mobilenet"):
        create_network('espnet_c_comparison', module='mobilenets')
