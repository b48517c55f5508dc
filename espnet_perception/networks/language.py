# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the word-level language models share: embedding, dropout, recurrent layers, tied softmax.

ESPNetv2 (CVPR 2019), section 4.4: three recurrent layers over an embedding of 400, standard
dropout after the embedding, between the layers and after the last. The softmax is tied to the
embedding, so the last layer gives as many features as the embedding has: that a model of 7 M
parameters has 10,000 words leaves no other choice.
"""

from typing import List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.errors import NetworkError
import torch
from torch import nn, Tensor
import torch.nn.functional as F

LayerState = Tuple[Tensor, ...]
State = List[LayerState]
EMBEDDING_RANGE = 0.1


class Encoded(NamedTuple):
    """
    What the recurrent layers make of tokens.

    :param features: (T, B, E) of the last layer, after dropout.
    :param raw: the same before dropout.
    :param state: of each layer after the last token.
    """

    features: Tensor
    raw: Tensor
    state: State


class GateWeights(NamedTuple):
    """
    Gates as one affine map per group, in the order of the native kernel: in, forget, cell, out.

    :param from_input: (G, 4n, m).
    :param from_hidden: (G, 4n, n).
    :param bias: (G, 4n).
    """

    from_input: Tensor
    from_hidden: Tensor
    bias: Tensor


class RecurrentLayer(nn.Module):
    """
    A layer that runs over a sequence and hands on a state.

    :param outputs: features of each token and of the hidden state.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs

    def initial_state(self, batch: int) -> LayerState:
        """Return the state before the first token: hidden and cell, each (B, outputs), zero."""
        like = next(self.parameters())
        return tuple(like.new_zeros(batch, self.outputs) for _ in range(2))

    def step(self, inputs: Tensor, state: LayerState) -> Tuple[Tensor, LayerState]:
        """
        Take one token of each sequence.

        :param inputs: (B, inputs).
        :param state: after the token before.
        :return: (B, outputs), and the state after this token.
        """
        outputs, state = self(inputs.unsqueeze(0), state)
        return outputs[0], state


class LanguageModel(nn.Module):
    """
    Scores of the next word, for each token of a sequence.

    :param words: size of the vocabulary.
    :param embedding: features of a word, and of the last layer.
    :param dropout: share of features that training leaves out.
    :param layers: the recurrent layers, bottom first.
    :raises NetworkError: no words, or a dropout outside 0..1.
    """

    def __init__(self, words: int, embedding: int, dropout: float,
                 layers: Sequence[RecurrentLayer]) -> None:
        super().__init__()
        if words < 1:
            raise NetworkError('a language model got {} words, expected at least 1'.format(words))
        if not 0.0 <= dropout < 1.0:
            raise NetworkError('a language model got the dropout {}, expected 0 or more and less '
                               'than 1'.format(dropout))
        self.words = words
        self.embedding = nn.Embedding(words, embedding)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(layers)
        self.softmax_bias = nn.Parameter(torch.zeros(words))
        nn.init.uniform_(self.embedding.weight, -EMBEDDING_RANGE, EMBEDDING_RANGE)

    def initial_state(self, batch: int) -> State:
        """
        Return the state before the first token.

        :param batch: number of sequences.
        """
        return [layer.initial_state(batch) for layer in self.layers]

    def encode(self, tokens: Tensor, state: Optional[State] = None) -> Encoded:
        """
        Run the recurrent layers.

        :param tokens: (T, B) int64, word ids.
        :param state: after the tokens before; None begins anew.
        """
        state = self.initial_state(tokens.shape[1]) if state is None else state
        features = self.dropout(self.embedding(tokens))
        after: State = []
        raw = features
        for layer, layer_state in zip(self.layers, state):
            raw, layer_state = layer(features, layer_state)
            features = self.dropout(raw)
            after.append(layer_state)
        return Encoded(features, raw, after)

    def scores(self, features: Tensor) -> Tensor:
        """Map (..., E) of the last layer to (..., words) logits by the tied softmax."""
        return F.linear(features, self.embedding.weight, self.softmax_bias)

    def forward(self, tokens: Tensor, state: Optional[State] = None) -> Tuple[Tensor, State]:
        """
        Score the word after each token.

        :param tokens: (T, B) int64, word ids.
        :param state: after the tokens before; None begins anew.
        :return: (T, B, words) logits, and the state after the last token.
        """
        encoded = self.encode(tokens, state)
        return self.scores(encoded.features), encoded.state

    def step(self, tokens: Tensor, state: State) -> Tuple[Tensor, State]:
        """
        Take one token of each sequence, as text arrives; for evaluation mode.

        :param tokens: (B,) int64.
        :param state: after the tokens before.
        :return: (B, words) logits, and the state after these tokens.
        """
        features = self.embedding(tokens)
        after: State = []
        for layer, layer_state in zip(self.layers, state):
            features, layer_state = layer.step(features, layer_state)
            after.append(layer_state)
        return self.scores(features), after


class StreamingStep(nn.Module):
    """
    One token as a function of tensors alone, the form that is exported.

    :param network: a language model; it is not changed, and must be in evaluation mode.
    """

    def __init__(self, network: LanguageModel) -> None:
        super().__init__()
        self.network = network
        self.train(network.training)  # an exporter brings back the mode of the whole

    def forward(self, tokens: Tensor, *state: Tensor) -> Tuple[Tensor, ...]:
        """
        Take one token of each sequence.

        :param tokens: (B,) int64.
        :param state: the tensors of every layer's state, bottom first.
        :return: (B, words) logits, then the new state in the same order.
        """
        sizes = [len(layer.initial_state(1)) for layer in self.network.layers]
        rest = iter(state)
        nested = [tuple(next(rest) for _ in range(size)) for size in sizes]
        logits, after = self.network.step(tokens, nested)
        return (logits,) + tuple(tensor for layer_state in after for tensor in layer_state)


class WholeSequence(nn.Module):
    """
    A text from its beginning as a function of its tokens alone, the form that is exported.

    :param network: a language model; it is not changed, and must be in evaluation mode.
    """

    def __init__(self, network: LanguageModel) -> None:
        super().__init__()
        self.network = network
        self.train(network.training)

    def forward(self, tokens: Tensor) -> Tensor:
        """
        Score the word after each token.

        :param tokens: (T,) int64.
        :return: (T, words) logits.
        """
        return self.network(tokens.unsqueeze(1), self.network.initial_state(1))[0].squeeze(1)


def layer_sizes(embedding: int, hidden: int, layers: int) -> List[Tuple[int, int]]:
    """
    Return (inputs, outputs) of each layer: E -> H -> ... -> H -> E.

    :param embedding: E.
    :param hidden: H.
    :param layers: how many.
    :raises NetworkError: less than one of anything.
    """
    if min(embedding, hidden, layers) < 1:
        raise NetworkError('a language model got embedding {}, hidden {} and {} layers, expected '
                           'at least 1 of each'.format(embedding, hidden, layers))
    widths = [embedding] + [hidden] * (layers - 1) + [embedding]
    return list(zip(widths[:-1], widths[1:]))


def native_lstm(inputs: Sequence[Tensor], state: LayerState, weights: GateWeights,
                training: bool) -> Tuple[Tensor, LayerState]:
    """
    Run independent groups of an LSTM on PyTorch's native kernel, over the whole sequence.

    :param inputs: of each group (T, B, m).
    :param state: hidden and cell, each (B, G * n).
    :param weights: of the groups.
    :param training: whether gradients will be asked for.
    :return: (T, B, G * n), and the state after the last token.
    """
    begin = zip(*(part.chunk(len(inputs), dim=1) for part in state))
    outputs, last_hidden, last_cell = [], [], []
    for group, (hidden, cell), tensors in zip(inputs, begin, zip(*map(torch.unbind, weights))):
        output, after_hidden, after_cell = torch.lstm(
            group.contiguous(), [part.unsqueeze(0).contiguous() for part in (hidden, cell)],
            list(tensors) + [torch.zeros_like(tensors[-1])],  # the kernel wants two biases
            True, 1, 0.0, training, False, False)
        outputs.append(output)
        last_hidden.append(after_hidden[0])
        last_cell.append(after_cell[0])
    return torch.cat(outputs, 2), (torch.cat(last_hidden, 1), torch.cat(last_cell, 1))


def lstm_update(gates: Tensor, cell: Tensor) -> Tuple[Tensor, Tensor]:
    """
    Update hidden and cell state: c = s(f) c + s(i) tanh(g), h = s(o) tanh(c).

    :param gates: (B, 4, H) before their activations, in the order of GateWeights.
    :param cell: (B, H).
    :return: hidden and cell, each (B, H).
    """
    take, forget, candidate, show = gates.unbind(1)
    cell = torch.sigmoid(forget) * cell + torch.sigmoid(take) * torch.tanh(candidate)
    return torch.sigmoid(show) * torch.tanh(cell), cell
