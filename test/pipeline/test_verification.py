# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Models on the disk are in order, damaged or missing."""

import os
import shutil

from espnet_perception import model_card
from espnet_perception.networks import create_network
from espnet_perception.networks.safe_load import load_state_dict, save_state_dict
from espnet_perception.pipeline.verification import DAMAGED, every_model, MISSING, OK, verify
from espnet_perception.releases import RELEASES
from golden import checkpoints
import pytest


@pytest.fixture
def model(tiny_model_dir, tmp_path):
    """Return a model directory to be spoilt."""
    directory = str(tmp_path / 'models' / 'mine')
    shutil.copytree(str(tiny_model_dir), directory)
    return directory


def test_in_order(model):
    """A directory whose weights are those of its card."""
    assert verify(model) == (model, OK, 'sha256 as in its card')


def test_every_released_file(shared_dir):
    """All 26 are genuine, load, and are called by their names."""
    for sha256, row in checkpoints(shared_dir).items():
        path = str(shared_dir / 'reference' / row['file'])
        assert verify(path) == (path, OK, 'released as ' + RELEASES[sha256].name)


def test_a_flipped_bit(model):
    """The sum tells."""
    with open(os.path.join(model, 'weights.pth'), 'r+b') as stream:
        stream.seek(5000)
        stream.write(b'?')
    verdict = verify(model)
    assert verdict.state == DAMAGED and 'has sha256' in verdict.remark


@pytest.mark.parametrize('name', ['weights.pth', 'card.yaml'])
def test_a_part_is_missing(model, name):
    """The weights, or the card."""
    os.remove(os.path.join(model, name))
    verdict = verify(model)
    assert verdict.state == MISSING and name in verdict.remark


def test_nothing_there():
    """A path, and a release that was not fetched."""
    assert verify('/nowhere/model.pth').state == MISSING
    verdict = verify('espnet_p_2_q_8')
    assert verdict.state == MISSING and 'weights fetch espnet_p_2_q_8' in verdict.remark


@pytest.mark.parametrize('network, arguments', [
    ('espnetv2_seg', {'classes': 5, 'width': 1.0}), ('espnet_c', {'classes': 5}),
    ('espnetv2_seg', {'classes': 5, 'width': 0.7})])
def test_weights_of_another_network(model, network, arguments):
    """The sum is right, the shapes are not, or there is no such network."""
    card = model_card.load(model)
    model_card.save(card._replace(network=network, arguments=arguments), model)
    verdict = verify(model)
    assert verdict.state == DAMAGED, verdict
    assert '\n' not in verdict.remark


def test_weights_of_another_class_count(model):
    """The card says 5 classes, the weights have 6."""
    path = os.path.join(model, 'weights.pth')
    save_state_dict(create_network('espnetv2_seg', classes=6, width=0.5).state_dict(), path)
    card = model_card.load(model)
    model_card.save(card._replace(sha256=model_card.file_sha256(path)), model)
    verdict = verify(model)
    assert verdict.state == DAMAGED and 'has 6 classes, its card says 5' in verdict.remark


def test_every_model_of_this_machine(model, tmp_path, monkeypatch):
    """Directories in the folders of models, own ones and shipped ones, and fetched weights."""
    monkeypatch.setenv('ESPNET_PERCEPTION_MODELS', os.path.dirname(model))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path / 'share'))
    folder = tmp_path / 'cache' / 'espnet_perception' / 'weights'
    folder.mkdir(parents=True)
    (folder / 'espnet_p_2_q_8.pth').write_bytes(b'half')
    own = tmp_path / 'share' / 'espnet_perception' / 'models' / 'own'
    shutil.copytree(model, str(own))
    models = every_model()
    assert models[:2] == [model, str(own)] and models[-1] == 'espnet_p_2_q_8'
    assert any(one.endswith('models/espnetv2_s0.5_synthetic') for one in models)
    assert verify(models[-1]).state == DAMAGED


def test_a_file_that_nobody_released(shared_dir, tmp_path):
    """The right tensors, saved anew: it is used, and said to be none of the released files."""
    released = shared_dir / 'reference/checkpoints/espnet_v1/encoder_espnet_p_2_q_3.pth'
    path = str(tmp_path / 'mine.pth')
    save_state_dict(load_state_dict(str(released)), path)
    verdict = verify(path)
    assert verdict.state == OK and 'none of the released files' in verdict.remark
