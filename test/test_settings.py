# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings: one place for defaults, and clear refusals."""

import math

from espnet_perception.errors import SettingsError
from espnet_perception.settings import (
    check,
    ClassificationNodeSettings,
    ClassifierSettings,
    CommanderSettings,
    CommandNodeSettings,
    FACTS,
    from_dict,
    NodeSettings,
    PipelineSettings,
    PowerNodeSettings,
    SegmentationNodeSettings,
    SegmenterSettings,
)
import pytest

ALL = (PipelineSettings, SegmenterSettings, ClassifierSettings, NodeSettings,
       SegmentationNodeSettings, ClassificationNodeSettings, CommanderSettings,
       CommandNodeSettings, PowerNodeSettings)


@pytest.mark.parametrize('settings_type', ALL)
def test_every_setting_has_a_description_and_a_valid_default(settings_type):
    """Descriptors of parameters come from FACTS, so none may be missing."""
    for name in settings_type._fields:
        assert FACTS[name].description
    check(settings_type())


def test_no_fact_without_setting():
    """FACTS does not describe what is gone."""
    assert set(FACTS) == {name for settings_type in ALL for name in settings_type._fields}


@pytest.mark.parametrize('settings_type', [SegmenterSettings, ClassifierSettings])
def test_every_pipeline_begins_with_what_all_share(settings_type):
    """With the same defaults, in the same order."""
    shared = PipelineSettings()
    assert settings_type._fields[:len(shared)] == shared._fields
    assert settings_type()[:len(shared)] == shared


@pytest.mark.parametrize('values, sentence', [
    ({'thread': 2}, "unknown setting 'thread'; did you mean 'threads'"),
    ({'threads': 'two'}, "setting 'threads' is 'two', expected a int"),
    ({'threads': -1}, "setting 'threads' is -1, expected 0 to 256"),
    ({'confidence_threshold': math.nan}, 'is nan, expected 0.0 to 1.0'),
    ({'confidence': 1}, "setting 'confidence' is 1, expected a bool"),
])
def test_refusals(values, sentence):
    """Each says what was got and what was expected."""
    with pytest.raises(SettingsError, match=sentence):
        from_dict(SegmenterSettings, values)


def test_integers_serve_where_a_float_is_expected():
    """YAML writes 1 for 1.0."""
    settings = from_dict(NodeSettings, {'max_rate_hz': 10, 'engine': 'torch'})
    assert settings.max_rate_hz == 10.0
    assert isinstance(settings.max_rate_hz, float)
    with pytest.raises(SettingsError, match="is 'gpu', expected one of: auto, torch"):
        from_dict(NodeSettings, {'engine': 'gpu'})
