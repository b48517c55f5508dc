# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The windows of a text through which gradients flow: their lengths vary, as AWD-LSTM has it.

Merity, Keskar, Socher: Regularizing and Optimizing LSTM Language Models (ICLR 2018), section 4.1.
A window depends on the seed and its step alone, so a resumed run needs no replay.
"""

import bisect
import functools
from typing import List, NamedTuple, Tuple

from espnet_perception.errors import DatasetError
import numpy as np
import torch

SHORTEST = 5


class Lengths(NamedTuple):
    """
    How long windows are, in tokens.

    :param usual: mean of most windows
    :param short_share: share of windows of half that mean
    :param spread: standard deviation
    :param multiple: lengths are rounded to multiples of it, for CUDA graphs
    """

    usual: int = 70
    short_share: float = 0.05
    spread: float = 5.0
    multiple: int = 1


class Window(NamedTuple):
    """
    What one step learns from.

    :param epoch: from 0
    :param start: first row
    :param length: rows
    :param first: whether it begins the text
    :param last: whether it ends the text
    """

    epoch: int
    start: int
    length: int
    first: bool
    last: bool


class WindowPlan:
    """
    The windows of all steps of a run.

    :param rows: of the text, see in_rows
    :param lengths: of the windows
    :param epochs: how often the text is read
    :param seed: of the lengths
    """

    def __init__(self, rows: int, lengths: Lengths, epochs: int, seed: int) -> None:
        self.rows, self.lengths, self.seed = rows, lengths, seed
        self._windows = functools.lru_cache(maxsize=2)(self._draw)
        self._ends: List[int] = []
        for epoch in range(epochs):
            before = self._ends[-1] if self._ends else 0
            self._ends.append(before + len(self._draw(epoch)))

    @property
    def steps(self) -> int:
        """Return the number of all windows."""
        return self._ends[-1]

    def window(self, step: int) -> Window:
        """Return the window of a step, from 0."""
        epoch = bisect.bisect_right(self._ends, step)
        windows = self._windows(epoch)
        place = step - (self._ends[epoch - 1] if epoch else 0)
        start, length = windows[place]
        return Window(epoch, start, length, place == 0, place + 1 == len(windows))

    def _draw(self, epoch: int) -> List[Tuple[int, int]]:
        """Return (start, length) of the windows of an epoch."""
        rng, lengths = np.random.default_rng([self.seed, epoch]), self.lengths
        count = self.rows // SHORTEST + 1
        mean = np.where(rng.random(count) < lengths.short_share, lengths.usual / 2, lengths.usual)
        drawn = np.maximum(rng.normal(mean, lengths.spread).astype(int), SHORTEST)
        drawn = np.maximum(np.rint(drawn / lengths.multiple).astype(int), 1) * lengths.multiple
        starts = np.concatenate([[0], np.cumsum(drawn)[:-1]])
        return [(int(start), int(min(length, self.rows - 1 - start)))
                for start, length in zip(starts, drawn) if start < self.rows - 2 or start == 0]


def in_rows(tokens: np.ndarray, batch: int) -> torch.Tensor:
    """
    Lay a text out as parallel texts; what does not fill them is left out.

    :param tokens: (N,) int64
    :param batch: number of texts, B
    :return: (N // B, B)
    :raises DatasetError: less than two tokens for each
    """
    rows = len(tokens) // batch
    if rows < 2:
        raise DatasetError('a text of {} tokens is too short for a batch of {}, expected at least '
                           '{}; lower the batch'.format(len(tokens), batch, 2 * batch))
    return torch.from_numpy(tokens[:rows * batch]).reshape(batch, rows).t().contiguous()
