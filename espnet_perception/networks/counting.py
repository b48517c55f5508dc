# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters and multiply-adds of a network, counted while it runs on an empty image."""

from typing import Dict, NamedTuple, Tuple

import torch
from torch import nn, Tensor


class Counts(NamedTuple):
    """
    Size of a network.

    :param parameters: trainable parameters, without running statistics.
    :param multiply_adds: of all convolutions at the given input size; the papers' "FLOPs" are
        these alone.
    :param transposed_multiply_adds: of the transposed convolutions.
    :param linear_multiply_adds: of the fully connected layers.
    """

    parameters: int
    multiply_adds: int
    transposed_multiply_adds: int = 0
    linear_multiply_adds: int = 0


def count(network: nn.Module, size: Tuple[int, int]) -> Counts:
    """
    Count parameters and multiply-adds, by kind of layer.

    Normalisation, activation, pooling and resizing are not counted.

    :param network: takes (1, 3, H, W) float32.
    :param size: (H, W) in pixels.
    :return: integers.
    """
    totals: Dict[type, int] = {nn.Conv2d: 0, nn.ConvTranspose2d: 0, nn.Linear: 0}

    def add(module: nn.Module, inputs: Tuple[Tensor, ...], output: Tensor) -> None:
        # every output value costs one filter; of a transposed convolution every input value
        values = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        totals[type(module)] += values[0].numel() * module.weight[0].numel()

    handles = [module.register_forward_hook(add) for module in network.modules()
               if type(module) in totals]
    try:
        run_empty(network, size)
    finally:
        for handle in handles:
            handle.remove()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Counts(parameters, totals[nn.Conv2d], totals[nn.ConvTranspose2d], totals[nn.Linear])


def run_empty(network: nn.Module, size: Tuple[int, int]) -> None:
    """
    Run a network once on an empty image in evaluation mode, for the sake of its hooks.

    :param network: takes (1, 3, H, W) float32; its mode is restored.
    :param size: (H, W) in pixels.
    """
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, *size))
    finally:
        network.train(was_training)
