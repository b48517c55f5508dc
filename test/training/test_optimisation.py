# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of parameter groups, frozen statistics, averaged weights and number formats."""

import copy

from espnet_perception.errors import EngineError, SettingsError
from espnet_perception.networks import create_network
from espnet_perception.training.optimisation import (
    AveragedWeights,
    freeze_batch_norm,
    make_optimiser,
    memory_hint,
    Precision,
    set_rate,
)
import pytest
import torch
from torch import nn


@pytest.fixture
def network():
    torch.manual_seed(0)
    return create_network('espnetv2_seg', width=0.5, classes=3)


def test_the_encoder_learns_at_its_share_of_the_rate(network):
    optimiser = make_optimiser(network, 'sgd', 4e-5, encoder_factor=0.1)
    set_rate(optimiser, 0.09)
    rates = {id(parameter): group['lr'] for group in optimiser.param_groups
             for parameter in group['params']}
    for name, parameter in network.named_parameters():
        expected = 0.009 if name.startswith('encoder.') else 0.09
        assert rates[id(parameter)] == pytest.approx(expected), name


def test_only_convolutions_decay(network):
    optimiser = make_optimiser(network, 'adamw', 0.01)
    for group in optimiser.param_groups:
        for parameter in group['params']:
            assert group['weight_decay'] == (0.01 if parameter.ndim > 1 else 0.0)
    counted = sum(len(group['params']) for group in optimiser.param_groups)
    assert counted == len(list(network.parameters()))


def test_an_unknown_optimiser_names_the_valid_ones(network):
    with pytest.raises(SettingsError, match="'adamm'; did you mean 'adam"):
        make_optimiser(network, 'adamm', 0.0)


def test_frozen_statistics_stay_although_the_network_trains(network):
    images = torch.randn(2, 3, 32, 32) * 3 + 1
    for frozen in (True, False):
        before = copy.deepcopy(network.state_dict())
        network.train()
        if frozen:
            freeze_batch_norm(network)
        network(images)
        changed = [name for name, value in network.state_dict().items()
                   if 'running_' in name and not torch.equal(value, before[name])]
        assert bool(changed) != frozen


def test_averaged_weights_follow_slowly():
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = AveragedWeights(network, 0.9)
    average.updates = 1000
    nn.init.ones_(network.weight)
    average.update(network)
    assert float(average.network.weight.detach()) == pytest.approx(0.1)
    average.update(network)
    assert float(average.network.weight.detach()) == pytest.approx(0.19)


def test_without_a_decay_the_average_is_the_network():
    network = nn.BatchNorm2d(2)
    average = AveragedWeights(network, 0.0)
    network.train()(torch.randn(4, 2, 3, 3))
    average.update(network)
    for name, value in network.state_dict().items():
        assert torch.equal(average.network.state_dict()[name], value), name
    assert not average.network.training


@pytest.mark.parametrize('name, match', [
    ('fp16', 'fp16 needs a CUDA device'), ('fp64', "unknown precision 'fp64'")])
def test_a_format_that_cannot_be_is_refused(name, match):
    with pytest.raises(SettingsError, match=match):
        Precision(name, torch.device('cpu'))


def test_bf16_computes_in_bf16():
    with Precision('bf16', torch.device('cpu')).forward():
        assert nn.Conv2d(3, 4, 1)(torch.zeros(1, 3, 2, 2)).dtype == torch.bfloat16
    with Precision('auto', torch.device('cpu')).forward():
        assert nn.Conv2d(3, 4, 1)(torch.zeros(1, 3, 2, 2)).dtype == torch.float32


def test_gradients_are_clipped_to_their_norm():
    network = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(network.weight)
    optimiser = make_optimiser(network, 'sgd', 0.0)
    set_rate(optimiser, 1.0)
    precision = Precision('fp32', torch.device('cpu'))
    precision.backward((network.weight * torch.tensor([[30.0, 40.0]])).sum())
    precision.step(network, optimiser, 5.0)
    assert network.weight.detach().flatten().tolist() == pytest.approx([-3.0, -4.0], rel=1e-4)
    assert network.weight.grad is None


def test_memory_that_runs_out_names_the_settings():
    with pytest.raises(EngineError, match='step 12 .*lower batch_size, raise accumulate'):
        with memory_hint(12):
            raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB')


def test_other_errors_stay_themselves():
    with pytest.raises(RuntimeError, match='^size mismatch$'):
        with memory_hint(12):
            raise RuntimeError('size mismatch')
