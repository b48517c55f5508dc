# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of starting from other weights."""

import os

from espnet_perception.errors import ModelError
from espnet_perception.label_sets import CAMVID, CITYSCAPES
from espnet_perception.networks import create_network
from espnet_perception.networks.upstream import load_upstream
from espnet_perception.training import checkpoint
from espnet_perception.training.initialisation import initialise_from, rows_between
import pytest
import torch


@pytest.fixture
def network():
    torch.manual_seed(1)
    return create_network('espnetv2_seg', width=0.5, classes=3)


def saved(network, path):
    checkpoint.write(str(path), network.state_dict())
    return str(path)


def test_another_class_count_gets_a_fresh_head(network, tmp_path):
    torch.manual_seed(2)
    other = create_network('espnetv2_seg', width=0.5, classes=19)
    head = network.state_dict()['pyramid4.expand.weight'].clone()
    sentence = initialise_from(network, saved(other, tmp_path / 'other.pth'))
    state = network.state_dict()
    assert torch.equal(state['encoder.level1.conv.weight'],
                       other.state_dict()['encoder.level1.conv.weight'])
    assert torch.equal(state['pyramid4.expand.weight'], head)
    assert 'fresh (pyramid' in sentence


def test_a_classifier_gives_its_encoder(network, tmp_path):
    torch.manual_seed(2)
    classifier = create_network('espnetv2', width=0.5, classes=10)
    initialise_from(network, saved(classifier, tmp_path / 'classifier.pth'))
    for name, value in network.state_dict().items():
        if name.startswith('encoder.') and name in classifier.state_dict():
            assert torch.equal(value, classifier.state_dict()[name]), name


def test_a_model_directory_and_a_checkpoint_are_sources(network, repository, tmp_path):
    source = repository / 'models' / 'espnetv2_s0.5_synthetic'
    assert 'tensors copied' in initialise_from(network, str(source))
    path = tmp_path / 'best.pt'
    checkpoint.write(str(path), {'network': network.state_dict(), 'settings': {}})
    assert ', 0 fresh' in initialise_from(create_network('espnetv2_seg', width=0.5, classes=3),
                                          str(path))


def test_a_released_checkpoint_is_a_source(shared_dir):
    network = create_network('espnetv2_seg', width=2.0, classes=11, planes=10)
    path = os.path.join(str(shared_dir), 'reference', 'checkpoints', 'edgenets',
                        'espnetv2_s_2.0_city_1024x512.pth')
    sentence = initialise_from(network, path)
    assert '2 fresh (pyramid4.expand.weight, pyramid4.expand.bias)' in sentence
    sentence = initialise_from(network, path, CAMVID.classes)
    assert sentence.endswith('11 of 11 classes of the heads taken over by name, 0 fresh')
    released = load_upstream(path)[0].state_dict()
    for own, theirs in (('pole', 'pole'), ('pedestrian', 'person'), ('tree', 'vegetation')):
        assert torch.equal(
            network.state_dict()['pyramid4.expand.weight'][CAMVID.classes.index(own)],
            released['pyramid4.expand.weight'][CITYSCAPES.classes.index(theirs)])


def test_classes_of_the_same_name_begin_as_they_were(tmp_path):
    arguments = {'width': 0.5, 'planes': 4}
    other = create_network('espnetv2_seg', classes=4, **arguments)
    path = str(tmp_path / 'best.pt')
    checkpoint.write(path, {'network': other.state_dict(), 'settings': {},
                            'facts': {'classes': ['sky', 'way', 'tree', 'car']}})
    network = create_network('espnetv2_seg', classes=3, **arguments)
    head = network.state_dict()['pyramid4.expand.weight'].clone()
    sentence = initialise_from(network, path, ('car', 'cat', 'sky'))
    found = network.state_dict()['pyramid4.expand.weight']
    theirs = other.state_dict()['pyramid4.expand.weight']
    assert '2 of 3 classes of the heads taken over by name' in sentence
    assert torch.equal(found, torch.stack([theirs[3], head[1], theirs[0]]))


def test_classes_with_nothing_in_common_are_fresh():
    assert rows_between(('a', 'b'), ('c',)) == {}
    assert rows_between((), ('c',)) == {}


def test_weights_that_do_not_fit_at_all_are_refused(network, tmp_path):
    path = str(tmp_path / 'foreign.pth')
    checkpoint.write(path, {'linear.weight': torch.zeros(3, 3)})
    with pytest.raises(ModelError, match='no tensor that fits the network ESPNetv2Segmentation'):
        initialise_from(network, path)


def test_a_missing_file_is_named(network):
    with pytest.raises(ModelError, match='nowhere.pth'):
        initialise_from(network, 'nowhere.pth')


def test_released_weights_that_were_not_fetched_say_how_to_fetch_them(network, own_cache):
    with pytest.raises(ModelError, match='espnet-perception weights fetch espnetv2_s_1.0_city'):
        initialise_from(network, 'espnetv2_s_1.0_city_1024x512')
