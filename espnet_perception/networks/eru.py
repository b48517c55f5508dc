# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Efficient recurrent unit (ERU) and its language model: ESPNetv2 (CVPR 2019), section 4.4, Table 3.

This is a reconstruction: no code or weights of the ERU were ever published. The paper says that
it is an LSTM whose linear transform of the input is an EESP unit with one-dimensional
convolutions, that three of them stand over an embedding of 400 with standard dropout, and that
they have 7 M and 15 M parameters. Inferred here, from the authors' pyramidal recurrent unit
(PRU), which has the same gates, and from the sizes:

- the last grouped point-wise convolution of the EESP unit is widened to the four gates, and the
  unit's last PReLU is left to the gates' own sigmoid and tanh;
- the transform of the hidden state is grouped as in the PRU (the dense presets leave it dense);
- both transforms have a bias, as in the PRU and the LSTM; the softmax is tied;
- a token is a vector, so it is open along which axis a convolution runs: see AXES.

There are two forms. :meth:`ERUCell.definition` is the cell as it is written down, token by token.
The default computes the same for a whole sequence (equal in float64, forward and gradients,
test/networks/test_eru.py): the transform of the input does not depend on the state, so it runs
over all tokens at once, and its last, affine part becomes the input weights of independent
native LSTMs.
"""

from collections import OrderedDict
from typing import Dict, List, NamedTuple, Tuple

from espnet_perception.errors import NetworkError, unknown_key_sentence
from espnet_perception.networks.eesp import BRANCHES, dilation_rates
from espnet_perception.networks.language import (
    GateWeights,
    LanguageModel,
    layer_sizes,
    LayerState,
    lstm_update,
    native_lstm,
    RecurrentLayer,
)
from espnet_perception.networks.normalised_product import normalised_product
import torch
from torch import nn, Tensor
import torch.nn.functional as F

GATES = 4
TAPS = 3
AXES = {
    'token': 'along the single place of a token: of each filter only the centre tap acts',
    'features': 'along the reduced features, as the PRU pools; a branch has one filter',
    'time': 'along the tokens before, never after',
}
NORMS = ('batch', 'none')
FORMS = ('sequence', 'definition')
# preset: hidden size and groups of the recurrence; 7,015,500, 14,891,900, 7,183,340 and
# 15,139,508 parameters with 10,000 words
PRESETS: Dict[str, Tuple[int, int]] = {
    'eru_7m': (800, 4),
    'eru_15m': (1600, 4),
    'eru_7m_dense': (480, 1),
    'eru_15m_dense': (1008, 1),
}


class ERUDesign(NamedTuple):
    """
    Arguments of the ERU language model.

    :param preset: a key of PRESETS.
    :param words: size of the vocabulary.
    :param embedding: features of a word, and of the last layer.
    :param hidden: features of the other layers; 0 takes the preset's.
    :param layers: how many.
    :param branches: of the pyramid, K; widths are multiples of its square.
    :param rec_groups: groups of the recurrence, a divisor of branches; 0 takes the preset's.
    :param axis: a key of AXES, along which the convolutions run.
    :param norm: batch, or none to leave batch normalisation out.
    :param dropout: share of features that training leaves out.
    """

    preset: str = 'eru_7m'
    words: int = 10000
    embedding: int = 400
    hidden: int = 0
    layers: int = 3
    branches: int = BRANCHES
    rec_groups: int = 0
    axis: str = 'token'
    norm: str = 'batch'
    dropout: float = 0.5


class ERUCell(RecurrentLayer):
    """
    Efficient recurrent unit: gates = EESP(x_t) + R(h_{t-1}), then the update of an LSTM.

    Names are those of :class:`espnet_perception.networks.eesp.EESP`. A grouped convolution gives
    each group all four gates of its share of the hidden features: cut into four as it comes, each
    gate would see a single branch of the pyramid.

    :param inputs: features of a token, a multiple of the branches.
    :param outputs: hidden features, a multiple of the branches' square.
    :param design: branches, rec_groups, axis and norm count here.
    :raises NetworkError: other widths or groups.
    """

    def __init__(self, inputs: int, outputs: int, design: ERUDesign) -> None:
        super().__init__(outputs)
        branches, groups = design.branches, design.rec_groups
        _check_widths(inputs, outputs, branches, groups)
        self.axis, self.groups, self.form = design.axis, groups, 'sequence'
        reduced = outputs // branches
        rates = dilation_rates(2 * branches + 1, branches)
        self.reduce = _chain(conv=nn.Conv1d(inputs, reduced, 1, groups=branches, bias=False),
                             bn=_norm(reduced, design.norm), act=nn.PReLU(reduced))
        filters = 1 if self.axis == 'features' else reduced
        self.branches = nn.ModuleList(
            nn.Conv1d(filters, filters, TAPS, dilation=rate, groups=filters, bias=False,
                      padding=0 if self.axis == 'time' else rate) for rate in rates)
        self.fused = _chain(bn=_norm(outputs, design.norm), act=nn.PReLU(outputs))
        self.expand = _chain(
            conv=nn.Conv1d(outputs, GATES * outputs, 1, groups=branches, bias=False),
            bn=_norm(GATES * outputs, design.norm))
        self.bias = nn.Parameter(torch.zeros(GATES, outputs))
        self.recur = nn.Conv1d(outputs, GATES * outputs, 1, groups=groups)
        self.register_buffer('places', _places(rates, self.axis == 'time'), persistent=False)

    @property
    def memory(self) -> int:
        """Tokens that the convolutions look back; 0 unless they run along time."""
        return 2 * len(self.branches) if self.axis == 'time' else 0

    def initial_state(self, batch: int) -> LayerState:
        """
        Return the state before the first token.

        :param batch: number of sequences, B.
        :return: hidden and cell, each (B, outputs); along time also the last reduced features,
            (memory, B, outputs / branches).
        """
        state = super().initial_state(batch)
        if not self.memory:
            return state
        return state + (self.bias.new_zeros(self.memory, batch, self.reduce.act.num_parameters),)

    def forward(self, inputs: Tensor, state: LayerState) -> Tuple[Tensor, LayerState]:
        """
        Run over a sequence.

        In training, batch normalisation takes its statistics over all T * B tokens.

        :param inputs: (T, B, inputs).
        :param state: after the tokens before.
        :return: (T, B, outputs), and the state after the last token.
        """
        if self.form == 'definition':
            return self.definition(inputs, state)
        features, past = self.features(inputs, state[2:])
        weights = self.gate_weights(features)
        groups = features.reshape(-1, int(inputs.shape[1]), self.outputs).chunk(self.groups, dim=2)
        outputs, after = native_lstm(groups, state[:2], weights, self.training)
        return outputs, after + past

    def step(self, inputs: Tensor, state: LayerState) -> Tuple[Tensor, LayerState]:
        """Take one token of each sequence, (B, inputs) to (B, outputs), by the definition."""
        outputs, state = self.definition(inputs.unsqueeze(0), state)
        return outputs[0], state

    # The definition

    def definition(self, inputs: Tensor, state: LayerState) -> Tuple[Tensor, LayerState]:
        """Run over a sequence token by token; as :meth:`forward`."""
        gates, past = self.input_gates(inputs, state[2:])
        hidden, cell = state[:2]
        outputs = []
        for gates_of_token in gates:
            recurrent = _by_gate(self.recur(hidden.unsqueeze(2)), self.groups)
            hidden, cell = lstm_update(gates_of_token + recurrent, cell)
            outputs.append(hidden)
        return torch.stack(outputs), (hidden, cell) + past

    def input_gates(self, inputs: Tensor, past: LayerState) -> Tuple[Tensor, LayerState]:
        """
        Transform the input by the EESP unit.

        :param inputs: (T, B, inputs).
        :param past: along time (memory, B, outputs / branches), else nothing.
        :return: (T, B, 4, outputs) without the part of the hidden state, and the new past.
        """
        tokens, batch = int(inputs.shape[0]), int(inputs.shape[1])
        reduced = self.reduce(inputs.reshape(tokens * batch, -1, 1))
        lines, past = self._lines(reduced, (tokens, batch), past)
        pyramid: List[Tensor] = []
        for branch in self.branches:
            skipped = self.memory - 2 * branch.dilation[0] if self.memory else 0
            filtered = self._tokens(branch(lines[:, :, skipped:]))
            pyramid.append(filtered + pyramid[-1] if pyramid else filtered)  # HFF
        expanded = self.expand(self.fused(torch.cat(pyramid, dim=1)))
        gates = _by_gate(expanded, len(self.branches)) + self.bias
        return gates.reshape(tokens, batch, GATES, self.outputs), past

    def _lines(self, reduced: Tensor, sizes: Tuple[int, int], past: LayerState
               ) -> Tuple[Tensor, LayerState]:
        """Lay (T * B, C, 1) out for convolutions along the axis: (lines, filters, places)."""
        if self.axis == 'token':
            return reduced, past
        if self.axis == 'features':
            return reduced.transpose(1, 2), past
        line = torch.cat([past[0], reduced.reshape(sizes + (-1,))])
        return line.permute(1, 2, 0), (line[-self.memory:],)

    def _tokens(self, filtered: Tensor) -> Tensor:
        """Lay filtered lines out as (T * B, C, 1) again."""
        if self.axis == 'token':
            return filtered
        if self.axis == 'features':
            return filtered.transpose(1, 2)
        return filtered.permute(2, 0, 1).reshape(-1, filtered.shape[1], 1)

    # The form for a whole sequence

    def features(self, inputs: Tensor, past: LayerState) -> Tuple[Tensor, LayerState]:
        """
        Transform the input up to the last convolution, as matrix products over all tokens.

        :param inputs: (T, B, inputs).
        :param past: see :meth:`input_gates`.
        :return: (T * B, outputs), and the new past.
        """
        branches = len(self.branches)
        grouped = inputs.reshape(-1, branches, int(inputs.shape[2]) // branches).transpose(0, 1)
        weight = self.reduce.conv.weight.reshape(branches, -1, int(grouped.shape[2]))
        reduced = torch.bmm(grouped, weight.transpose(1, 2)).transpose(0, 1).flatten(1)
        reduced = self.reduce.act(self.reduce.bn(reduced))
        pyramid, past = self._pyramid(reduced, (inputs.shape[0], inputs.shape[1]), past)
        return self.fused(pyramid), past

    def _pyramid(self, reduced: Tensor, sizes: Tuple[int, int], past: LayerState
                 ) -> Tuple[Tensor, LayerState]:
        """Apply all branches: filters and their sums (HFF) are linear, so one filter for each."""
        taps = torch.stack([branch.weight[:, 0] for branch in self.branches])
        if self.axis == 'token':
            centre = taps[:, :, TAPS // 2].cumsum(0)
            return (reduced.unsqueeze(1) * centre).flatten(1), past
        filters = torch.bmm(taps, self.places).cumsum(0)  # (branches, filters, span)
        span = int(filters.shape[2])
        if self.axis == 'features':
            maps = F.conv1d(reduced.unsqueeze(1), filters.transpose(0, 1).reshape(-1, 1, span),
                            padding=span // 2)
            return maps.reshape(len(reduced), -1), past
        lines, past = self._lines(reduced, sizes, past)
        maps = F.conv1d(lines, filters.transpose(0, 1).reshape(-1, 1, span),
                        groups=int(lines.shape[1]))  # (B, C * branches, T)
        maps = maps.reshape(sizes[1], -1, len(taps), sizes[0]).permute(3, 0, 2, 1)
        return maps.reshape(len(reduced), -1), past

    def gate_weights(self, features: Tensor) -> GateWeights:
        """
        Return the gates as affine maps of features and hidden state, normalisation folded in.

        :param features: (T * B, outputs); in training its statistics are those of the batch.
        """
        branches, groups = len(self.branches), self.groups
        weight = self.expand.conv.weight.reshape(branches, -1, self.outputs // branches)
        bias = self.bias.reshape(GATES, groups, -1).transpose(0, 1)
        if isinstance(self.expand.bn, nn.BatchNorm1d):
            scale, offset = normalised_product(self.expand.bn, weight, features)
            weight = weight * scale.unsqueeze(2)
            offset = offset.reshape(groups, branches // groups, GATES, -1).transpose(1, 2)
            bias = bias + offset.reshape(groups, GATES, -1)
        bias = bias.reshape(groups, -1) + self.recur.bias.reshape(groups, -1)
        from_hidden = self.recur.weight.reshape(groups, -1, self.outputs // groups)
        return GateWeights(_join_branches(weight, groups), from_hidden, bias)


class ERULanguageModel(LanguageModel):
    """
    Word-level language model of efficient recurrent units.

    :param design: its arguments.
    :raises NetworkError: unknown preset, axis or norm, or widths that do not divide.
    """

    Design = ERUDesign

    def __init__(self, design: ERUDesign) -> None:
        for kind, name, known in (('preset', design.preset, tuple(PRESETS)),
                                  ('axis', design.axis, tuple(AXES)),
                                  ('norm', design.norm, NORMS)):
            if name not in known:
                raise NetworkError(unknown_key_sentence(kind + ' of eru_lm', name, known))
        hidden, groups = PRESETS[design.preset]
        design = design._replace(hidden=design.hidden or hidden,
                                 rec_groups=design.rec_groups or groups)
        sizes = layer_sizes(design.embedding, design.hidden, design.layers)
        super().__init__(design.words, design.embedding, design.dropout,
                         [ERUCell(*size, design=design) for size in sizes])
        self.design = design

    def use(self, form: str) -> 'ERULanguageModel':
        """
        Choose how the cells are computed; the results are the same.

        :param form: sequence (the default), or definition.
        :raises NetworkError: unknown form.
        """
        if form not in FORMS:
            raise NetworkError(unknown_key_sentence('form of an ERU', form, FORMS))
        for layer in self.layers:
            layer.form = form
        return self


def _check_widths(inputs: int, outputs: int, branches: int, groups: int) -> None:
    if branches < 1 or inputs % branches or outputs % branches ** 2:
        raise NetworkError('an ERU of {} branches got {} -> {} features, expected multiples of {} '
                           'and {}'.format(branches, inputs, outputs, branches, branches ** 2))
    if groups < 1 or branches % groups:
        raise NetworkError('an ERU got {} groups of its recurrence, expected a divisor of its {} '
                           'branches'.format(groups, branches))


def _chain(**modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(modules))


def _norm(channels: int, norm: str) -> nn.Module:
    return nn.BatchNorm1d(channels) if norm == 'batch' else nn.Identity()


def _places(rates: List[int], causal: bool) -> Tensor:
    """Return where the taps of each branch lie in the widest filter: (branches, 3, span)."""
    span = 2 * max(rates) + 1
    last = span - 1 if causal else span // 2
    places = torch.zeros(len(rates), TAPS, span)
    for branch, rate in enumerate(rates):
        for tap in range(TAPS):
            shift = tap - (TAPS - 1 if causal else TAPS // 2)
            places[branch, tap, last + shift * rate] = 1.0
    return places


def _by_gate(channels: Tensor, groups: int) -> Tensor:
    """Sort the output of a grouped convolution, (N, 4 * H, 1), by gate: (N, 4, H)."""
    count = int(channels.shape[0])
    return channels.reshape(count, groups, GATES, -1).transpose(1, 2).reshape(count, GATES, -1)


def _join_branches(weight: Tensor, groups: int) -> Tensor:
    """
    Join the branches that a group of the recurrence takes.

    :param weight: (branches, 4 * n, n).
    :param groups: of the recurrence.
    :return: (groups, 4 * m * n, m * n) with m = branches / groups; zero between branches.
    """
    branches, _, width = weight.shape
    joined = branches // groups
    if joined == 1:
        return weight
    weight = weight.reshape(groups, joined, GATES, width, 1, width)
    apart = torch.eye(joined, dtype=weight.dtype, device=weight.device)
    weight = weight * apart.reshape(1, joined, 1, 1, joined, 1)
    return weight.transpose(1, 2).reshape(groups, GATES * joined * width, joined * width)
