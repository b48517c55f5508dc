# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every test may use."""

import os
from pathlib import Path
import sys

import pytest

# Two runtimes that spin on the same two cores stop each other; one thread each is faster.
os.environ.setdefault('OMP_NUM_THREADS', '1')

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='session')
def repository() -> Path:
    """Root folder of the repository."""
    return REPOSITORY


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """Folder with reference data that is not part of the repository; skips where it is absent."""
    folder = Path(os.environ.get('ESPNET_SHARED', REPOSITORY.parent / 'shared'))
    if (folder / 'reference' / 'golden').is_dir():
        return folder
    reason = f'reference data not found at {folder}; set ESPNET_SHARED to its folder'
    if os.environ.get('ESPNET_REQUIRE_SHARED') == '1':
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope='session')
def tiny_model_dir(tmp_path_factory) -> Path:
    """Model directory of a small untrained network: 5 classes, 96x64 pixels."""
    from espnet_perception import model_card
    from espnet_perception.networks import create_network
    import torch
    directory = tmp_path_factory.mktemp('models') / 'tiny'
    directory.mkdir()
    torch.manual_seed(11)
    network = create_network('espnetv2_seg', classes=5, width=0.5)
    torch.save(network.state_dict(), directory / 'weights.pth')
    card = model_card.ModelCard(
        name='tiny', task='segmentation', network='espnetv2_seg',
        arguments={'classes': 5, 'width': 0.5}, classes=('a', 'b', 'c', 'd', 'e'),
        palette=((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)),
        input_width=96, input_height=64, weights='weights.pth',
        sha256=model_card.file_sha256(str(directory / 'weights.pth')))
    model_card.save(card, str(directory))
    return directory


@pytest.fixture(scope='session')
def make_classifier_dir(tmp_path_factory):
    """Return a function that makes the model directory of a small untrained classifier."""
    from espnet_perception import model_card
    from espnet_perception.label_sets import voc_palette
    from espnet_perception.networks import create_network
    import torch

    def make(name='scenes', classes=('street', 'forest', 'river', 'shop', 'night', 'snow', 'rain'),
             **facts) -> Path:
        directory = tmp_path_factory.mktemp('models') / name
        directory.mkdir()
        torch.manual_seed(12)
        network = create_network('espnetv2', classes=len(classes), width=0.5)
        torch.nn.init.normal_(network.classifier.weight)  # else all scores are nearly equal
        torch.save(network.state_dict(), directory / 'weights.pth')
        card = model_card.ModelCard(
            name=name, task='classification', network='espnetv2',
            arguments={'classes': len(classes), 'width': 0.5}, classes=tuple(classes),
            palette=voc_palette(len(classes)), input_width=64, input_height=64,
            weights='weights.pth',
            sha256=model_card.file_sha256(str(directory / 'weights.pth')))
        model_card.save(card._replace(**facts), str(directory))
        return directory

    return make


@pytest.fixture(scope='session')
def tiny_classifier_dir(make_classifier_dir) -> Path:
    """Model directory of a classifier of 7 classes, 64x64 pixels cut out of the centre."""
    return make_classifier_dir(crop_ratio=0.875)


COMMANDS = """
vocabulary:
  place: {values: {kitchen: [galley], hall: [], office: [], long corridor: []}}
  thing: {values: {cup: [mug], book: [], red box: [], towel: []}}
  news: {listed: false, values: [dinner is ready, the taxi is here, good morning]}
around:
  before: ['', please, robot]
intents:
  go:
    motion: true
    roles: {place: place}
    required: [place]
    phrases: ['(go|drive) to the {place}', go there]
  bring:
    motion: true
    roles: {thing: thing, place: place}
    required: [thing]
    phrases: ['(bring|fetch) me the {thing} [from the {place}]']
  tell: {roles: {news: news}, required: [news], phrases: ['(say|announce) that {news}']}
  greet: {phrases: [good day, say hello]}
stop: {anywhere: [stop, halt], nouns: [bus stop], fillers: [please]}
"""


@pytest.fixture(scope='session')
def small_command_model(tmp_path_factory):
    """
    Train a command model of four intents; return its directory and its grammar's file.

    ESPNET_COMMAND_MODEL names a folder that keeps it for a Python that cannot train.
    """
    kept = os.environ.get('ESPNET_COMMAND_MODEL')
    folder = Path(kept) if kept else tmp_path_factory.mktemp('commands')
    grammar = folder / 'grammar.yaml'
    if grammar.is_file():
        return str(folder / 'four_intents'), str(grammar)
    if sys.version_info < (3, 10):
        pytest.skip('training needs Python 3.10; tools/test_matrix.sh brings a trained model')
    from espnet_perception.training import commands
    folder.mkdir(exist_ok=True)
    grammar.write_text(COMMANDS, encoding='utf-8')
    commands.train(commands.Settings(
        run_folder=str(folder / 'run'), model=str(folder / 'four_intents'), grammar=str(grammar),
        count=3000, embedding=32, hidden=32, layers=1, epochs=5, batch_size=32, dropout=0.0,
        learning_rate=0.02))
    return str(folder / 'four_intents'), str(grammar)


@pytest.fixture(autouse=True, scope='session')
def own_cache(tmp_path_factory):
    """Keep the user's cache and models out of the tests, and the tests out of them."""
    before = {name: os.environ.get(name) for name in ('XDG_CACHE_HOME', 'XDG_DATA_HOME')}
    os.environ.update({name: str(tmp_path_factory.mktemp(name)) for name in before})
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
