# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the command node publishes; each answer is counted and timed."""

from typing import Any, List, NamedTuple, Tuple

from espnet_msgs.msg import Command, Completions
from espnet_perception.nodes import command_conversions, qos
from espnet_perception.nodes.command_diagnostics import CommandMonitor, WHOLE
from espnet_perception.results import CommandReading
from espnet_perception.telemetry.clock import milliseconds, monotonic_ns
from std_msgs.msg import Bool


class Arrival(NamedTuple):
    """
    A text and when it came.

    :param text: as it came.
    :param partial: it is still being written.
    :param at_ns: monotonic clock.
    :param stamp_ns: node clock.
    """

    text: str
    partial: bool
    at_ns: int
    stamp_ns: int


class CommandAnswers:
    """
    The publishers; plain ones, because a stop is answered in every state of the life cycle.

    :param node: the node.
    :param monitor: counts.
    """

    def __init__(self, node: Any, monitor: CommandMonitor) -> None:
        def make(message_type: Any, topic: str, depth: int) -> Any:
            return node.create_publisher(message_type, topic, qos.reliable(depth),
                                         qos_overriding_options=qos.overridable())
        self._monitor = monitor
        self._stop = node.create_publisher(Bool, '~/stop', qos.latched())
        self._command = make(Command, '~/command', 20)
        self._completions = make(Completions, '~/completions', 5)
        self._intents = None
        if command_conversions.Intent is not None:
            self._intents = make(command_conversions.Intent, '/intents', 20)
        self.stopped = False
        self.stop(False)

    def stop(self, stopped: bool) -> None:
        """
        Ask to stop, or take that back.

        :param stopped: latched.
        """
        self.stopped = stopped
        self._stop.publish(command_conversions.to_stop(stopped))

    def command(self, reading: CommandReading, arrival: Arrival, model: str = '') -> None:
        """
        Say how a text was understood.

        :param reading: the reading.
        :param arrival: of the text.
        :param model: that was asked; empty for none.
        """
        latency_ns = monotonic_ns() - arrival.at_ns
        self._command.publish(command_conversions.to_command(
            reading, arrival.stamp_ns, milliseconds(latency_ns), model))
        if self._intents is not None and reading.accepted:
            self._intents.publish(command_conversions.to_intent(reading))
        self._monitor.reasons[reading.reason] += 1
        self._monitor.latency.add(WHOLE, latency_ns)

    def completions_wanted(self) -> bool:
        """Return whether somebody subscribes to completions."""
        return self._completions.get_subscription_count() > 0

    def completions(self, arrival: Arrival, offered: List[Tuple[str, float]]) -> None:
        """
        Say which words may come next.

        :param arrival: of the text so far.
        :param offered: words and their probabilities.
        """
        self._completions.publish(command_conversions.to_completions(
            arrival.text, arrival.stamp_ns, offered))
