# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A default stands once: a configuration sets what exists in settings.py, within its range."""

from typing import Any, Dict, Iterator, List, Tuple

from espnet_perception import settings
from espnet_perception.errors import SettingsError
import pytest
from source_tree import REPOSITORY
import yaml

OF_ROS = ('use_sim_time', 'qos_overrides')


def defaults() -> Dict[str, Any]:
    """Return every setting with its default, over all settings classes."""
    classes = [value for value in vars(settings).values()
               if isinstance(value, type) and issubclass(value, tuple)
               and hasattr(value, '_fields') and value is not settings.Fact]
    return {name: value for one in classes for name, value in one()._asdict().items()}


def parameters(tree: Any) -> Iterator[Tuple[str, Any]]:
    """Yield the parameters of every ros__parameters block in a configuration."""
    for key, value in tree.items() if isinstance(tree, dict) else ():
        if key == 'ros__parameters':
            yield from value.items()
        else:
            yield from parameters(value)


def wrong_parameters(tree: Any) -> List[str]:
    """Return what settings.py says against the parameters of a configuration."""
    known, wrong = defaults(), []
    for name, value in parameters(tree):
        if name.split('.')[0] in OF_ROS:
            continue
        if name not in known:
            wrong.append(f'{name} is not in settings.py')
            continue
        try:
            settings.check_value(name, value, type(known[name]))
        except SettingsError as error:
            wrong.append(str(error))
    return wrong


def deployments() -> List[str]:
    return [path.relative_to(REPOSITORY).as_posix()
            for path in sorted((REPOSITORY / 'config').rglob('*.yaml'))
            if 'ros__parameters' in path.read_text(encoding='utf-8')]


def test_there_are_deployments():
    assert deployments()


@pytest.mark.parametrize('name', deployments())
def test_deployment(name):
    assert wrong_parameters(yaml.safe_load((REPOSITORY / name).read_text(encoding='utf-8'))) == []


def test_every_setting_is_described_and_every_default_is_valid():
    assert set(settings.FACTS) == set(defaults())
    for name, value in defaults().items():
        settings.check_value(name, value, type(value))


@pytest.mark.parametrize('values, fragment', [
    ({'overlay_opacty': 0.5}, 'not in settings.py'),
    ({'overlay_opacity': 1.5}, 'expected 0.0 to 1.0'),
    ({'engine': 'fastest'}, 'expected one of'),
    ({'threads': 'two'}, 'expected a int'),
])
def test_a_wrong_parameter_is_found(values, fragment):
    found = wrong_parameters({'/**': {'ros__parameters': values}})
    assert len(found) == 1 and fragment in found[0]


def test_parameters_of_ros_pass():
    values = {'use_sim_time': True, 'qos_overrides./mask.publisher.depth': 2, 'engine': 'torch'}
    assert wrong_parameters({'/**': {'ros__parameters': values}}) == []
