# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""ROS parameters out of the settings: the settings hold every default, range and description."""

from typing import Any, Callable, Dict, List, Sequence

from espnet_perception.errors import SettingsError, unknown_key_sentence
from espnet_perception.settings import check_value, Fact, FACTS
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

# Declared by ROS itself, with names of its own.
FOREIGN_NAMES = ('use_sim_time', 'start_type_description_service')
FOREIGN_PREFIXES = ('qos_overrides.',)


class Parameters:
    """
    The parameters of a node, declared from settings and kept equal to them.

    The node must have been made with automatically_declare_parameters_from_overrides, which is
    the only public way to learn of overrides that nobody declares.

    :param node: the node.
    :param settings_types: the settings classes whose fields become parameters.
    """

    def __init__(self, node: Node, settings_types: Sequence[Any]) -> None:
        self.problems: Dict[str, str] = {}
        self.unknown: List[str] = []
        self._changed: List[Callable[[Dict[str, Any]], None]] = []
        self._settings = {settings_type: settings_type() for settings_type in settings_types}
        overrides = _take_overrides(node)
        for settings_type in settings_types:
            for name, default in settings_type()._asdict().items():
                value = self._accept(name, overrides.pop(name, default), default)
                node.declare_parameter(name, value, descriptor(name, default),
                                       ignore_override=True)
                self._store(name, value)
        for name in overrides:
            self.unknown.append(unknown_key_sentence('parameter', name, self._names()))
        node.add_on_set_parameters_callback(self._on_set)

    def get(self, settings_type: Any) -> Any:
        """
        Return the present settings.

        :param settings_type: one of the classes given at construction.
        """
        return self._settings[settings_type]

    def on_change(self, function: Callable[[Dict[str, Any]], None]) -> None:
        """
        Call a function with the new values by name after every change.

        :param function: may raise SettingsError to refuse the change.
        """
        self._changed.append(function)

    def _names(self) -> List[str]:
        return [name for settings in self._settings.values() for name in settings._fields]

    def _accept(self, name: str, value: Any, default: Any) -> Any:
        """Return the value as the setting's type; the default, and a problem, where it is not."""
        value = _widen(value, default)
        try:
            check_value(name, value, type(default))
        except SettingsError as error:
            self.problems[name] = str(error)
            return default
        return value

    def _store(self, name: str, value: Any) -> None:
        for settings_type, settings in self._settings.items():
            if name in settings._fields:
                self._settings[settings_type] = settings._replace(**{name: value})

    def _on_set(self, parameters: List[Parameter]) -> SetParametersResult:
        known = {parameter.name: parameter.value for parameter in parameters
                 if parameter.name in self._names()}
        try:
            for name, value in list(known.items()):
                default = self._default(name)
                known[name] = _widen(value, default)
                check_value(name, known[name], type(default))
            for function in self._changed:
                function(known)
        except SettingsError as error:
            return SetParametersResult(successful=False, reason=str(error))
        for name, value in known.items():
            self._store(name, value)
            self.problems.pop(name, None)
        return SetParametersResult(successful=True)

    def _default(self, name: str) -> Any:
        for settings_type in self._settings:
            if name in settings_type._fields:
                return getattr(settings_type(), name)
        raise SettingsError(unknown_key_sentence('parameter', name, self._names()))


def descriptor(name: str, default: Any) -> ParameterDescriptor:
    """
    Describe a parameter.

    The type may change as far as ROS is concerned, so that 5 may stand for 5.0 and so that a wrong
    type is refused in our own words.

    :param name: name of the setting.
    :param default: its default, which also gives its type.
    """
    fact = FACTS[name]
    described = ParameterDescriptor(name=name, description=fact.description,
                                    read_only=fact.read_only, dynamic_typing=True)
    if fact.choices:
        described.additional_constraints = 'one of: ' + ', '.join(fact.choices)
    if fact.low is not None:
        _add_range(described, fact, isinstance(default, float))
    return described


def _add_range(described: ParameterDescriptor, fact: Fact, is_float: bool) -> None:
    if is_float:
        described.floating_point_range = [FloatingPointRange(
            from_value=float(fact.low), to_value=float(fact.high), step=0.0)]
    else:
        described.integer_range = [IntegerRange(from_value=int(fact.low), to_value=int(fact.high),
                                                step=1)]


def _take_overrides(node: Node) -> Dict[str, Any]:
    """Return the overrides and undeclare them, so that they can be declared with descriptors."""
    overrides = {}
    for name, parameter in node.get_parameters_by_prefix('').items():
        if name in FOREIGN_NAMES:
            continue
        node.undeclare_parameter(name)
        if not name.startswith(FOREIGN_PREFIXES):
            overrides[name] = parameter.value
    return overrides


def _widen(value: Any, default: Any) -> Any:
    """Let YAML write 5 where 5.0 is meant."""
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
