# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What a node knows of its frames: counters, stamps and latencies, for its diagnostics."""

from collections import deque
from typing import Deque, Dict, NamedTuple, Tuple

from espnet_perception.results import StageTimes
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.latency import LatencyWindow

STAMP_TO_PUBLISH = 'camera stamp to publish'
OVERHEAD = 'overhead'
STAGES = ('wait', 'decode', 'preprocess', 'inference', 'postprocess', 'publish', 'extras',
          OVERHEAD, STAMP_TO_PUBLISH)
COUNTERS = ('received', 'published', 'dropped', 'skipped', 'rejected', 'failed', 'lost',
            'not_increasing')
WINDOW_NS = 10 * 10 ** 9


class Moments(NamedTuple):
    """When one frame passed the steps of the node, monotonic nanoseconds."""

    received_ns: int
    taken_ns: int
    decoded_ns: int
    inferred_ns: int
    published_ns: int


class FrameMonitor:
    """
    Counters that only go up, their values over the last ten seconds, and latencies.

    :param latency_window: number of frames over which latency is summarised.
    """

    def __init__(self, latency_window: int) -> None:
        self.latency = LatencyWindow(STAGES, latency_window)
        self.counts: Dict[str, int] = dict.fromkeys(COUNTERS, 0)
        self.last_rejection = ''
        self._past: Deque[Tuple[int, Dict[str, int]]] = deque()

    def count(self, name: str, amount: int = 1) -> None:
        """
        Add to a counter.

        :param name: one of ``COUNTERS``.
        :param amount: how much to add.
        """
        self.counts[name] += amount

    def add_moments(self, moments: Moments, times: StageTimes, stamp_age_ns: int) -> None:
        """
        Note the latencies of one published frame.

        :param moments: when it passed the steps of the node.
        :param times: the pipeline's own stages.
        :param stamp_age_ns: node clock at publication minus the camera's stamp.
        """
        whole_ns = moments.published_ns - moments.received_ns
        for stage, duration_ns in (
                ('wait', moments.taken_ns - moments.received_ns),
                ('decode', moments.decoded_ns - moments.taken_ns),
                ('preprocess', times.preprocess_ns),
                ('inference', times.inference_ns),
                ('postprocess', times.postprocess_ns),
                ('publish', moments.published_ns - moments.inferred_ns),
                ('extras', monotonic_ns() - moments.published_ns),
                (OVERHEAD, whole_ns - times.inference_ns),
                (STAMP_TO_PUBLISH, stamp_age_ns)):
            self.latency.add(stage, duration_ns)

    def over_window(self, now_ns: int) -> Tuple[float, Dict[str, int]]:
        """
        Return how much each counter grew over the last ten seconds.

        :param now_ns: node clock; when it jumps back the window starts anew.
        :return: length of the window in seconds, and the growth by counter.
        """
        if self._past and now_ns < self._past[-1][0]:
            self._past.clear()
        self._past.append((now_ns, dict(self.counts)))
        while now_ns - self._past[0][0] > WINDOW_NS:
            self._past.popleft()
        start_ns, start = self._past[0]
        return (now_ns - start_ns) / 1e9, {name: self.counts[name] - start[name]
                                           for name in COUNTERS}
