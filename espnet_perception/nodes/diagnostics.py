# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What a node says of itself: tasks that fill a status each, knowing neither node nor ROS."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from espnet_perception.nodes.monitor import FrameMonitor, STAMP_TO_PUBLISH
from espnet_perception.nodes.progress import Progress
from espnet_perception.nodes.stamps import StampTracker
from espnet_perception.results import Classification
from espnet_perception.telemetry.latency import LatencySummary

OK, WARN, ERROR, STALE = 0, 1, 2, 3
FRAMES = 'frames'
PUBLISHED_SINCE_STARTUP = 'frames published since startup'  # the power node reads it
WIRE_LOSS_WARN_PERCENT = 1.0


class Status:
    """
    One row of the diagnostics.

    :param name: name of the task.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.level = OK
        self.message = ''
        self.values: List[Tuple[str, str]] = []

    def summary(self, level: int, message: str) -> None:
        """
        Set level and message; the more severe one stays, equals are joined.

        :param level: OK, WARN, ERROR or STALE.
        :param message: a sentence with value and threshold.
        """
        if not self.message or level > self.level:
            self.level, self.message = level, message
        elif level == self.level:
            self.message += '; ' + message

    def add(self, key: str, value: Any) -> None:
        """
        Add a value.

        :param key: what it is, with its unit in brackets.
        :param value: a number or a short text; None is left out.
        """
        if value is not None:
            text = '{:.3f}'.format(value) if isinstance(value, float) else str(value)
            self.values.append((key, text))

    def add_latency(self, stage: str, figures: LatencySummary) -> None:
        """
        Add mean, percentiles and maximum of a stage.

        :param stage: its name.
        :param figures: milliseconds.
        """
        for key, value_ms in (('mean', figures.mean_ms), ('p50', figures.p50_ms),
                              ('p95', figures.p95_ms), ('p99', figures.p99_ms),
                              ('max', figures.max_ms)):
            self.add('{} {} (ms)'.format(stage, key), value_ms)


class Context(NamedTuple):
    """
    What the tasks may look at, taken anew for each round.

    :param now_ns: node clock.
    :param state: label of the lifecycle state, as active or inactive.
    :param settings: settings of the node.
    :param failure: why the node could not be configured or activated; empty if it could.
    :param model: what the pipeline says of itself; empty where there is none.
    :param topic: name of the input topic, resolved.
    :param publishers: number of publishers on it.
    :param age_s: seconds of the node clock since the newest frame arrived, or, if none has,
        since activation; None where the node is not active.
    :param loading: how far the model is that is being loaded; None where none is.
    """

    now_ns: int
    state: str
    settings: Any
    failure: str
    model: Dict[str, Any]
    topic: str
    publishers: int
    age_s: Optional[float]
    loading: Optional[Progress] = None


class Task:
    """
    A task reads, and fills a status.

    :param context: called for what there is to see.
    """

    name = ''

    def __init__(self, context: Callable[[], Context]) -> None:
        self._context = context

    def run(self, status: Status) -> None:
        """
        Fill the status.

        :param status: an empty status.
        """
        raise NotImplementedError


class FramesTask(Task):
    """
    Rates, and what became of every frame.

    :param context: called for what there is to see.
    :param monitor: the counters.
    :param stamps: tells losses on the wire.
    """

    name = FRAMES

    def __init__(self, context: Callable[[], Context], monitor: FrameMonitor,
                 stamps: StampTracker) -> None:
        Task.__init__(self, context)
        self._monitor = monitor
        self._stamps = stamps

    def run(self, status: Status) -> None:
        """Fill the status with rates and counters, and warn of what went wrong lately."""
        context = self._context()
        expected_rate_hz = context.settings.expected_rate_hz
        self._stamps.settle(expected_rate_hz, context.settings.stale_after_s)
        counts = self._monitor.counts
        counts['lost'] = self._stamps.lost
        counts['not_increasing'] = self._stamps.not_increasing
        window_s, grown = self._monitor.over_window(context.now_ns)
        grown['lost'] = max(0, grown['lost'])
        status.summary(OK, '{:.1f} Hz in, {:.1f} Hz out'.format(
            _rate_hz(grown['received'], window_s), _rate_hz(grown['published'], window_s)))
        self._judge(status, grown, window_s)
        status.add('Events in window', grown['received'])
        status.add('Events since startup', counts['received'])
        status.add('Duration of window (s)', window_s)
        status.add('Actual frequency (Hz)', _rate_hz(grown['received'], window_s))
        status.add('output frequency (Hz)', _rate_hz(grown['published'], window_s))
        for key, name in (('published', 'published'), ('dropped by the node', 'dropped'),
                          ('skipped on request', 'skipped'), ('rejected', 'rejected'),
                          ('failed', 'failed'), ('lost on the wire', 'lost')):
            status.add('frames {} in window'.format(key), grown[name])
            status.add('frames {} since startup'.format(key), counts[name])
        status.add('stamps not increasing since startup', counts['not_increasing'])
        status.add('pauses of the camera since startup', self._stamps.pauses)
        period_ns = self._stamps.period_ns(expected_rate_hz)
        status.add('camera period (ms)', None if period_ns is None else period_ns / 1e6)

    def _judge(self, status: Status, grown: Dict[str, int], window_s: float) -> None:
        lost, sent = grown['lost'], grown['lost'] + grown['received']
        if lost and 100.0 * lost / sent > WIRE_LOSS_WARN_PERCENT:
            status.summary(WARN, '{} of {} frames = {:.1f} % were lost between camera and node in '
                           'the last {:.0f} s (threshold {:g} %); give the camera driver '
                           'config/fastdds_profile.xml'.format(
                               lost, sent, 100.0 * lost / sent, window_s,
                               WIRE_LOSS_WARN_PERCENT))
        if grown['rejected']:
            status.summary(WARN, '{} frames rejected in the last {:.0f} s (threshold 0), the '
                           'latest because {}'.format(grown['rejected'], window_s,
                                                      self._monitor.last_rejection))
        if grown['not_increasing']:
            status.summary(WARN, '{} stamps in the last {:.0f} s were not later than the one '
                           'before (threshold 0)'.format(grown['not_increasing'], window_s))
        if grown['failed']:
            status.summary(ERROR, '{} frames failed in the last {:.0f} s (threshold 0); see the '
                           'log of the node'.format(grown['failed'], window_s))


class MonitoredTask(Task):
    """
    A row that tells what a monitor has counted or timed.

    :param context: called for what there is to see.
    :param monitor: the counters and latencies.
    """

    def __init__(self, context: Callable[[], Any], monitor: Any) -> None:
        Task.__init__(self, context)
        self._monitor = monitor


class LatencyTask(MonitoredTask):
    """Latency per stage over the latest frames."""

    name = 'latency'

    def run(self, status: Status) -> None:
        """Fill the status with mean, percentiles and maximum of every stage."""
        threshold_ms = self._context().settings.warn_latency_ms
        summaries = self._monitor.latency.summary()
        status.summary(OK, 'no frame yet' if not summaries else 'camera stamp to publish {:.1f} '
                       'ms mean'.format(summaries[STAMP_TO_PUBLISH].mean_ms))
        for stage, figures in summaries.items():
            status.add_latency(stage, figures)
            status.add('{} frames'.format(stage), figures.count)
        if summaries and 0 < threshold_ms < summaries[STAMP_TO_PUBLISH].mean_ms:
            status.summary(WARN, 'camera stamp to publish takes {:.1f} ms on average (threshold '
                           '{:g} ms)'.format(summaries[STAMP_TO_PUBLISH].mean_ms, threshold_ms))


class ModelTask(Task):
    """Which model runs, and where."""

    name = 'model'

    def run(self, status: Status) -> None:
        """Fill the status with what the pipeline says of itself, or why there is none."""
        context = self._context()
        if context.loading:
            _add_loading(status, context.loading)
        elif context.failure:
            status.summary(ERROR, context.failure)
        elif not context.model:
            status.summary(WARN, 'no model is loaded; configure the node')
        else:
            status.summary(OK, '{} in {}'.format(context.model.get('model'),
                                                 context.model.get('engine')))
        status.add('lifecycle state', context.state)
        for key, value in context.model.items():
            status.add(MODEL_KEYS.get(key, key), value)


MODEL_KEYS = {'network_width': 'network width (px)', 'network_height': 'network height (px)'}


class InputTask(Task):
    """Whether frames keep coming."""

    name = 'input'

    def run(self, status: Status) -> None:
        """Fill the status with the age of the newest frame."""
        context = self._context()
        threshold_s = context.settings.stale_after_s
        if context.age_s is None:
            status.summary(OK, 'not active, so not listening')
        elif context.age_s <= threshold_s:
            status.summary(OK, 'newest frame {:.1f} s old'.format(context.age_s))
        else:
            status.summary(STALE, 'no frame on {} for {:.1f} s (threshold {:g} s); {}'.format(
                context.topic, context.age_s, threshold_s,
                'nobody publishes it' if not context.publishers else
                '{} publisher(s) there: stopped, other QoS, or all lost on the wire'.format(
                    context.publishers)))
        status.add('age of the newest frame (s)', context.age_s)
        status.add('publishers', context.publishers)
        status.add('topic', context.topic)


class ClassesTask(Task):
    """
    What a classifier sees.

    :param latest: returns its latest result, or None.
    """

    name = 'classes'

    def __init__(self, latest: Callable[[], Optional[Classification]]) -> None:
        self._latest = latest

    def run(self, status: Status) -> None:
        """Fill the status with the best class of the latest frame."""
        result = self._latest()
        if result is None:
            status.summary(OK, 'no frame yet')
            return
        if result.ids:
            status.summary(OK, '{} {:.3f}'.format(result.names[0], float(result.scores[0])))
            status.add('top class', result.names[0])
            status.add('top class id', result.ids[0])
            status.add('top score', float(result.scores[0]))
        else:
            status.summary(OK, 'no class reaches score_threshold')
        status.add('classes reported', len(result.ids))


def collect(prefix: str, tasks: List[Task]) -> List[Status]:
    """
    Run every task.

    :param prefix: name of the node.
    :param tasks: the tasks.
    :return: one status each, named node: task; a task that raises becomes an ERROR.
    """
    statuses = []
    for task in tasks:
        status = Status('{}: {}'.format(prefix, task.name))
        try:
            task.run(status)
        except Exception as error:  # diagnostics must never take the node down
            status.summary(ERROR, 'the diagnostic itself failed: {!r}'.format(error))
        statuses.append(status)
    return statuses


def _add_loading(status: Status, loading: Progress) -> None:
    """Say what is going on while a model is loaded."""
    status.summary(WARN, loading.sentence())
    status.add('loading', loading.what)
    status.add('loading time (s)', loading.passed_s)
    if loading.expected_s:
        status.add('loading time expected (s)', loading.expected_s)
        status.add('loading progress (%)', min(99.0, 100.0 * loading.passed_s
                                               / loading.expected_s))


def _rate_hz(events: int, window_s: float) -> float:
    return events / window_s if window_s > 0 else 0.0
