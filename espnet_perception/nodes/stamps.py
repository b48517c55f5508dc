# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tells frames lost between camera and node by the gaps in their stamps."""

from collections import deque
from typing import Deque, List, Optional

MINIMUM_GAPS = 8  # before that many gaps are known their usual length is not trusted
FORGET = 0.9  # how much of a frame's lateness the next one may make up for


class StampTracker:
    """
    Counts lost frames and stamps that do not increase.

    :param history: how many of the latest gaps the camera's period is estimated from.
    """

    def __init__(self, history: int = 150) -> None:
        self.lost = 0
        self.not_increasing = 0
        self.pauses = 0
        self._gaps_ns: Deque[int] = deque(maxlen=history)
        self._unsettled_ns: List[int] = []
        self._last_ns: Optional[int] = None
        self._late_periods = 0.0

    def add(self, stamp_ns: int) -> bool:
        """
        Note the stamp of a frame that arrived.

        :param stamp_ns: the camera's stamp.
        :return: whether it is later than the one before.
        """
        gap_ns = None if self._last_ns is None else stamp_ns - self._last_ns
        self._last_ns = stamp_ns
        if gap_ns is None:
            return True
        if gap_ns <= 0:
            self.not_increasing += 1
            return False
        self._gaps_ns.append(gap_ns)
        self._unsettled_ns.append(gap_ns)
        return True

    def restart(self) -> None:
        """Forget the last stamp: what comes next does not follow it."""
        self._last_ns = None

    def settle(self, expected_rate_hz: float, pause_s: float) -> None:
        """
        Turn the gaps since the last call into lost frames.

        A frame that was stamped late leaves a long gap and then a short one: it first counts as
        lost and then is found again. So the number of lost frames may also go down a little.

        :param expected_rate_hz: the camera's rate; 0 = estimate it from the gaps.
        :param pause_s: where the rate is estimated, a longer gap is a pause of the camera.
        """
        period_ns = self.period_ns(expected_rate_hz)
        if period_ns is None:
            return
        for gap_ns in self._unsettled_ns:
            if gap_ns > pause_s * 1e9 and expected_rate_hz <= 0:
                self.pauses += 1
                self._late_periods = 0.0
                continue
            periods = gap_ns / period_ns + self._late_periods
            whole = int(round(periods))
            self.lost = max(0, self.lost + whole - 1)
            self._late_periods = FORGET * (periods - whole)
        del self._unsettled_ns[:]

    def period_ns(self, expected_rate_hz: float = 0.0) -> Optional[float]:
        """
        Return the time from one frame of the camera to the next.

        :param expected_rate_hz: the camera's rate; 0 = estimate it from the gaps.
        :return: nanoseconds; None as long as too few frames have come.
        """
        if expected_rate_hz > 0:
            return 1e9 / expected_rate_hz
        if len(self._gaps_ns) < MINIMUM_GAPS:
            return None
        return estimate_period_ns(list(self._gaps_ns))


def estimate_period_ns(gaps_ns: List[int]) -> float:
    """
    Estimate the camera's period from gaps of which many may span lost frames.

    The median is the period unless about half of all frames are lost. Then a good part of the
    gaps is much shorter than the median, and the median of those is taken, and so on. At last
    the period is made to fit the gaps that span few frames, each a whole number of periods.

    :param gaps_ns: gaps between the stamps of frames that arrived, at least one.
    :return: nanoseconds.
    """
    period_ns = _median_of_the_short(sorted(gaps_ns))
    few = [gap_ns for gap_ns in gaps_ns if 0.5 * period_ns < gap_ns < 3.5 * period_ns]
    return sum(few) / sum(int(round(gap_ns / period_ns)) for gap_ns in few)


def _median_of_the_short(gaps_ns: List[int]) -> float:
    while True:
        median_ns = gaps_ns[len(gaps_ns) // 2]
        shorter_ns = [gap_ns for gap_ns in gaps_ns if gap_ns < 0.75 * median_ns]
        if len(shorter_ns) * 4 < len(gaps_ns):
            return float(median_ns)
        gaps_ns = shorter_ns
