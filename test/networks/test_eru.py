# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The efficient recurrent unit: its two forms are one, its sizes, its state, its causality."""

import copy
import itertools

from espnet_perception.errors import NetworkError
from espnet_perception.networks import create_network
from espnet_perception.networks.eru import AXES, NORMS, PRESETS
import pytest
import torch
from torch import nn

TINY = {'words': 11, 'embedding': 16, 'hidden': 32, 'dropout': 0.3}
SIZES = {  # preset: parameters by axis
    'eru_7m': {'token': 7015500, 'features': 7009536, 'time': 7015500},
    'eru_15m': {'token': 14891900, 'features': 14881136, 'time': 14891900},
    'eru_7m_dense': {'token': 7183340, 'features': 7179296, 'time': 7183340},
    'eru_15m_dense': {'token': 15139508, 'features': 15132296, 'time': 15139508},
}
OPTIONS = [{'axis': axis, 'rec_groups': groups, 'norm': norm, 'branches': branches}
           for axis, norm, (branches, groups) in itertools.product(
               sorted(AXES), NORMS, ((4, 4), (4, 2), (4, 1), (2, 2)))]


def lively(**arguments):
    """Return a tiny network with statistics and slopes that a form could get wrong."""
    torch.manual_seed(3)
    network = create_network('eru_lm', **dict(TINY, **arguments)).double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.3, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.3, 0.3)
        elif isinstance(module, nn.PReLU):
            module.weight.data.uniform_(-0.2, 0.6)
    for layer in network.layers:
        layer.bias.data.uniform_(-0.3, 0.3)
    return network


def random_state(network, batch):
    """Return a state in the middle of a text, which asks for gradients."""
    return [tuple(torch.randn_like(part).requires_grad_() for part in layer)
            for layer in network.initial_state(batch)]


def outcome(network, tokens, state):
    """Return logits, gradients of all parameters and of the state, and what training tracks."""
    torch.manual_seed(1)  # of the dropout
    logits, after = network(tokens, state)
    weights = torch.linspace(-1, 1, logits.numel(), dtype=logits.dtype).reshape(logits.shape)
    loss = (logits * weights).sum() + sum((part ** 2).sum() for layer in after for part in layer)
    given = list(network.parameters()) + [part for layer in state for part in layer]
    gradients = torch.autograd.grad(loss, given)
    return logits, gradients, network.state_dict(), after


def largest_difference(one, other):
    """Return the largest difference of two lists of tensors, relative to the largest value."""
    with torch.no_grad():
        scale = max(float(part.abs().max()) for part in other)
        return max(float((a - b).abs().max()) for a, b in zip(one, other)) / scale


@pytest.mark.parametrize('preset', sorted(PRESETS))
@pytest.mark.parametrize('axis', sorted(AXES))
def test_sizes(preset, axis):
    """7.02 M and 14.89 M as the paper rounds them to 7 M and 15 M; 7.18 M and 15.14 M dense."""
    network = create_network('eru_lm', preset=preset, axis=axis)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == SIZES[preset][axis]


def test_a_size_can_be_told_by_hand():
    """One layer, 16 -> 16, four branches, four groups; ten words."""
    network = create_network('eru_lm', words=10, embedding=16, layers=1)
    layer = (16 * 4 // 4 + 3 * 4) + 4 * 3 * 4 + 3 * 16 + (16 * 64 // 4 + 2 * 64)
    recurrence = 16 * 64 // 4 + 64 + 64
    assert sum(parameter.numel() for parameter in network.parameters()) == \
        10 * 16 + 10 + layer + recurrence


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('options', OPTIONS, ids=lambda options: '-'.join(
    str(value) for value in options.values()))
def test_both_forms_are_one(options, training):
    """In float64: logits, every gradient, running statistics and state, from a carried state."""
    sequence = lively(**options).train(training)
    definition = copy.deepcopy(sequence).use('definition')
    tokens = torch.randint(11, (13, 3), generator=torch.Generator().manual_seed(2))
    state = random_state(sequence, 3)
    logits, gradients, tracked, after = outcome(sequence, tokens, state)
    other, other_gradients, other_tracked, other_after = outcome(definition, tokens, state)
    assert largest_difference([logits], [other]) < 1e-12
    assert largest_difference(gradients, other_gradients) < 1e-12
    for name, value in other_tracked.items():
        assert (tracked[name] - value).abs().max() < 1e-12, name
    for layer, other_layer in zip(after, other_after):
        assert len(layer) == len(other_layer) == (3 if options['axis'] == 'time' else 2)
        assert largest_difference(layer, other_layer) < 1e-12


def test_the_statistics_of_the_gates_are_those_of_the_product():
    """Running mean and variance of the folded normalisation, against the convolution itself."""
    network = lively().train()
    cell, inputs = network.layers[0], torch.randn(6, 5, 16, dtype=torch.float64)
    copied = copy.deepcopy(cell)
    cell(inputs, cell.initial_state(5))
    features, _ = copied.features(inputs, ())
    product = copied.expand.conv(features.unsqueeze(2)).squeeze(2)
    before = copied.expand.bn
    expected = 0.9 * before.running_var + 0.1 * product.var(0)
    assert (cell.expand.bn.running_var - expected).abs().max() < 1e-12
    expected = 0.9 * before.running_mean + 0.1 * product.mean(0)
    assert (cell.expand.bn.running_mean - expected).abs().max() < 1e-12
    assert int(cell.expand.bn.num_batches_tracked) == 1


def test_the_mean_over_all_batches_is_tracked_where_there_is_no_momentum():
    """As batch normalisation does with momentum None."""
    network = lively().train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
            module.reset_running_stats()
    definition = copy.deepcopy(network).use('definition')
    for seed in range(3):
        tokens = torch.randint(11, (4, 2), generator=torch.Generator().manual_seed(seed))
        for one in (network, definition):
            torch.manual_seed(seed)
            one(tokens)
    for name, value in definition.state_dict().items():
        assert (network.state_dict()[name] - value).abs().max() < 1e-12, name


@pytest.mark.parametrize('axis', sorted(AXES))
def test_gradients_are_right(axis):
    """Against finite differences, in training."""
    network = lively(axis=axis, layers=1, dropout=0.0, norm='batch').train()
    cell = network.layers[0]
    state = cell.initial_state(2)
    inputs = torch.randn(3, 2, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: cell(given, state)[0], (inputs,))
    assert torch.autograd.gradcheck(
        lambda weight: _with_weight(cell, weight, inputs.detach(), state),
        (cell.expand.conv.weight.detach().clone().requires_grad_(),))


def _with_weight(cell, weight, inputs, state):
    changed = copy.deepcopy(cell)
    del changed.expand.conv._parameters['weight']
    changed.expand.conv.weight = weight
    return changed(inputs, state)[0]


@pytest.mark.parametrize('axis', sorted(AXES))
@pytest.mark.parametrize('groups', [4, 1])
def test_nothing_leaks_from_the_future(axis, groups):
    """Another word at a place changes no score before it, and every score from it on."""
    network = lively(axis=axis, rec_groups=groups).eval()
    tokens = torch.randint(10, (12, 1), generator=torch.Generator().manual_seed(4))
    other = tokens.clone()
    other[7] = 10
    with torch.no_grad():
        changed = (network(tokens)[0] - network(other)[0]).abs().amax(2).squeeze(1)
    assert changed[:7].max() == 0.0
    assert changed[7:].min() > 1e-9


@pytest.mark.parametrize('form', ['sequence', 'definition', 'step'])
@pytest.mark.parametrize('options', OPTIONS, ids=lambda options: '-'.join(
    str(value) for value in options.values()))
def test_a_carried_state_is_one_long_sequence(options, form):
    """In parts, or word by word as text arrives, the scores are those of the whole."""
    network = lively(**options).eval()
    tokens = torch.randint(11, (20, 3), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        whole, last = network(tokens)
        state, parts = network.initial_state(3), []
        if form == 'step':
            for token in tokens:
                scores, state = network.step(token, state)
                parts.append(scores.unsqueeze(0))
        else:
            network.use(form)
            for part in tokens.split([1, 7, 2, 10]):
                scores, state = network(part, state)
                parts.append(scores)
    assert (torch.cat(parts) - whole).abs().max() < 1e-12
    for layer, last_layer in zip(state, last):
        assert largest_difference(layer, last_layer) < 1e-12


def test_every_gate_sees_every_branch():
    """Cut into four as it comes, the grouped expansion would give each gate one branch."""
    cell = lively(norm='none').layers[1]
    features = torch.randn(32, dtype=torch.float64, requires_grad=True)
    weights = cell.gate_weights(features.unsqueeze(0))
    gates = torch.bmm(weights.from_input, features.reshape(4, -1, 1)).reshape(4, 4, -1)
    for gate in gates.unbind(1):
        gradient, = torch.autograd.grad(gate.sum(), features, retain_graph=True)
        assert (gradient.reshape(4, -1).abs().max(1)[0] > 0).all()


def test_along_a_token_only_the_centre_taps_learn():
    """What the page says of this axis: two thirds of the filters have no gradient."""
    network = lively(axis='token')
    network(torch.randint(11, (5, 2)))[0].sum().backward()
    for branch in network.layers[0].branches:
        assert (branch.weight.grad[:, :, [0, 2]] == 0).all()
        assert (branch.weight.grad[:, :, 1] != 0).any()


def test_an_unknown_form_is_refused():
    """One sentence."""
    with pytest.raises(NetworkError, match="form of an ERU 'fast'; valid: sequence, definition"):
        create_network('eru_lm', **TINY).use('fast')
