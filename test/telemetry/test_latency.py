# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Latency statistics."""

from espnet_perception.telemetry.latency import LatencyWindow, summarise
import pytest


def test_summary_of_known_durations():
    """1 to 100 ms."""
    summary = summarise([index * 1000000 for index in range(1, 101)])
    assert summary.count == 100
    assert summary.mean_ms == pytest.approx(50.5)
    assert summary.p50_ms == pytest.approx(50.5)
    assert summary.p95_ms == pytest.approx(95.05)
    assert summary.p99_ms == pytest.approx(99.01)
    assert summary.max_ms == pytest.approx(100.0)
    assert summarise([]) is None


def test_window_forgets_old_durations():
    """Only the newest count; a stage without durations is left out."""
    window = LatencyWindow(['decode', 'publish'], size=2)
    for duration_ns in (9000000, 1000000, 3000000):
        window.add('decode', duration_ns)
    summary = window.summary()
    assert set(summary) == {'decode'}
    assert summary['decode'].mean_ms == pytest.approx(2.0)
