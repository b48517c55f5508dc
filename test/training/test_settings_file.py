# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the settings of training scripts: file, --set, and what is refused."""

from espnet_perception.errors import SettingsError
from espnet_perception.training.classification import Settings
from espnet_perception.training.settings_file import load
import pytest


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text('learning_rate: 1\ninit_from: some_model\nepochs: 5\n')
    return str(path)


def test_what_is_set_is_stronger_than_the_file_and_the_file_than_the_defaults(config):
    settings = load(Settings, config, ['epochs=7', 'arguments={width: 0.5}'])
    assert (settings.epochs, settings.init_from) == (7, 'some_model')
    assert settings.arguments == {'width': 0.5} and settings.seed == Settings().seed
    assert settings.learning_rate == 1.0 and isinstance(settings.learning_rate, float)


def test_a_text_can_be_set_to_nothing(config):
    assert load(Settings, config, ['init_from=']).init_from == ''


@pytest.mark.parametrize('override, message', [
    ('epoch=3', "unknown training setting 'epoch'.*epochs"),
    ('epochs', "--set got 'epochs', expected key=value"),
    ('epochs=many', "setting epochs is 'many', expected int"),
    ('epochs=', 'setting epochs is None, expected int'),
    ('arguments={width', 'which is not YAML')])
def test_what_cannot_be_set_is_refused(config, override, message):
    with pytest.raises(SettingsError, match=message):
        load(Settings, config, [override])


def test_a_file_that_holds_no_settings_is_named(tmp_path):
    with pytest.raises(SettingsError, match='cannot read the training settings .*nowhere.yaml'):
        load(Settings, str(tmp_path / 'nowhere.yaml'))
    (tmp_path / 'list.yaml').write_text('[1, 2]')
    with pytest.raises(SettingsError, match='hold list, expected a mapping'):
        load(Settings, str(tmp_path / 'list.yaml'))
