# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Windowed latency statistics, as the diagnostics and the replay report show them."""

from collections import deque
from typing import Deque, Dict, NamedTuple, Optional, Sequence

from espnet_perception.telemetry.clock import milliseconds
import numpy as np


class LatencySummary(NamedTuple):
    """Statistics of a set of durations, milliseconds."""

    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


def summarise(durations_ns: Sequence[int]) -> Optional[LatencySummary]:
    """
    Summarise durations.

    :param durations_ns: durations in nanoseconds.
    :return: mean, percentiles and maximum in milliseconds; None where there are no durations.
    """
    if not durations_ns:
        return None
    values_ms = np.asarray(durations_ns, dtype=np.float64) / 1e6
    p50, p95, p99 = np.percentile(values_ms, [50, 95, 99])
    return LatencySummary(len(values_ms), float(values_ms.mean()), float(p50), float(p95),
                          float(p99), float(values_ms.max()))


class LatencyWindow:
    """
    The most recent durations of several named stages.

    :param stages: names of the stages.
    :param size: how many durations of each stage are kept.
    """

    def __init__(self, stages: Sequence[str], size: int = 200) -> None:
        self._durations_ns: Dict[str, Deque[int]] = {}
        for stage in stages:
            self._durations_ns[stage] = deque(maxlen=size)

    def add(self, stage: str, duration_ns: int) -> None:
        """
        Add one duration.

        :param stage: one of the names given at construction.
        :param duration_ns: nanoseconds.
        """
        self._durations_ns[stage].append(duration_ns)

    def summary(self) -> Dict[str, LatencySummary]:
        """Return the summary of every stage that has durations, by name."""
        summaries = {}
        for stage, durations_ns in self._durations_ns.items():
            entry = summarise(list(durations_ns))
            if entry is not None:
                summaries[stage] = entry
        return summaries


__all__ = ['LatencySummary', 'LatencyWindow', 'milliseconds', 'summarise']
