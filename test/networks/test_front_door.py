# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""create_network and its sentences; every network and argument through the one door."""

from espnet_perception.errors import NetworkError
from espnet_perception.networks import (
    create_network,
    IMAGE_NETWORKS,
    KINDS,
    network_arguments,
    NETWORKS,
)
import numpy as np
import pytest
import torch


@pytest.mark.parametrize('name', sorted(NETWORKS))
def test_every_argument_is_described_and_of_a_kind_that_is_checked(name):
    """Each has a default, an annotation that the door knows, and a line in the docstring."""
    for key, parameter in network_arguments(name).items():
        assert parameter.annotation in KINDS
        assert isinstance(parameter.default, parameter.annotation)
        described = getattr(NETWORKS[name], 'Design', NETWORKS[name])
        assert ':param {}:'.format(key) in described.__doc__
    size = 'classes' if name in IMAGE_NETWORKS else 'words'
    assert getattr(create_network(name), size) == network_arguments(name)[size].default


@pytest.mark.parametrize('name, arguments, sentence', [
    ('espnetv2', {'fuse': True},
     "unknown argument of network 'espnetv2': 'fuse'; did you mean 'fusion'.*grouped_reduction"),
    ('espnet', {'alpha': 2}, "'espnet': 'alpha'; valid: classes, p, q, variant"),
    ('espnetv2', {'classes': '20'}, "got classes '20', expected a whole number"),
    ('espnetv2', {'classes': 2.5}, 'got classes 2.5, expected a whole number'),
    ('espnetv2', {'classes': True}, 'got classes True, expected a whole number'),
    ('espnetv2_seg', {'width': 'wide'}, "got width 'wide', expected a number"),
    ('espnetv2_seg', {'width': float('nan')}, 'got width nan, expected one of 0.5'),
    ('espnetv2_seg', {'base': 0}, 'the decoder got the width 0, expected at least 1'),
    ('espnetv2', {'fusion': 1}, 'got fusion 1, expected true or false'),
    ('espnet', {'variant': 3}, 'got variant 3, expected a name'),
    ('espnet_a', {'p': None}, 'got p None, expected a whole number'),
    ('espnet_b', {'q': -1}, 'no negative repeats'),
    ('shufflenetv2_seg', {'classes': 0}, 'got 0 classes, expected at least 1'),
    ('eru_lm', {'preset': 'eru_8m'}, "preset of eru_lm 'eru_8m'; did you mean 'eru_7m"),
    ('eru_lm', {'axis': 'tokens'}, "axis of eru_lm 'tokens'; did you mean 'token'"),
    ('eru_lm', {'norm': 'layer'}, "norm of eru_lm 'layer'"),
    ('eru_lm', {'hidden': 40},
     'of 4 branches got 400 -> 40 features, expected multiples of 4 and 16'),
    ('eru_lm', {'rec_groups': 3}, 'got 3 groups of its recurrence, expected a divisor of its 4'),
    ('eru_lm', {'branches': 0}, 'an ERU of 0 branches'),
    ('eru_lm', {'width': 2}, "argument of network 'eru_lm': 'width'.*rec_groups, axis, norm"),
    ('lstm_lm', {'words': 0}, 'got 0 words, expected at least 1'),
    ('lstm_lm', {'dropout': 1.0}, 'got the dropout 1.0, expected 0 or more'),
    ('lstm_lm', {'layers': 0}, 'and 0 layers, expected at least 1 of each'),
    ('pru_lm', {'groups': 3}, 'a PRU of 2 levels and 3 groups got 400 -> 1000 features'),
    ('espnet_d', {}, "unknown network 'espnet_d'; did you mean 'espnet"),
])
def test_wrong_arguments(name, arguments, sentence):
    """One sentence each, whatever is wrong."""
    with pytest.raises(NetworkError, match=sentence):
        create_network(name, **arguments)


def test_numbers_of_numpy_and_whole_widths_are_numbers():
    """Arguments may come from arrays, and 2 is 2.0."""
    network = create_network('espnetv2', classes=np.int64(3), width=np.float32(0.5))
    assert network.classifier.out_features == 3
    assert create_network('espnetv2_seg', width=1).encoder.widths.level2 == 64


@pytest.mark.parametrize('name, classes', [
    ('espnetv2', 1), ('espnetv2', 2), ('espnetv2', 80), ('espnetv2_seg', 1), ('espnetv2_seg', 2),
    ('espnetv2_seg', 60), ('espnetv2_seg_paper', 1), ('espnet_a', 1), ('espnet_b', 2),
    ('espnet_c', 1), ('espnet', 5), ('espnet', 33), ('shufflenetv2_seg', 1)])
def test_any_class_count(name, classes):
    """The scores have one entry, or one map, for each class."""
    network = create_network(name, classes=classes).eval()
    with torch.no_grad():
        scores = network(torch.rand(1, 3, 32, 48))
    assert scores.shape[1] == classes
