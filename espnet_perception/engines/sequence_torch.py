# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A network that scores the tokens of a whole text, in PyTorch on the CPU."""

from typing import Any, Dict, Sequence

import numpy as np
import torch


class TorchSequence:
    """
    Runs a language model of ``networks``; threads are those of the process.

    :param network: in evaluation mode.
    """

    def __init__(self, network: Any) -> None:
        self._network = network

    def run(self, tokens: Sequence[int]) -> np.ndarray:
        """
        Score a text.

        :param tokens: their ids, from the beginning of the text.
        :return: (T, columns) float32 scores, a row after each token.
        """
        with torch.no_grad():
            scores, _ = self._network(torch.tensor(tokens).unsqueeze(1))
        return np.asarray(scores[:, 0])

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': 'torch', 'version': torch.__version__, 'device': 'cpu',
                'precision': 'fp32', 'threads': torch.get_num_threads()}
