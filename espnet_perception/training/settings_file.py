# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of a training script: a NamedTuple with the defaults, a YAML file and --set over it."""

from typing import Any, Dict, Sequence, Type, TypeVar

from espnet_perception.errors import SettingsError, unknown_key_sentence
import yaml

Settings = TypeVar('Settings')


def load(settings_type: Type[Settings], path: str, overrides: Sequence[str] = ()) -> Settings:
    """
    Read a YAML file over the defaults.

    :param settings_type: NamedTuple class whose fields all have defaults
    :param path: YAML mapping, its keys are fields of the class
    :param overrides: 'key=value' with the value in YAML, stronger than the file
    :raises SettingsError: not readable, unknown key or wrong type
    """
    try:
        with open(path, encoding='utf-8') as stream:
            values = yaml.safe_load(stream) or {}
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError('cannot read the training settings {}: {}'.format(path, error))
    if not isinstance(values, dict):
        raise SettingsError('the training settings {} hold {}, expected a mapping'.format(
            path, type(values).__name__))
    return from_dict(settings_type, {**values, **parse_overrides(overrides)})


def parse_overrides(overrides: Sequence[str], option: str = '--set') -> Dict[str, Any]:
    """
    Return values by key of what was given on a command line.

    :param overrides: 'key=value' with the value in YAML
    :param option: what they were given with, for the message
    :raises SettingsError: no such form, or no YAML
    """
    values = {}
    for override in overrides:
        key, sign, text = override.partition('=')
        if not sign:
            raise SettingsError("{} got '{}', expected key=value".format(option, override))
        try:
            values[key.strip()] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SettingsError("{} got '{}', which is not YAML: {}".format(
                option, override, ' '.join(str(error).split())))
    return values


def from_dict(settings_type: Type[Settings], values: Dict[str, Any]) -> Settings:
    """
    Return settings with values over the defaults.

    :raises SettingsError: unknown key or wrong type
    """
    checked = {}
    for key, value in values.items():
        if key not in settings_type._fields:
            raise SettingsError(unknown_key_sentence('training setting', key,
                                                     settings_type._fields))
        expected = type(settings_type._field_defaults[key])
        if expected is float and type(value) is int:
            value = float(value)
        if expected is str and value is None:  # `key:` and `--set key=` mean nothing, in YAML null
            value = ''
        if expected is tuple and isinstance(value, list):
            value = tuple(value)
        if type(value) is not expected:
            raise SettingsError('training setting {} is {!r}, expected {}'.format(
                key, value, expected.__name__))
        checked[key] = value
    return settings_type(**checked)
