# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameter groups, frozen batch normalisation, averaged weights and number formats."""

import contextlib
import copy
from typing import Any, Dict, Iterator, List

from espnet_perception.errors import EngineError, SettingsError, unknown_key_sentence
import torch
from torch import nn

OPTIMISERS = {
    'sgd': lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9),
    'sgd_nesterov': lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
    'adam': torch.optim.Adam,
    'adamw': torch.optim.AdamW,
}
PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}
OUT_OF_MEMORY = ('out of memory in step {} ({}); lower batch_size, raise accumulate, or choose a '
                 'smaller window')


def make_optimiser(network: nn.Module, name: str, weight_decay: float, encoder_factor: float = 1.0
                   ) -> torch.optim.Optimizer:
    """
    Make an optimiser whose groups carry their share of the learning rate as ``factor``.

    Normalisation, activation slopes and biases do not decay.

    :param network: its parameters named encoder.* are the encoder's
    :param name: a key of OPTIMISERS
    :param weight_decay: of the convolutions
    :param encoder_factor: learning rate of the encoder over that of the rest
    :raises SettingsError: unknown optimiser
    """
    if name not in OPTIMISERS:
        raise SettingsError(unknown_key_sentence('optimiser', name, OPTIMISERS))
    groups: Dict[Any, List[nn.Parameter]] = {}
    for parameter_name, parameter in network.named_parameters():
        factor = encoder_factor if parameter_name.startswith('encoder.') else 1.0
        groups.setdefault((factor, parameter.ndim > 1), []).append(parameter)
    return OPTIMISERS[name]([
        {'params': parameters, 'factor': factor, 'weight_decay': weight_decay * decays}
        for (factor, decays), parameters in groups.items()])


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group to its share of a rate."""
    for group in optimiser.param_groups:
        group['lr'] = rate * group['factor']


def freeze_batch_norm(network: nn.Module) -> None:
    """
    Keep the running statistics and use them, also after ``network.train()``; call it after that.

    The released script calls eval() once and train() in every epoch, which unfreezes them.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


class AveragedWeights:
    """
    An exponential moving average of a network's weights and running statistics.

    :param network: its present state begins the average
    :param decay: share of the average that stays at each update; 0 follows the network
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the network; faster in the first updates."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.decay else 0.0
        for mean, value in zip(self.network.state_dict().values(), network.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


class Precision:
    """
    Forward pass in a number format, backward pass with the loss scaling that it needs.

    :param name: fp32, bf16, fp16, or auto: fp16 with loss scaling on CUDA, fp32 on a CPU, where
        bf16 saves little for these networks
    :param device: of the network
    :raises SettingsError: unknown format, or fp16 on a CPU
    """

    def __init__(self, name: str, device: torch.device) -> None:
        if name == 'auto':
            name = 'fp16' if device.type == 'cuda' else 'fp32'
        if name not in PRECISIONS:
            raise SettingsError(unknown_key_sentence('precision', name, ['auto', *PRECISIONS]))
        if name == 'fp16' and device.type != 'cuda':
            raise SettingsError('precision fp16 needs a CUDA device, the device is {}; choose '
                                'bf16 or fp32'.format(device))
        self.name, self.device = name, device
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == 'fp16')

    def forward(self) -> Any:
        """Return the context of a forward pass."""
        return torch.autocast(self.device.type, PRECISIONS[self.name],
                              enabled=self.name != 'fp32')

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a loss."""
        self.scaler.scale(loss).backward()

    def step(self, network: nn.Module, optimiser: torch.optim.Optimizer, largest: float) -> None:
        """
        Clip the gradients, take a step and forget them.

        :param largest: norm to which gradients are clipped; 0 does not clip
        """
        if largest:
            self.scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_(network.parameters(), largest)
        self.scaler.step(optimiser)
        self.scaler.update()
        optimiser.zero_grad(set_to_none=True)


@contextlib.contextmanager
def memory_hint(step: int) -> Iterator[None]:
    """
    Say which setting to lower when memory runs out.

    :param step: for the message
    :raises EngineError: instead of the runtime's own error
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        words = str(error).lower()
        if isinstance(error, MemoryError) or 'out of memory' in words \
                or "can't allocate memory" in words or 'not enough memory' in words:
            raise EngineError(OUT_OF_MEMORY.format(step, str(error).split('\n')[0])) from error
        raise
