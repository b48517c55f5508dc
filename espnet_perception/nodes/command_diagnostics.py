# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the command node counts, and what it says of itself."""

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional

from espnet_perception.nodes.diagnostics import MonitoredTask, OK, Status, WARN
from espnet_perception.nodes.progress import Progress
from espnet_perception.results import REASONS
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.latency import LatencyWindow

STOP, INTENT, COMPLETION, WHOLE = 'stop', 'intent', 'completion', 'text to command'
STAGES = (STOP, INTENT, COMPLETION, WHOLE)


class CommandContext(NamedTuple):
    """
    What the tasks may look at.

    :param state: label of the lifecycle state.
    :param failure: why there is no model; empty if there is one.
    :param model: what the commander says of itself; empty where there is none.
    :param stopped: whether a stop is latched.
    :param loading: a command model is read in moments, so none is ever on its way.
    """

    state: str
    failure: str
    model: Dict[str, Any]
    stopped: bool
    loading: Optional[Progress] = None


class CommandMonitor:
    """
    Counters that only go up, and latencies.

    :param latency_window: number of texts over which latency is summarised.
    """

    def __init__(self, latency_window: int) -> None:
        self.latency = LatencyWindow(STAGES, latency_window)
        self.received = self.dropped = self.failed = 0
        self.reasons: Dict[str, int] = dict.fromkeys(REASONS, 0)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """
        Note how long a block takes, where it does not raise.

        :param stage: one of STAGES.
        """
        began_ns = monotonic_ns()
        yield
        self.latency.add(stage, monotonic_ns() - began_ns)


class TextsTask(MonitoredTask):
    """
    What became of every text.

    :param context: called for what there is to see.
    :param monitor: the counters.
    """

    name = 'texts'

    def __init__(self, context: Callable[[], CommandContext], monitor: CommandMonitor) -> None:
        MonitoredTask.__init__(self, context, monitor)
        self._dropped_before = 0

    def run(self, status: Status) -> None:
        """Fill the status with counts, and warn while a stop is latched or texts are dropped."""
        monitor, context = self._monitor, self._context()
        answered = sum(monitor.reasons.values())
        refused = answered - monitor.reasons['ok'] - monitor.reasons['stop']
        status.summary(OK, '{} texts, {} refused'.format(monitor.received, refused))
        if context.stopped:
            status.summary(WARN, 'a stop is latched; call ~/reset_stop to go on')
        newly = monitor.dropped - self._dropped_before
        self._dropped_before = monitor.dropped
        if newly:
            status.summary(WARN, '{} texts dropped since the last diagnostics (threshold 0): they '
                           'come faster than they are read'.format(newly))
        if monitor.failed:
            status.summary(WARN, '{} texts failed since startup (threshold 0); see the log of the '
                           'node'.format(monitor.failed))
        status.add('texts since startup', monitor.received)
        status.add('texts dropped by the node since startup', monitor.dropped)
        status.add('texts failed since startup', monitor.failed)
        status.add('refused share (%)', 100.0 * refused / answered if answered else 0.0)
        status.add('stop latched', int(context.stopped))
        for reason, number in monitor.reasons.items():
            status.add('{} since startup'.format(reason), number)


class CommandLatencyTask(MonitoredTask):
    """Latency over the latest texts."""

    name = 'latency'

    def run(self, status: Status) -> None:
        """Fill the status with mean, percentiles and maximum of every stage."""
        summaries = self._monitor.latency.summary()
        status.summary(OK, '{} p95 {:.1f} ms'.format(WHOLE, summaries[WHOLE].p95_ms)
                       if WHOLE in summaries else 'no text yet')
        for stage, figures in summaries.items():
            status.add_latency(stage, figures)


TASKS = (TextsTask, CommandLatencyTask)
