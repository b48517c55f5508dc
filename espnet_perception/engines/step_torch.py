# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A network that takes a token at a time and hands on its state, in PyTorch on the CPU."""

from typing import Any, Dict

import numpy as np
import torch


class TorchStep:
    """
    Runs a language model of ``networks``; threads are those of the process.

    :param network: in evaluation mode.
    """

    def __init__(self, network: Any) -> None:
        self._network = network

    def initial_state(self) -> Any:
        """Return the state before the first token, opaque to the caller."""
        return self._network.initial_state(1)

    def run(self, token: int, state: Any) -> Any:
        """
        Take a token.

        :param token: its id.
        :param state: after the token before; it is not changed.
        :return: (columns,) float32 scores, and the state after the token.
        """
        with torch.no_grad():
            scores, after = self._network.step(torch.tensor([token]), state)
        return np.asarray(scores[0]), after

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': 'torch', 'version': torch.__version__, 'device': 'cpu',
                'precision': 'fp32', 'threads': torch.get_num_threads()}
