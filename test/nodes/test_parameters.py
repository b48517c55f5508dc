# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters come from the settings, and what is wrong with them is said in one sentence."""

from espnet_perception import settings
from espnet_perception.errors import SettingsError
import pytest

TYPES = (settings.NodeSettings, settings.SegmentationNodeSettings, settings.SegmenterSettings)


@pytest.fixture
def make(ros):
    """Return a function that makes a node with parameters from overrides."""
    from espnet_perception.nodes.parameters import Parameters
    import rclpy
    from rclpy.parameter import Parameter
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros)
    nodes = []

    def make_node(**overrides):
        node = rclpy.create_node(
            'parameters', context=context, automatically_declare_parameters_from_overrides=True,
            parameter_overrides=[Parameter(name, value=value)
                                 for name, value in overrides.items()])
        nodes.append(node)
        return node, Parameters(node, TYPES)

    yield make_node
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def set_one(node, name, value):
    """Set one parameter and return the result."""
    from rclpy.parameter import Parameter
    return node.set_parameters([Parameter(name, value=value)])[0]


def test_every_setting_is_declared_with_its_default_and_fact(make):
    node, parameters = make()
    for settings_type in TYPES:
        assert parameters.get(settings_type) == settings_type()
        for name, default in settings_type()._asdict().items():
            fact, described = settings.FACTS[name], node.describe_parameter(name)
            assert node.get_parameter(name).value == default
            assert described.description == fact.description
            assert described.read_only == fact.read_only
            assert all(choice in described.additional_constraints for choice in fact.choices)
            ranges = list(described.floating_point_range) + list(described.integer_range)
            assert [(one.from_value, one.to_value) for one in ranges] == (
                [] if fact.low is None else [(fact.low, fact.high)])
    assert (parameters.problems, parameters.unknown) == ({}, [])


def test_overrides_are_taken_and_integers_stand_for_floats(make):
    node, parameters = make(max_rate_hz=5, mask_size='network', threads=2)
    node_settings, own_settings, segmenter_settings = (parameters.get(one) for one in TYPES)
    assert (node_settings.max_rate_hz, own_settings.mask_size) == (5.0, 'network')
    assert segmenter_settings.threads == 2
    assert node.get_parameter('max_rate_hz').value == 5.0


def test_an_unknown_override_is_named_with_the_nearest(make):
    node, parameters = make(overlay_opactiy=0.5)
    assert len(parameters.unknown) == 1
    assert "unknown parameter 'overlay_opactiy'; did you mean 'overlay_opacity'" in \
        parameters.unknown[0]
    assert not node.has_parameter('overlay_opactiy')


@pytest.mark.parametrize('name, value, sentence', [
    ('threads', 'two', "setting 'threads' is 'two', expected a int"),
    ('engine', 'fast', "setting 'engine' is 'fast', expected one of"),
    ('overlay_opacity', 7.0, "setting 'overlay_opacity' is 7.0, expected 0.0 to 1.0"),
])
def test_a_wrong_override_leaves_the_default_and_a_problem(make, name, value, sentence):
    node, parameters = make(**{name: value})
    assert sentence in parameters.problems[name]
    default = {key: one for kind in TYPES for key, one in kind()._asdict().items()}[name]
    assert node.get_parameter(name).value == default


def test_a_problem_is_gone_once_the_parameter_is_set_right(make):
    node, parameters = make(overlay_opacity=7.0)
    assert set_one(node, 'overlay_opacity', 1).successful
    assert parameters.problems == {}
    assert parameters.get(TYPES[1]).overlay_opacity == 1.0


def test_a_change_reaches_settings_and_listener(make):
    node, parameters = make()
    changes = []
    parameters.on_change(changes.append)
    assert set_one(node, 'max_rate_hz', 12).successful
    assert parameters.get(TYPES[0]).max_rate_hz == 12.0
    assert changes == [{'max_rate_hz': 12.0}]


def test_a_listener_may_refuse(make):
    node, parameters = make()

    def refuse(_values):
        raise SettingsError('not now')

    parameters.on_change(refuse)
    result = set_one(node, 'max_rate_hz', 12.0)
    assert (result.successful, result.reason) == (False, 'not now')
    assert parameters.get(TYPES[0]).max_rate_hz == 0.0


def test_qos_overrides_stay_for_the_publishers(make):
    from espnet_perception.nodes import qos
    from std_msgs.msg import String
    node, parameters = make(**{'qos_overrides./topic.publisher.depth': 7})
    assert parameters.unknown == []
    node.create_publisher(String, '/topic', qos.reliable(),
                          qos_overriding_options=qos.overridable())
    assert node.get_parameter('qos_overrides./topic.publisher.depth').value == 7
