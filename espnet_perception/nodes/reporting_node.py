# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What every node of the package shares: parameters, outputs, diagnostics, autostart."""

from typing import Any, Dict, List, Sequence

from diagnostic_msgs.msg import DiagnosticArray
from espnet_perception.errors import SettingsError
from espnet_perception.nodes import conversions, qos
from espnet_perception.nodes.autostart import Autostart
from espnet_perception.nodes.diagnostics import collect, Task
from espnet_perception.nodes.managed_node import ManagedNode
from espnet_perception.nodes.parameters import Parameters
from espnet_perception.telemetry.hardware import hardware_id


class ReportingNode(ManagedNode):
    """
    A managed node whose parameters are settings and which says how it is once in a while.

    A node derives from it, fills in ``look``, ``tasks`` and the four of ManagedNode, and calls
    ``report_and_start`` at the end of its constructor.

    :param name: name of the node.
    :param settings_types: the settings classes whose fields are its parameters; the first has
        ``autostart`` and ``diagnostics_period_s``.
    """

    def __init__(self, name: str, settings_types: Sequence[Any]) -> None:
        ManagedNode.__init__(self, name)
        self.hardware_id = hardware_id()
        self.parameters = Parameters(self, settings_types)
        self._outputs: Dict[str, Any] = {}
        self._common_type = settings_types[0]
        self._seen: Any = None

    @property
    def settings(self) -> Any:
        """Present settings of the first class given at construction."""
        return self.parameters.get(self._common_type)

    def look(self, now_ns: int) -> Any:
        """
        Return what the tasks may look at in this round.

        :param now_ns: node clock.
        """
        raise NotImplementedError

    def tasks(self) -> List[Task]:
        """Return the rows of the diagnostics; each calls ``seen`` for what there is to see."""
        raise NotImplementedError

    def report_and_start(self) -> None:
        """Begin with the diagnostics, and with the life cycle if that is wished."""
        self._tasks = self.tasks()
        self._diagnostics_publisher = self.create_publisher(
            DiagnosticArray, '/diagnostics', qos.reliable(10))
        self.create_timer(self.settings.diagnostics_period_s, self._on_diagnostics)
        for sentence in self.parameters.unknown:
            self.get_logger().warning(sentence + '; the parameter is ignored')
        if self.settings.autostart:
            Autostart(self, self.slow_group)

    def refuse_wrong_parameters(self) -> None:
        """
        Refuse to be configured while a parameter is wrong.

        :raises SettingsError: it names all of them.
        """
        if self.parameters.problems:
            raise SettingsError('; '.join(self.parameters.problems.values()))

    def add_output(self, topic: str, message_type: Any, latched: bool = False) -> None:
        """
        Create a publisher.

        :param topic: name below the node's own name, as mask for ~/mask.
        :param message_type: type of its messages.
        :param latched: late subscribers get the last message.
        """
        self._outputs[topic] = self.create_lifecycle_publisher(
            message_type, '~/' + topic, qos.latched() if latched else qos.reliable(),
            qos_overriding_options=qos.overridable())

    def remove_outputs(self) -> None:
        """Take the publishers away."""
        outputs, self._outputs = self._outputs, {}
        for publisher in outputs.values():
            self.destroy_lifecycle_publisher(publisher)

    def send(self, topic: str, message: Any) -> None:
        """
        Publish.

        :param topic: as given to ``add_output``.
        :param message: the message.
        """
        self._outputs[topic].publish(message)

    def wanted(self, topic: str) -> bool:
        """
        Return whether somebody subscribes to an output.

        :param topic: as given to ``add_output``.
        """
        return self._outputs[topic].get_subscription_count() > 0

    def now_ns(self) -> int:
        """Node clock in nanoseconds."""
        return self.get_clock().now().nanoseconds

    def seen(self) -> Any:
        """Return what ``look`` saw in this round."""
        return self._seen

    def _on_diagnostics(self) -> None:
        now_ns = self.now_ns()
        self._seen = self.look(now_ns)
        self._diagnostics_publisher.publish(conversions.to_diagnostics(
            now_ns, self.hardware_id,
            collect(self.get_fully_qualified_name().lstrip('/'), self._tasks)))
