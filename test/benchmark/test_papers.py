# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The grid of the papers: their networks at their sizes, their numbers beside."""

from espnet_perception import model_card
from espnet_perception.benchmark import papers
from espnet_perception.benchmark.papers import GRID, subjects
from espnet_perception.errors import SettingsError
from espnet_perception.networks import create_network, network_arguments
from espnet_perception.networks.random_weights import random_network
from espnet_perception.pipeline.models import find_model
import pytest
import torch


@pytest.fixture()
def small_grid(monkeypatch):
    """Make random networks without running them, which the grid does not need."""
    monkeypatch.setattr('espnet_perception.networks.random_weights.random_network',
                        lambda name, **arguments: create_network(name, **arguments))


def test_what_the_papers_print_stands_beside(tmp_path, small_grid):
    found = {subject.model.rpartition('/')[2]: subject for subject in subjects(
        'espnetv2', str(tmp_path))}
    assert set(found) == {'ESPNetv2_s=0.5', 'ESPNetv2_s=1.0', 'ESPNetv2_s=2.0',
                          'ESPNetv2-seg_s=0.5', 'ESPNetv2-seg_s=1.5'}
    classifier, street = found['ESPNetv2_s=2.0'], found['ESPNetv2-seg_s=1.5']
    assert classifier.size == (224, 224) and street.size == (1024, 512)
    assert classifier.printed['multiply_adds'] == '284 M'
    assert classifier.printed['frames_per_second'] is None
    assert classifier.accuracy[:4] == ('top-1', 72.1, 'ImageNet validation', 'printed')
    assert street.printed['frames_per_second'] == 83
    assert street.accuracy[:4] == ('mIoU', 62.1, 'Cityscapes test', 'printed')


def test_a_model_directory_is_made_once(tmp_path, small_grid, monkeypatch):
    subject, = subjects('ESPNetv2 s=0.5', str(tmp_path))
    model = find_model(subject.model)
    assert model.card.origin == 'random weights, for measuring speed alone'
    assert (model.card.task, len(model.card.classes)) == ('classification', 1000)
    monkeypatch.setattr(model_card, 'save', None)  # a second time would fail
    assert subjects('espnetv2 S=0.5', str(tmp_path)) == [subject]


def test_every_network_of_the_grid_takes_its_arguments():
    for one in GRID:
        assert set(one.arguments) <= set(network_arguments(one.network))
    assert len({one.title for one in GRID}) == len(GRID)


def test_an_unknown_network_is_refused():
    with pytest.raises(SettingsError, match="is called 'resnet50'; there are: ESPNetv2 s=0.5"):
        papers.subjects('resnet50')


def test_random_weights_keep_the_size_of_features():
    """Fresh weights let features fade; numbers too small for the processor would cost time."""
    network = random_network('espnetv2', width=0.5)
    sizes = []
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda _module, _inputs, output: sizes.append(
                float(output.abs().mean())))
    with torch.no_grad():
        network(torch.randn(1, 3, 64, 64))
    assert 0.05 < min(sizes) and max(sizes) < 20
    again = random_network('espnetv2', width=0.5)
    assert all(torch.equal(one, other) for one, other in zip(network.state_dict().values(),
                                                             again.state_dict().values()))
