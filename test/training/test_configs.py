# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every configuration of images in config/train: settings, schedule, network, what it sees."""

import json
import os
from pathlib import Path

from espnet_perception.networks import create_network
from espnet_perception.training import (
    classification,
    datasets,
    schedules,
    segmentation,
    settings_file,
)
from espnet_perception.training.augment import Window
from espnet_perception.training.optimisation import make_optimiser
from espnet_perception.training.schedules import PAPER_MILESTONES
from espnet_perception.weights.catalogue import CATALOGUE
import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / 'config' / 'train'


def configs_of(known):
    """Return the files whose data set is one of these."""
    return sorted(path.name for path in FOLDER.glob('*.yaml')
                  if yaml.safe_load(path.read_text()).get('dataset') in known)


CONFIGS = configs_of(datasets.SEGMENTATION)
CLASSIFICATION_CONFIGS = configs_of(datasets.CLASSIFICATION)


def load(name):
    script = classification if name in CLASSIFICATION_CONFIGS else segmentation
    return settings_file.load(script.Settings, str(FOLDER / name))


def test_there_is_one_for_every_data_set():
    assert {load(name).dataset for name in CONFIGS} == set(datasets.SEGMENTATION)
    assert {load(name).dataset for name in CLASSIFICATION_CONFIGS} == {'image_folder', 'coco'}


@pytest.mark.parametrize('name', CONFIGS + CLASSIFICATION_CONFIGS)
def test_settings_schedule_and_network_can_be_built(name):
    settings = load(name)
    rates = schedules.rates(schedules.of_settings(settings))
    assert len(rates) == settings.epochs
    network = create_network(settings.network, **dict(settings.arguments, classes=19))
    optimiser = make_optimiser(network, settings.optimiser, settings.weight_decay,
                               settings.encoder_factor)
    factors = {group['factor'] for group in optimiser.param_groups}
    assert factors == {1.0, settings.encoder_factor}
    assert settings.run_folder.startswith('runs/')
    if settings.init_from and not settings.init_from.startswith('runs/'):
        assert settings.init_from in CATALOGUE


@pytest.mark.parametrize('name', CONFIGS)
def test_windows_fit_the_network(name):
    settings = load(name)
    assert settings.windows[0][0] == 0
    assert [row[0] for row in settings.windows] == sorted(row[0] for row in settings.windows)
    for row in settings.windows:
        window = Window(*row[1:])
        assert window.width % 16 == window.height % 16 == 0
        assert 0 < window.smallest <= window.largest
        assert row[0] < settings.epochs
    assert settings.input_width % 16 == settings.input_height % 16 == 0
    datasets._check_options(settings.dataset, datasets.SEGMENTATION[settings.dataset],
                            settings.dataset_options)


def test_the_released_recipe_has_the_rates_of_the_released_code():
    for name, base in (('cityscapes_released_1', 0.009), ('cityscapes_released_2', 0.005)):
        settings = load(name + '.yaml')
        encoder = [rate * settings.encoder_factor
                   for rate in schedules.rates(schedules.of_settings(settings))]
        expected = [base] + [base * (5 - (epoch - 1) % 5) for epoch in range(1, 61)] + [
            base * (1 - (epoch - 60) / 40) for epoch in range(61, 100)]
        assert encoder == pytest.approx(expected)


def test_the_papers_recipe_has_its_rates():
    settings = load('cityscapes_paper.yaml')
    rates = schedules.rates(schedules.of_settings(settings))
    assert rates == pytest.approx([5e-4 * (1 - epoch / 300) ** 0.9 for epoch in range(300)])


def test_a_configuration_trains_on_a_tiny_data_set(tiny_camvid, tmp_path):
    settings = load('synthetic.yaml')
    small = settings._replace(
        run_folder=str(tmp_path), dataset='camvid', folder=str(tiny_camvid), dataset_options={},
        epochs=1, batch_size=2, input_width=64, input_height=48, device='cpu', threads=1,
        windows=((0, 64, 48, 1.0, 1.4),), schedule_options={})
    assert segmentation.train(small)['step'] == 3


def test_the_papers_imagenet_recipe_has_its_rates():
    settings = load('imagenet.yaml')
    assert schedules.rates(schedules.of_settings(settings)) == pytest.approx(
        [(0.5 - 0.1 * (epoch % 5)) * 0.5 ** sum(epoch >= one for one in PAPER_MILESTONES)
         for epoch in range(300)])
    assert (settings.batch_size, settings.weight_decay, settings.clip) == (512, 4e-5, 0)


def test_the_released_imagenet_recipe_has_the_rates_of_the_released_code(shared_dir):
    with open(os.path.join(shared_dir, 'reference', 'golden', 'lr_schedules.json')) as stream:
        expected = json.load(stream)['imagenet_cyclic_edgenets_300']
    rates = schedules.rates(schedules.of_settings(load('imagenet_released.yaml')))
    assert rates == pytest.approx(expected, abs=1e-5)


def test_the_coco_recipe_has_its_rates():
    rates = schedules.rates(schedules.of_settings(load('coco.yaml')))
    assert rates[:6] == pytest.approx([0.005, 0.004, 0.003, 0.002, 0.001, 0.005])
    assert rates[49:51] == pytest.approx([0.001, 0.0025])
    assert rates[79:81] == pytest.approx([0.0005, 0.00125])


@pytest.mark.parametrize('name', CLASSIFICATION_CONFIGS)
def test_classifiers_start_from_weights_of_their_own_width_and_size(name):
    settings = load(name)
    assert (settings.input_width, settings.input_height, settings.crop_ratio) == (224, 224, 0.875)
    if settings.init_from:
        assert settings.init_from == 'espnetv2_s_{width}_imagenet_224x224'.format(
            **settings.arguments)


def test_a_configuration_trains_on_a_tiny_image_folder(tiny_image_folder, tmp_path):
    small = load('image_folder.yaml')._replace(
        run_folder=str(tmp_path), folder=str(tiny_image_folder), init_from='', epochs=1,
        batch_size=8, input_width=32, input_height=32, device='cpu', threads=1,
        arguments={'width': 0.5})
    assert classification.train(small)['step'] == 3
