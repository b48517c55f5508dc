# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Energy per frame: frames that others count, over the energy of the same time."""

from collections import deque
from typing import Callable, Deque, List, NamedTuple, Optional, Tuple

from espnet_perception.telemetry.energy import Energy, SECOND_NS

# A mean over less of the window would say little of the rest of it.
LEAST_COVERED = 0.9
FORGOTTEN_WINDOWS = 3  # a node that is silent for so many windows is gone


class FrameEnergy(NamedTuple):
    """
    What the frames of a node cost the machine.

    :param node: its name.
    :param frames: frames that it finished in the window.
    :param window_s: seconds between the first and the last of its reports in the window.
    :param energy_per_frame_mj: millijoules; None where there was no frame or no measured power.
    :param idle_mw: idle power in milliwatts that was subtracted; None where none was.
    """

    node: str
    frames: int
    window_s: float
    energy_per_frame_mj: Optional[float]
    idle_mw: Optional[float]


class FrameLedger:
    """
    What several nodes say of their frames.

    :param window_ns: over which energy per frame is averaged.
    """

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._counts = {}  # type: Dict[str, Deque[Tuple[int, int]]]

    def note(self, node: str, stamp_ns: int, frames: int) -> None:
        """
        Note a report.

        :param node: name of the node.
        :param stamp_ns: monotonic nanoseconds of the report.
        :param frames: frames since it started; if fewer than before, it has started anew.
        """
        counts = self._counts.setdefault(node, deque())
        if counts and (frames < counts[-1][1] or stamp_ns < counts[-1][0]):
            counts.clear()
        counts.append((stamp_ns, frames))
        while stamp_ns - counts[0][0] > self._window_ns:
            counts.popleft()

    def report(self, now_ns: int, energy: Callable[[int, int], Optional[Energy]]
               ) -> List[FrameEnergy]:
        """
        Return the energy per frame of every node, sorted by name.

        :param now_ns: monotonic nanoseconds.
        :param energy: returns the energy between two stamps.
        """
        for node, counts in list(self._counts.items()):
            if now_ns - counts[-1][0] > FORGOTTEN_WINDOWS * self._window_ns:
                del self._counts[node]
        return [_cost(node, counts, energy) for node, counts in sorted(self._counts.items())]


def _cost(node: str, counts: Deque[Tuple[int, int]],
          energy: Callable[[int, int], Optional[Energy]]) -> FrameEnergy:
    (start_ns, first), (end_ns, last) = counts[0], counts[-1]
    window_s = (end_ns - start_ns) / SECOND_NS
    spent = energy(start_ns, end_ns) if last > first else None
    if spent is None or spent.covered_ns < LEAST_COVERED * spent.asked_ns:
        return FrameEnergy(node, last - first, window_s, None, spent.idle_mw if spent else None)
    return FrameEnergy(node, last - first, window_s, spent.mean_mw * window_s / (last - first),
                       spent.idle_mw)
