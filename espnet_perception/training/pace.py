# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""How fast a run learns, how long it waits for images, and how that compares to a forward pass."""

import statistics
import time
from typing import Dict, Optional

from espnet_perception.training.batches import Batch
from espnet_perception.training.scoring import normalised
import torch
from torch import nn

FORWARD_PASSES = 3


class Pace:
    """Times the steps between two rows of the journal."""

    def __init__(self) -> None:
        self.forward_per_s: Optional[float] = None
        self.restart()

    def restart(self) -> None:
        """Begin to measure anew: what came before, such as a check, counts nowhere."""
        self._began = time.perf_counter()
        self._images, self._waited_s = 0, 0.0

    def add(self, batch: Batch) -> None:
        """Count a step of this process."""
        self._images += len(batch.images)
        self._waited_s += batch.waited_s

    def measure_forward(self, network: nn.Module, batch: Batch) -> None:
        """
        Time the forward pass alone: no training can be faster.

        :param network: in training
        :param batch: what it learns from at the moment
        """
        device = next(network.parameters()).device
        images = normalised(batch.images.to(device))
        was_training, times, entered = network.training, [], time.perf_counter()
        network.eval()
        with torch.inference_mode():
            for _ in range(FORWARD_PASSES):
                began = time.perf_counter()
                float(network(images).flatten()[0])  # reading a value waits for the device
                times.append(time.perf_counter() - began)
        network.train(was_training)
        self.forward_per_s = len(images) / statistics.median(times)
        self._began += time.perf_counter() - entered  # that was no training

    def row(self) -> Dict[str, float]:
        """Return images_per_s, waiting_share of the time, and forward_share of the bound."""
        seconds = max(time.perf_counter() - self._began, 1e-9)
        figures = {'images_per_s': self._images / seconds,
                   'waiting_share': self._waited_s / seconds}
        if self.forward_per_s:
            figures['forward_share'] = figures['images_per_s'] / self.forward_per_s
        return figures
