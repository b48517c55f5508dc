# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Export of a language model to ONNX: one token with the state, or a whole sequence."""

from typing import List, NamedTuple, Tuple

from espnet_perception.errors import EngineError
from espnet_perception.export.onnx import trace_to_onnx
from espnet_perception.networks.language import LanguageModel, StreamingStep, WholeSequence
from espnet_perception.whole_files import whole_file
import torch

TOKEN_INPUT, SCORES_OUTPUT = 'token', 'scores'
TOKENS_INPUT = 'tokens'
TRACED = 3  # tokens of the example; the graph takes any number


class StepNames(NamedTuple):
    """
    Names of an exported step.

    :param state_in: inputs that hold the state, besides TOKEN_INPUT.
    :param state_out: the outputs that replace them, besides SCORES_OUTPUT.
    """

    state_in: List[str]
    state_out: List[str]


def step_names(network: LanguageModel) -> StepNames:
    """
    Name the tensors of the state: layer0_hidden, layer0_cell and so on.

    :param network: a language model.
    """
    parts = ('hidden', 'cell', 'past')
    names = ['layer{}_{}'.format(index, part) for index, layer in enumerate(network.layers)
             for part, _ in zip(parts, layer.initial_state(1))]
    return StepNames(names, [name + '_after' for name in names])


def export_step(network: LanguageModel, path: str, batch: int = 1) -> StepNames:
    """
    Write the graph of one token: its id and the state in, scores of the next word and state out.

    The state before the first token is zero. The file appears whole or not at all.

    :param network: a language model in evaluation mode.
    :param path: file to write.
    :param batch: number of sequences that are fed side by side.
    :return: the names of inputs and outputs.
    :raises EngineError: the network is in training, or PyTorch cannot export it.
    :raises OSError: the file cannot be written.
    """
    _check_mode(network)
    names = step_names(network)
    examples = _examples(network, batch)
    with whole_file(path) as part, torch.no_grad():
        trace_to_onnx(StreamingStep(network), examples, part,
                      [TOKEN_INPUT] + names.state_in, [SCORES_OUTPUT] + names.state_out)
    return names


def export_sequence(network: LanguageModel, path: str) -> None:
    """
    Write the graph of a whole text: (T,) ids in, (T, columns) scores after each token out.

    T is open. The native kernel becomes LSTM operators, so that a text costs a fraction of its
    steps. The file appears whole or not at all.

    :param network: a language model in evaluation mode.
    :param path: file to write.
    :raises EngineError: the network is in training, or PyTorch cannot export it.
    :raises OSError: the file cannot be written.
    """
    _check_mode(network)
    with whole_file(path) as part, torch.no_grad():
        trace_to_onnx(WholeSequence(network), (torch.zeros(TRACED, dtype=torch.int64),), part,
                      [TOKENS_INPUT], [SCORES_OUTPUT],
                      {name: {0: 'tokens'} for name in (TOKENS_INPUT, SCORES_OUTPUT)})


def _check_mode(network: LanguageModel) -> None:
    if network.training:
        raise EngineError('a language model is exported in evaluation mode, this one is in '
                          'training; call eval() first')


def _examples(network: LanguageModel, batch: int) -> Tuple[torch.Tensor, ...]:
    tokens = torch.zeros(batch, dtype=torch.int64)
    return (tokens,) + tuple(part for layer in network.initial_state(batch) for part in layer)
