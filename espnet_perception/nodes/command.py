# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The node ``command``: text in, understood or refused commands out, and stop at once."""

import sys
import traceback
from typing import Any, List, Optional

from espnet_perception.commands import grammar_file
from espnet_perception.commands.stop import LAST_RESORT, StopWatch
from espnet_perception.errors import GrammarError
from espnet_perception.nodes import conversions
from espnet_perception.nodes.command_answers import Arrival, CommandAnswers
from espnet_perception.nodes.command_diagnostics import (
    CommandContext,
    CommandMonitor,
    COMPLETION,
    INTENT,
    STOP,
    TASKS,
)
from espnet_perception.nodes.command_inputs import listen
from espnet_perception.nodes.diagnostics import ModelTask, Task
from espnet_perception.nodes.frame_mailbox import Worker
from espnet_perception.nodes.reporting_node import ReportingNode
from espnet_perception.nodes.running import run
from espnet_perception.pipeline.commander import Commander, create_commander
from espnet_perception.results import refusal, stop_reading
from espnet_perception.settings import CommanderSettings, CommandNodeSettings
from espnet_perception.telemetry.clock import monotonic_ns
from std_srvs.srv import Trigger

SWITCH_S = 0.0005  # how long the model may keep Python from the stop path


class CommandNode(ReportingNode):
    """Reads commands; stop words are answered in every state, with or without a model."""

    def __init__(self) -> None:
        ReportingNode.__init__(self, 'command', (CommandNodeSettings, CommanderSettings))
        self._commander: Optional[Commander] = None
        self._worker: Optional[Worker] = None
        self._monitor = CommandMonitor(self.settings.latency_window)
        self._watch = self._stop_watch()
        self._answers = CommandAnswers(self, self._monitor)
        listen(self, self._on_text)
        self.create_service(Trigger, '~/reset_stop', self._on_reset_stop)
        self.report_and_start()

    def tasks(self) -> List[Task]:
        """Return the rows of the diagnostics."""
        return [task(self.seen, self._monitor) for task in TASKS] + [ModelTask(self.seen)]

    def look(self, now_ns: int) -> CommandContext:
        """Return how the node is."""
        commander = self._commander
        return CommandContext(self.state, self.failure, commander.describe() if commander else {},
                              self._answers.stopped)

    def configure(self) -> None:
        """Load model and grammar."""
        self.refuse_wrong_parameters()
        settings = self.settings
        self._commander = create_commander(settings.model, settings.grammar, settings.engine,
                                           self.parameters.get(CommanderSettings))

    def activate(self) -> None:
        """Begin to read."""
        self._commander.warm_up()
        worker = Worker('texts', self._on_item, self.settings.queue_length)
        worker.start()
        self._worker = worker

    def deactivate(self) -> None:
        """Stop reading; texts are answered with not_ready."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._monitor.dropped += worker.stop()

    def release(self) -> None:
        """Forget the model."""
        self.deactivate()
        self._commander = None

    def _stop_watch(self) -> StopWatch:
        try:
            return grammar_file.load(self.settings.grammar).stop_watch()
        except GrammarError as error:
            self.get_logger().error('{}; until that is mended only {} stop'.format(
                error, ' and '.join(LAST_RESORT.anywhere)))
            return StopWatch(LAST_RESORT)

    def _on_text(self, arrival: Arrival) -> None:
        """Answer a stop word at once, and leave everything else to the worker."""
        self._monitor.received += 1
        worker = self._worker
        if self._watch.find(arrival.text):
            self._answers.stop(True)
            self._monitor.latency.add(STOP, monotonic_ns() - arrival.at_ns)
            self._answers.command(stop_reading(arrival.text), arrival)
        elif worker is not None:
            self._monitor.dropped += worker.mailbox.put(arrival)
        elif not arrival.partial:
            self._answers.command(refusal(arrival.text, 'not_ready'), arrival)

    def _on_item(self, arrival: Arrival) -> None:
        """Read a text; whatever goes wrong, the next one gets its turn."""
        try:
            if not arrival.partial:
                with self._monitor.timed(INTENT):
                    reading = self._commander.read(arrival.text, arrival.at_ns)
                self._answers.command(reading, arrival, self._commander.card.name)
            if self._answers.completions_wanted():
                with self._monitor.timed(COMPLETION):
                    offered = self._commander.complete(arrival.text)
                self._answers.completions(arrival, offered)
        except Exception:
            self._monitor.failed += 1
            self.get_logger().error('text failed unexpectedly:\n' + traceback.format_exc())

    def _on_reset_stop(self, _request: Any, response: Any) -> Any:
        """Take the latched stop back; no text can do that."""
        was = self._answers.stopped
        self._answers.stop(False)
        return conversions.answer(response, True, 'the stop is taken back' if was
                                  else 'there was no stop')


def main(args: Optional[List[str]] = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line, with --ros-args; None takes that of the process.
    :return: exit status.
    """
    sys.setswitchinterval(SWITCH_S)
    return run(CommandNode, args)
