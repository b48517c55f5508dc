# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The classification network against the official outputs and sizes."""

import json

from espnet_perception.errors import NetworkError
from espnet_perception.networks import classification, create_network
from espnet_perception.networks.counting import count
from golden import fill, synthetic_input
import numpy as np
import pytest
import torch


@pytest.mark.parametrize('width', [0.5, 2.0])
def test_tensors_stand_in_the_official_order(shared_dir, width):
    """The deterministic fills walk the tensors in this order."""
    order = json.loads(
        (shared_dir / f'reference/golden/classification_order_s{width}.json').read_text())
    network = create_network('espnetv2', width=width)
    shapes = [list(tensor.shape) for tensor in network.state_dict().values() if tensor.ndim]
    assert shapes == [shape for _, shape in order['order'] if shape]


def test_filled_network_gives_the_official_scores(shared_dir):
    """Width 0.5 under the official fill, at two input sizes."""
    golden = np.load(shared_dir / 'reference/golden/classification_fill_s0.5.npz')
    network = create_network('espnetv2', width=0.5).eval()
    fill(network, int(golden['seed_base']))
    first = [tensor.flatten()[0] for tensor in network.state_dict().values() if tensor.ndim]
    assert np.array_equal(np.array(first, np.float32), golden['first_value_of_each_tensor'])
    images = {'logits_96x128': torch.from_numpy(golden['input_96x128']),
              'logits_224x224': synthetic_input((1, 3, 224, 224))}
    for key, batch in images.items():
        with torch.no_grad():
            assert np.abs(network(batch).numpy() - golden[key]).max() < 1e-4


def test_sizes_equal_table_2(shared_dir):
    """Parameters and multiply-adds of all six widths are exact; the last layer counts apart."""
    path = shared_dir / 'reference/golden/classification_params_macs.json'
    rows = json.loads(path.read_text())
    assert [row['s'] for row in rows] == sorted(classification.VARIANTS)
    for row in rows:
        counts = count(create_network('espnetv2', width=row['s']), (224, 224))
        assert counts == (row['params'], row['macs_conv_224'], 0, row['macs_linear'])
        assert classification.VARIANTS[row['s']] == row['params']


@pytest.mark.parametrize('width, switches, parameters, multiply_adds', [
    (1.0, {'fusion': False, 'shortcut': False}, 1664912, 84333312),      # Table 4, R1
    (1.0, {'shortcut': False}, 1664912, 84333312),                       # R2
    (0.5, {'grouped_reduction': False}, 1306084, 38611412),              # Table 5
    (1.0, {'grouped_reduction': False}, 1929080, 126664020),
])
def test_ablations_have_the_sizes_of_tables_4_and_5(width, switches, parameters, multiply_adds):
    """1.66 M and 84 M; 1.30 M and 39 M; 1.92 M and 127 M in print."""
    counts = count(create_network('espnetv2', width=width, **switches), (224, 224))
    assert counts[:2] == (parameters, multiply_adds)


def test_ablations_change_the_function():
    """Each switch alters the scores although fusion alters no tensor."""
    images = synthetic_input((1, 3, 64, 64))
    outputs = []
    for switches in ({}, {'fusion': False}, {'shortcut': False}):
        network = create_network('espnetv2', classes=7, width=0.5, **switches).eval()
        fill(network, 5)
        with torch.no_grad():
            outputs.append(network(images))
    assert outputs[0].shape == (1, 7)
    assert (outputs[0] - outputs[1]).abs().max() > 0.1
    assert (outputs[0] - outputs[2]).abs().max() > 0.1


@pytest.mark.parametrize('size', [(32, 32), (37, 91), (1, 1)])
def test_any_image_size(size):
    """Global pooling takes whatever arrives; dropout only drops in training."""
    network = create_network('espnetv2', classes=3, width=0.5).eval()
    images = torch.rand(2, 3, *size)
    with torch.no_grad():
        scores = network(images)
        assert torch.equal(scores, network(images))
    assert scores.shape == (2, 3)


@pytest.mark.parametrize('arguments, sentence', [
    ({'classes': 0}, 'got 0 classes, expected at least 1'),
    ({'width': 3}, 'got width 3, expected one of 0.5, 1.0'),
    ({'fuse': True}, "network 'espnetv2'.*fuse"),
])
def test_wrong_arguments(arguments, sentence):
    """One sentence each."""
    with pytest.raises(NetworkError, match=sentence):
        create_network('espnetv2', **arguments)
