# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch engine: the reference, on the CPU or a CUDA device."""

from typing import Any, Dict, List, Optional

from espnet_perception.engines.base import Engine, EngineOptions, first_line
from espnet_perception.errors import EngineError
import numpy as np
import torch
from torch import nn


class TorchEngine(Engine):
    """
    Runs a deployed network eagerly.

    :param network: maps (1, h, w, 3) pixels to the product, see networks.deploy; moved to the
        device.
    :param options: how to open it; threads hold for the whole process, as PyTorch has it.
    :raises EngineError: no such device.
    """

    name = 'torch'

    def __init__(self, network: nn.Module, options: EngineOptions) -> None:
        super().__init__(options)
        device = options.device
        if device == 'auto':
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        try:
            self._device = torch.device(device)
            self._network: Optional[nn.Module] = network.eval().to(self._device)
        except (RuntimeError, AssertionError) as error:
            raise EngineError("device '{}' cannot be used: {}; set device to cpu or cuda".format(
                device, first_line(error)))
        if options.threads:
            torch.set_num_threads(options.threads)

    def _run(self, batch: np.ndarray) -> List[np.ndarray]:
        if self._network is None:
            raise EngineError('engine torch is closed; open a new one')
        with torch.no_grad():
            outputs = self._network(torch.from_numpy(batch).to(self._device))
        if isinstance(outputs, torch.Tensor):
            outputs = (outputs,)
        return [output[0].cpu().numpy() for output in outputs]

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': self.name, 'version': torch.__version__, 'device': str(self._device),
                'precision': 'fp32', 'threads': torch.get_num_threads()}

    def close(self) -> None:
        """Free the network."""
        self._network = None
