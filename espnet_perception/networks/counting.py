# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters and multiply-adds of a network, counted while it runs on an empty image."""

from typing import Callable, Dict, List, NamedTuple, Tuple

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


class Stage(NamedTuple):
    """
    One row of a table of stages.

    :param name: name of the module inside the network.
    :param shape: (channels, height, width) of its map, or (scores,) after global pooling.
    :param counts: its size.
    """

    name: str
    shape: Tuple[int, ...]
    counts: Counts


COUNTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def count(network: nn.Module, size: Tuple[int, int]) -> Counts:
    """
    Count parameters and multiply-adds, by kind of layer.

    Normalisation, activation, pooling and resizing are not counted.

    :param network: takes (1, 3, H, W) float32.
    :param size: (H, W) in pixels.
    :return: integers.
    """
    return _sum(network, _observe(network, size)[0])


def count_stages(network: nn.Module, size: Tuple[int, int]) -> List[Stage]:
    """
    Count each stage of a network.

    :param network: takes (1, 3, H, W) float32.
    :param size: (H, W) in pixels.
    :return: one row per stage of ``stage_names`` that runs, in the order of the network.
    """
    multiply_adds, shapes = _observe(network, size)
    modules = dict(network.named_modules())
    rows: List[Stage] = []
    for name in stage_names(network):
        inside = {key: value for key, value in multiply_adds.items()
                  if key[0] == name or key[0].startswith(name + '.')}
        if name in shapes:
            rows.append(Stage(name, shapes[name], _sum(modules[name], inside)))
    return rows


def stage_names(network: nn.Module) -> List[str]:
    """
    Return the stages of a network: its children, with those of its encoder and decoder.

    :param network: a network of NETWORKS.
    """
    names: List[str] = []
    for name, child in network.named_children():
        if name in ('encoder', 'decoder'):
            names += ['{}.{}'.format(name, part) for part, _ in child.named_children()]
        else:
            names.append(name)
    return [name for name in names if not name.endswith('dropout')]


def _observe(network: nn.Module, size: Tuple[int, int]
             ) -> Tuple[Dict[Tuple[str, type], int], Dict[str, Tuple[int, ...]]]:
    """Return multiply-adds by layer and kind, and the shape of every module's output."""
    multiply_adds: Dict[Tuple[str, type], int] = {}
    shapes: Dict[str, Tuple[int, ...]] = {}

    def observer(name: str) -> Callable[..., None]:
        def observe(module: nn.Module, inputs: Tuple[Tensor, ...], output: Tensor) -> None:
            if isinstance(output, Tensor):
                shapes[name] = tuple(int(side) for side in output.shape[1:])
            if isinstance(module, COUNTED):
                # an output value costs one filter; of a transposed convolution an input value
                values = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
                key = (name, type(module))
                multiply_adds[key] = multiply_adds.get(key, 0) \
                    + values[0].numel() * module.weight[0].numel()
        return observe

    handles = [module.register_forward_hook(observer(name))
               for name, module in network.named_modules()]
    try:
        run_empty(network, size)
    finally:
        for handle in handles:
            handle.remove()
    return multiply_adds, shapes


def _sum(module: nn.Module, multiply_adds: Dict[Tuple[str, type], int]) -> Counts:
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Counts(parameters, *[sum(value for key, value in multiply_adds.items()
                                    if key[1] is kind) for kind in COUNTED])


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
