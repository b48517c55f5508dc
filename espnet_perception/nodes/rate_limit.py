# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Lets through at most so many frames per second, evenly."""


class RateLimit:
    """A limit that keeps its pace: a late frame does not shift those after it."""

    def __init__(self) -> None:
        self.highest_hz = 0.0
        self._due_ns = 0

    def allows(self, now_ns: int) -> bool:
        """
        Return whether a frame may pass now.

        :param now_ns: monotonic clock.
        """
        if self.highest_hz <= 0:
            return True
        period_ns = int(1e9 / self.highest_hz)
        if now_ns < self._due_ns - period_ns // 20:  # a frame may come a little early
            return False
        late_ns = now_ns - self._due_ns
        self._due_ns = (self._due_ns if late_ns < period_ns else now_ns) + period_ns
        return True
