# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every row of the diagnostics says what is wrong, with value and threshold."""

from espnet_perception.nodes.diagnostics import (
    collect,
    Context,
    ERROR,
    FramesTask,
    InputTask,
    LatencyTask,
    ModelTask,
    OK,
    STALE,
    Status,
    Task,
    WARN,
)
from espnet_perception.nodes.monitor import FrameMonitor, Moments
from espnet_perception.nodes.progress import Progress
from espnet_perception.nodes.stamps import StampTracker
from espnet_perception.results import StageTimes
from espnet_perception.settings import NodeSettings
import pytest

MODEL = {'model': 'tiny', 'engine': 'torch', 'sha256': 'ab', 'precision': 'fp32',
         'network_width': 96, 'network_height': 64}
SECOND = 10 ** 9


def context(**changes):
    """Return what an active node with a camera sees."""
    seen = Context(100 * SECOND, 'active', NodeSettings(), '', MODEL, '/image', 1,
                   0.1)
    return seen._replace(**changes)


def run(task):
    """Return the status of a task and its values."""
    status, = collect('segmentation', [task])
    return status, dict(status.values)


class FramesCase:
    """A frames task whose clock the test sets."""

    def __init__(self, **settings):
        self.settings = NodeSettings()._replace(**settings)
        self.monitor, self.stamps, self.now_ns = FrameMonitor(10), StampTracker(), 0
        self.task = FramesTask(lambda: context(now_ns=self.now_ns, settings=self.settings),
                               self.monitor, self.stamps)
        run(self.task)

    def receive(self, frames, lost_each=0, rate_hz=10):
        """Let frames arrive; after each so many do not."""
        for number in range(frames):
            self.stamps.add(1 + int(number * (1 + lost_each) * SECOND / rate_hz))
            self.monitor.count('received')


def test_rates_are_those_of_the_window():
    case = FramesCase()
    case.receive(50)
    case.monitor.count('published', 40)
    case.monitor.count('dropped', 10)
    case.now_ns = 5 * SECOND
    status, values = run(case.task)
    assert (status.level, status.message) == (OK, '10.0 Hz in, 8.0 Hz out')
    assert float(values['Actual frequency (Hz)']) == 10.0
    assert float(values['output frequency (Hz)']) == 8.0
    assert values['frames dropped by the node in window'] == '10'
    assert values['frames lost on the wire since startup'] == '0'
    assert float(values['camera period (ms)']) == pytest.approx(100)


def test_the_window_forgets_and_the_total_does_not():
    case = FramesCase()
    case.receive(50)
    for second in range(1, 31):
        case.now_ns = second * SECOND
        _status, values = run(case.task)
    assert values['Events in window'] == '0'
    assert values['Events since startup'] == '50'
    assert float(values['Duration of window (s)']) == 10.0


def test_loss_on_the_wire_is_told_from_own_drops():
    case = FramesCase(expected_rate_hz=10.0)
    case.receive(25, lost_each=3)
    case.monitor.count('dropped', 5)
    case.now_ns = 10 * SECOND
    status, values = run(case.task)
    assert status.level == WARN
    assert '72 of 97 frames = 74.2 % were lost between camera and node' in status.message
    assert 'in the last 10 s (threshold 1 %)' in status.message
    assert values['frames lost on the wire in window'] == '72'
    assert values['frames dropped by the node in window'] == '5'


@pytest.mark.parametrize('counter, level, sentence', [
    ('rejected', WARN, '2 frames rejected in the last 1 s (threshold 0), the latest because bad'),
    ('failed', ERROR, '2 frames failed in the last 1 s (threshold 0)'),
])
def test_what_goes_wrong_is_said(counter, level, sentence):
    case = FramesCase()
    case.monitor.count(counter, 2)
    case.monitor.last_rejection = 'bad'
    case.now_ns = SECOND
    status, values = run(case.task)
    assert status.level == level
    assert sentence in status.message
    assert values['frames {} since startup'.format(counter)] == '2'


def test_stamps_that_go_backwards_warn():
    case = FramesCase()
    case.stamps.add(10)
    case.stamps.add(5)
    case.now_ns = SECOND
    status, values = run(case.task)
    assert (status.level, values['stamps not increasing since startup']) == (WARN, '1')


def test_a_clock_that_jumps_back_starts_a_new_window():
    case = FramesCase()
    case.now_ns = 50 * SECOND
    run(case.task)
    case.now_ns = SECOND
    _status, values = run(case.task)
    assert float(values['Duration of window (s)']) == 0.0
    assert float(values['Actual frequency (Hz)']) == 0.0


def latency_monitor():
    """Return a monitor that has seen one frame: 40 ms, 30 of them inference."""
    monitor, ms = FrameMonitor(10), 10 ** 6
    monitor.add_moments(Moments(0, 2 * ms, 3 * ms, 39 * ms, 40 * ms),
                        StageTimes(4 * ms, 30 * ms, 2 * ms), 50 * ms)
    return monitor


def test_latency_of_every_stage():
    status, values = run(LatencyTask(context, latency_monitor()))
    assert status.level == OK
    for stage, expected_ms in (('wait', 2), ('decode', 1), ('preprocess', 4), ('inference', 30),
                               ('postprocess', 2), ('publish', 1), ('overhead', 10),
                               ('camera stamp to publish', 50)):
        for figure in ('mean', 'p50', 'p95', 'p99', 'max'):
            assert float(values['{} {} (ms)'.format(stage, figure)]) == expected_ms


def test_latency_above_the_threshold_warns():
    settings = NodeSettings(warn_latency_ms=49.0)
    status, _values = run(LatencyTask(lambda: context(settings=settings), latency_monitor()))
    assert status.level == WARN
    assert 'takes 50.0 ms on average (threshold 49 ms)' in status.message


def test_latency_without_frames():
    assert run(LatencyTask(context, FrameMonitor(10)))[0].message == 'no frame yet'


@pytest.mark.parametrize('changes, level, sentence', [
    ({}, OK, 'tiny in torch'),
    ({'model': {}, 'state': 'unconfigured'}, WARN, 'no model is loaded; configure the node'),
    ({'model': {}, 'failure': 'cannot configure: no model'}, ERROR, 'cannot configure: no model'),
])
def test_model(changes, level, sentence):
    status, values = run(ModelTask(lambda: context(**changes)))
    assert (status.level, status.message) == (level, sentence)
    assert ('sha256' in values) == (changes.get('model') is None)


@pytest.mark.parametrize('changes, level, sentence', [
    ({}, OK, 'newest frame 0.1 s old'),
    ({'age_s': None}, OK, 'not active, so not listening'),
    ({'age_s': 3.0, 'publishers': 0}, STALE,
     'no frame on /image for 3.0 s (threshold 2 s); nobody publishes it'),
    ({'age_s': 3.0}, STALE, '1 publisher(s) there: stopped, other QoS, or all lost on the wire'),
])
def test_input(changes, level, sentence):
    status, _values = run(InputTask(lambda: context(**changes)))
    assert status.level == level
    assert sentence in status.message


def test_a_task_that_raises_becomes_an_error():
    class Broken(Task):
        name = 'broken'

        def run(self, status):
            raise RuntimeError('no idea')

    status, = collect('front/segmentation', [Broken(context)])
    assert (status.name, status.level) == ('front/segmentation: broken', ERROR)
    assert 'no idea' in status.message


def test_the_more_severe_summary_stays():
    status = Status('name')
    for level, message in ((OK, 'fine'), (WARN, 'hot'), (WARN, 'slow'), (OK, 'fine again')):
        status.summary(level, message)
    assert (status.level, status.message) == (WARN, 'hot; slow')


@pytest.mark.parametrize('expected_s, message, progress', [
    (None, 'building engine, 42 s', None),
    (240.0, 'building engine, 42 s of about 240 s', '17.500'),
    (21.0, 'building engine, 42 s of about 21 s', '99.000')])
def test_what_is_loaded_is_said_before_an_earlier_failure(expected_s, message, progress):
    loading = Progress('building engine', 42.0, expected_s)
    status, values = run(ModelTask(lambda: context(model={}, failure='cannot configure: no file',
                                                   state='unconfigured', loading=loading)))
    assert (status.level, status.message) == (WARN, message)
    assert values['loading'] == 'building engine'
    assert values['loading time (s)'] == '42.000'
    assert values.get('loading progress (%)') == progress
