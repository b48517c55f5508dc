# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Language models that the ERU is compared with (ESPNetv2, CVPR 2019, Table 3), of published sizes.

The LSTM and the pyramidal recurrent unit (PRU; Mehta et al., Pyramidal Recurrent Unit for Language
Modeling, EMNLP 2018, sections 3 and 4.1), both with an embedding of 400, three layers, standard
dropout and a tied softmax. As published they have 19.87 M and 18.97 M parameters; the defaults
have 19,869,200 and 18,969,200.
"""

from typing import Tuple

from espnet_perception.errors import NetworkError
from espnet_perception.networks.language import (
    GateWeights,
    LanguageModel,
    layer_sizes,
    LayerState,
    lstm_update,
    native_lstm,
    RecurrentLayer,
)
import torch
from torch import nn, Tensor
import torch.nn.functional as F

GATES = 4


class LSTMLayer(RecurrentLayer):
    """
    An LSTM.

    :param inputs: features of a token.
    :param outputs: hidden features.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(outputs)
        self.lstm = nn.LSTM(inputs, outputs)

    def forward(self, inputs: Tensor, state: LayerState) -> Tuple[Tensor, LayerState]:
        """Map (T, B, inputs) and a state to (T, B, outputs) and the state after it."""
        outputs, after = self.lstm(inputs, tuple(part.unsqueeze(0) for part in state))
        return outputs, tuple(part[0] for part in after)


class PRULayer(RecurrentLayer):
    """
    Pyramidal recurrent unit: pyramidal transform of the input, grouped one of the hidden state.

    Level i of the pyramid sees the input after i average poolings at stride 2 and gives half as
    many features as the level before; the first gives what is left. The input is added to every
    gate where the widths agree.

    :param inputs: features of a token.
    :param outputs: hidden features.
    :param levels: of the pyramid.
    :param groups: of the recurrence.
    :raises NetworkError: widths that do not divide.
    """

    def __init__(self, inputs: int, outputs: int, levels: int, groups: int) -> None:
        super().__init__(outputs)
        multiple = 2 ** levels
        if levels < 1 or groups < 1 or inputs % multiple or outputs % multiple or outputs % groups:
            raise NetworkError('a PRU of {} levels and {} groups got {} -> {} features, expected '
                               'multiples of 2 ** levels and of the groups'.format(
                                   levels, groups, inputs, outputs))
        shares = [outputs // 2 ** (level + 1) for level in range(levels)]
        shares[0] += outputs - sum(shares)
        self.pyramid = nn.ModuleList(nn.Linear(inputs // 2 ** level, GATES * share)
                                     for level, share in enumerate(shares))
        self.recur = nn.Parameter(torch.empty(groups, GATES * outputs // groups,
                                              outputs // groups))
        self.recur_bias = nn.Parameter(torch.zeros(groups, GATES * outputs // groups))
        for weight in [level.weight for level in self.pyramid] + list(self.recur):
            nn.init.orthogonal_(weight)
        for level in self.pyramid:
            nn.init.zeros_(level.bias)
        self.residual = inputs == outputs

    def _pooled(self, features: Tensor, level: int) -> Tensor:
        """Pool (N, width) for a level, from the one before; the deeper, the narrower it looks."""
        if level == 0:
            return features
        kernel = 2 * (len(self.pyramid) - level) + 1
        return F.avg_pool1d(features.unsqueeze(1), kernel, 2, kernel // 2).squeeze(1)

    def _transform(self, features: Tensor, biased: bool) -> Tensor:
        """Map (N, inputs) to (N, 4, outputs)."""
        parts, pooled = [], features
        for index, level in enumerate(self.pyramid):
            pooled = self._pooled(pooled, index)
            part = F.linear(pooled, level.weight, level.bias if biased else None)
            parts.append(part.reshape(len(features), GATES, -1))
        gates = torch.cat(parts, 2)
        return gates + features.unsqueeze(1) if self.residual else gates

    def forward(self, inputs: Tensor, state: LayerState) -> Tuple[Tensor, LayerState]:
        """
        Run over a sequence on the native kernel: all of the input's transform is linear.

        :param inputs: (T, B, inputs).
        :param state: hidden and cell, each (B, outputs).
        :return: (T, B, outputs), and the state after the last token.
        """
        groups, width = len(self.recur), int(inputs.shape[2])
        one_by_one = torch.eye(width, dtype=inputs.dtype, device=inputs.device)
        matrix = self._transform(one_by_one, biased=False).permute(1, 2, 0)  # (4, outputs, inputs)
        matrix = matrix.reshape(GATES, groups, -1, width).transpose(0, 1)
        bias = torch.cat([level.bias.reshape(GATES, -1) for level in self.pyramid], 1)
        bias = bias.reshape(GATES, groups, -1).transpose(0, 1).reshape(groups, -1)
        weights = GateWeights(matrix.reshape(groups, -1, width), self.recur,
                              bias + self.recur_bias)
        return native_lstm([inputs] * groups, state, weights, self.training)

    def step(self, inputs: Tensor, state: LayerState) -> Tuple[Tensor, LayerState]:
        """Take one token of each sequence, (B, inputs) to (B, outputs), as the PRU is defined."""
        hidden, cell = state
        groups = len(self.recur)
        grouped = hidden.reshape(len(hidden), groups, -1).transpose(0, 1)
        recurrent = torch.baddbmm(self.recur_bias.unsqueeze(1), grouped,
                                  self.recur.transpose(1, 2))
        recurrent = recurrent.reshape(groups, len(hidden), GATES, -1).permute(1, 2, 0, 3)
        gates = self._transform(inputs, biased=True)
        hidden, cell = lstm_update(gates + recurrent.reshape(gates.shape), cell)
        return hidden, (hidden, cell)


class LSTMLanguageModel(LanguageModel):
    """
    Word-level language model of LSTMs.

    :param words: size of the vocabulary.
    :param embedding: features of a word, and of the last layer.
    :param hidden: features of the other layers.
    :param layers: how many.
    :param dropout: share of features that training leaves out.
    """

    def __init__(self, words: int = 10000, embedding: int = 400, hidden: int = 1000,
                 layers: int = 3, dropout: float = 0.5) -> None:
        super().__init__(words, embedding, dropout, [
            LSTMLayer(*size) for size in layer_sizes(embedding, hidden, layers)])


class PRULanguageModel(LanguageModel):
    """
    Word-level language model of three pyramidal recurrent units.

    :param words: size of the vocabulary.
    :param embedding: features of a word, and of the last layer.
    :param hidden: features of the other layers.
    :param levels: of the pyramid.
    :param groups: of the recurrence.
    :param dropout: share of features that training leaves out.
    """

    def __init__(self, words: int = 10000, embedding: int = 400, hidden: int = 1000,
                 levels: int = 2, groups: int = 1, dropout: float = 0.5) -> None:
        super().__init__(words, embedding, dropout, [
            PRULayer(*size, levels=levels, groups=groups)
            for size in layer_sizes(embedding, hidden, 3)])
