# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
How far a stage of a network sees, measured on the network itself.

The effective receptive field of the papers (ESPNetv2, section 3.1; (n - 1) * 2^(K - 1) + 1 of an
ESP module) is the span of input pixels on which one output pixel depends. It is found by
differentiation: every weight becomes positive, every normalisation and activation the identity,
and the span is where the gradient of the output pixel in the middle is not zero.
"""

import copy
from typing import Callable, Dict, List, Optional, Tuple

from espnet_perception.networks.counting import stage_names
import torch
from torch import nn, Tensor

SMALLEST_INPUT = 1e-9  # keeps gates in their linear range
WIDEST_STRIP = 4096
FIRST_STRIP = 512


def receptive_fields(network: nn.Module, stages: Optional[List[str]] = None,
                     channels: int = 3) -> Dict[str, Optional[int]]:
    """
    Measure the receptive field of stages.

    :param network: the network; it is not changed.
    :param stages: names of modules that return one map, as in ``named_modules``; None for the
        stages of ``counting.stage_names``.
    :param channels: channels of the input.
    :return: stage name to its field in input pixels, the same in both directions; None where it
        is the whole image or wider than 4096 pixels.
    """
    linear = _linear_copy(network)
    names = stage_names(linear) if stages is None else list(stages)
    rows = getattr(network, 'side_multiple', 16)
    fields: Dict[str, Optional[int]] = dict.fromkeys(names)
    width = FIRST_STRIP
    while width <= WIDEST_STRIP:
        open_names = [name for name in names if fields[name] is None]
        fields.update(_fields_on_strip(linear, open_names, (channels, rows, width)))
        width *= 2
    return fields


def _linear_copy(network: nn.Module) -> nn.Module:
    """Return a copy in which every path adds something positive to what it reaches."""
    linear = copy.deepcopy(network).double().eval()
    for name, module in list(linear.named_modules()):
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            module.weight.data.fill_(1.0 / module.weight[0].numel())
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, nn.PReLU):
            module.weight.data.fill_(1.0)
        elif isinstance(module, nn.MaxPool2d):  # its gradient reaches one pixel of a window
            parent = linear.get_submodule(name.rpartition('.')[0])
            setattr(parent, name.rpartition('.')[2],
                    nn.AvgPool2d(module.kernel_size, module.stride, module.padding))
    return linear


def _fields_on_strip(network: nn.Module, names: List[str], shape: Tuple[int, int, int]
                     ) -> Dict[str, Optional[int]]:
    if not names:
        return {}
    image = torch.full((1,) + shape, SMALLEST_INPUT, dtype=torch.float64, requires_grad=True)
    outputs: Dict[str, Tensor] = {}

    def keeper(name: str) -> Callable[..., None]:
        def keep(_module: nn.Module, _inputs: Tuple[Tensor, ...], output: Tensor) -> None:
            outputs[name] = output
        return keep

    modules = dict(network.named_modules())
    handles = [modules[name].register_forward_hook(keeper(name)) for name in names]
    network(image)
    for handle in handles:
        handle.remove()
    return {name: _span(image, outputs[name]) for name in names
            if isinstance(outputs.get(name), Tensor) and outputs[name].dim() == 4}


def _span(image: Tensor, output: Tensor) -> Optional[int]:
    """Return on how many columns of the image the middle of the output depends."""
    middle = output[0, :, output.shape[2] // 2, output.shape[3] // 2].sum()
    gradient, = torch.autograd.grad(middle, image, retain_graph=True)
    columns = gradient.abs().sum(dim=(0, 1, 2)).nonzero()
    first, last = int(columns.min()), int(columns.max())
    if first == 0 or last == image.shape[3] - 1:
        return None
    return last - first + 1
