# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The language models beside the ERU: published sizes, and what is common to all of them."""

from espnet_perception.networks import create_network, LANGUAGE_NETWORKS
import pytest
import torch

TINY = {'words': 11, 'embedding': 16, 'hidden': 32}


@pytest.mark.parametrize('name, arguments, count', [
    ('lstm_lm', {}, 19869200),  # published: 19.87 M
    ('lstm_lm', {'hidden': 1200}, 25792400),  # 25.79 M
    ('pru_lm', {}, 18969200),  # 18.97 M
    ('pru_lm', {'hidden': 1200, 'groups': 2}, 18512400),  # 18.51 M
    ('pru_lm', {'hidden': 1400, 'groups': 4}, 18895600),  # 18.90 M
])
def test_published_sizes(name, arguments, count):
    """As the PRU's authors list them, in millions with two decimals."""
    network = create_network(name, **arguments)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize('levels', [1, 2, 3])
@pytest.mark.parametrize('groups', [1, 2, 4])
def test_a_pru_over_a_sequence_is_the_pru_step_by_step(levels, groups):
    """The native kernel with the pyramid as one matrix, against the definition."""
    torch.manual_seed(5)
    network = create_network('pru_lm', levels=levels, groups=groups, **TINY).double().eval()
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.3)
    tokens = torch.randint(11, (9, 3))
    with torch.no_grad():
        whole, _ = network(tokens)
        state = network.initial_state(3)
        for token, expected in zip(tokens, whole):
            scores, state = network.step(token, state)
            assert (scores - expected).abs().max() < 1e-12


def test_a_pru_pools_as_it_says():
    """Level 1 of two sees means of three neighbours, every second one, zeros at the border."""
    layer = create_network('pru_lm', **TINY).layers[0]
    pooled = layer._pooled(torch.arange(1.0, 9.0).unsqueeze(0), 1)
    assert torch.allclose(pooled[0], torch.tensor([1.0, 3.0, 5.0, 7.0]))


@pytest.mark.parametrize('name', sorted(LANGUAGE_NETWORKS))
def test_the_softmax_is_tied(name):
    """The embedding is the softmax's weight, and its only one."""
    network = create_network(name, **TINY)
    features = torch.randn(4, 16)
    expected = features @ network.embedding.weight.t() + network.softmax_bias
    assert torch.allclose(network.scores(features), expected)
    assert sum(parameter.numel() == 11 * 16 for parameter in network.parameters()) == 1


@pytest.mark.parametrize('name', sorted(LANGUAGE_NETWORKS))
def test_dropout_stands_after_the_embedding_between_the_layers_and_after_the_last(name):
    """Half of the features of each are left out in training, none in evaluation."""
    torch.manual_seed(2)
    network = create_network(name, **TINY)
    seen = []
    network.dropout.register_forward_hook(lambda _, given, result: seen.append((*given, result)))
    encoded = network.encode(torch.randint(11, (20, 8)))
    assert len(seen) == 1 + len(network.layers)
    for given, result in seen:
        assert 0.4 < float((result == 0).double().mean()) < 0.6
        kept = result != 0
        assert torch.allclose(result[kept], 2 * given[kept])
    assert encoded.features is seen[-1][1] and encoded.raw is seen[-1][0]
    network.eval()
    encoded = network.encode(torch.randint(11, (5, 2)))
    assert torch.equal(encoded.features, encoded.raw)
