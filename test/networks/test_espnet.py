# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""ESPNet and the paper's decoder without reference data."""

from espnet_perception.errors import NetworkError
from espnet_perception.networks import create_network
from espnet_perception.networks.layers import double
import pytest
import torch


def parameters_of(name, **arguments):
    return sum(tensor.numel() for tensor in create_network(name, **arguments).parameters())


def test_variants_grow_from_a_to_c():
    """Sharing widens what the next module reads; the image adds three channels twice."""
    assert parameters_of('espnet_a', q=3) < parameters_of('espnet_b', q=3) \
        < parameters_of('espnet_c', q=3)
    # B over A: the strided module of level 3 reads 64 channels more, the last layer 128, and
    # the two joins have a normalisation and a PReLU
    grown = 64 * 25 * 9 + 128 * 20 + 3 * (128 + 256)
    assert parameters_of('espnet_b', q=3) - parameters_of('espnet_a', q=3) == grown


@pytest.mark.parametrize('name', ['espnet_a', 'espnet_b', 'espnet_c'])
@pytest.mark.parametrize('size', [(64, 96), (45, 39)])
def test_encoders_give_an_eighth(name, size):
    """Rounded up, for any size."""
    with torch.no_grad():
        logits = create_network(name, classes=3, p=1, q=2).eval()(torch.rand(2, 3, *size))
    assert logits.shape == (2, 3, -(-size[0] // 8), -(-size[1] // 8))


def test_only_c_sees_the_image_beside_its_features():
    """Without level 1, only ESPNet-C still answers to the image."""
    images = torch.rand(1, 3, 32, 32)
    for name, answers in (('espnet_a', False), ('espnet_b', False), ('espnet_c', True)):
        network = create_network(name, p=1, q=1).eval()
        torch.nn.init.zeros_(network.level1.conv.weight)
        with torch.no_grad():
            assert torch.allclose(network(images), network(images * 2), atol=1e-6) != answers


def test_repeats():
    """Depths p and q are free, zero included."""
    network = create_network('espnet', p=0, q=1)
    assert (len(network.encoder.level2), len(network.encoder.level3)) == (0, 1)
    with torch.no_grad():
        assert network.eval()(torch.rand(1, 3, 24, 40)).shape == (1, 20, 24, 40)


@pytest.mark.parametrize('arguments, sentence', [
    ({'variant': 'tests'}, "unknown variant of ESPNet 'tests'; did you mean 'test'"),
    ({'classes': 4}, 'got 4 output channels, expected at least 5'),
    ({'classes': 0}, 'got 0 classes, p = 2 and q = 8, expected at least 1'),
    ({'q': -1}, 'no negative repeats'),
    ({'alpha': 2}, "network 'espnet'.*alpha"),
])
def test_wrong_arguments(arguments, sentence):
    """One sentence each."""
    with pytest.raises(NetworkError, match=sentence):
        create_network('espnet', **arguments)


@pytest.mark.parametrize('name, sentence', [
    ('espnet', 'ESPNet got an input of 100x36 pixels, expected multiples of 8; resize to 104x40'),
    ('espnetv2_seg_paper', 'got an input of 100x36 pixels, expected multiples of 16.* 96x32'),
])
def test_sides_that_do_not_join(name, sentence):
    """The message names the size to resize to."""
    with pytest.raises(NetworkError, match=sentence):
        create_network(name).eval()(torch.rand(1, 3, 36, 100))


def test_auxiliary_output_of_the_paper_decoder():
    """In training the scores of level 3 come too, doubled three times with aligned corners."""
    torch.manual_seed(4)
    network = create_network('espnetv2_seg_paper', classes=6, width=0.5)
    network.decoder.dropout.p = 0.0
    seen = []
    network.decoder.classify3.register_forward_hook(
        lambda _module, _inputs, output: seen.append(output))
    images = torch.rand(2, 3, 64, 96)
    logits, auxiliary = network(images)
    assert logits.shape == auxiliary.shape == (2, 6, 64, 96)
    assert torch.equal(auxiliary, double(double(double(seen[0]))))
    assert seen[0].shape == (2, 6, 8, 12)
    (logits.sum() + auxiliary.sum()).backward()
    assert all(tensor.grad is not None for name, tensor in network.named_parameters()
               if 'eesp.act' not in name)


@pytest.mark.parametrize('width, dropout', [(0.5, 0.1), (1.0, 0.2), (1.5, 0.2)])
def test_dropout_of_the_paper_decoder(width, dropout):
    """A tenth for the smallest network, a fifth for the others."""
    assert create_network('espnetv2_seg_paper', width=width).decoder.dropout.p == dropout
