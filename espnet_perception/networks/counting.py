# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters and multiply-adds of a network, counted while it runs on an empty image."""

from typing import List, NamedTuple, Tuple

import torch
from torch import nn, Tensor


class Counts(NamedTuple):
    """
    Size of a network.

    :param parameters: trainable parameters, without running statistics.
    :param multiply_adds: of all convolutions at the given input size, as the paper counts them.
    """

    parameters: int
    multiply_adds: int


def count(network: nn.Module, size: Tuple[int, int]) -> Counts:
    """
    Count parameters and the multiply-adds of convolutions (Table 2 counts those alone).

    :param network: takes (1, 3, H, W) float32.
    :param size: (H, W) in pixels.
    :return: integers.
    """
    totals: List[int] = []

    def add(module: nn.Conv2d, _inputs: Tuple[Tensor, ...], output: Tensor) -> None:
        totals.append(output.numel() // output.shape[0] * module.weight[0].numel())

    handles = [module.register_forward_hook(add) for module in network.modules()
               if isinstance(module, nn.Conv2d)]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, *size))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Counts(parameters, sum(totals))
