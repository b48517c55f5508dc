#!/usr/bin/env python3
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the ERU over a whole sequence against loops over its tokens, in one run.

All forms learn the same. The definition goes token by token as the cell is written down, the fair
loop with batched matrix products of the groups, both after the input of all tokens was transformed
at once; the whole-sequence form runs the native kernel. With --running-statistics there is also a
loop that transforms the input token by token, as fairly: batch normalisation over all tokens of a
window, which training has, is not possible there. They take turns, so that a busy machine slows
down all. "Recurrence" is what differs: gates and states, given the transformed input;
"recurrent part" is everything but embedding, softmax and optimiser, so that it also holds the
transform of the input; "whole step" is a training step of the language
model. All with gradients. Times are of the wall clock, or with --processor of the processor.
"""

import argparse
import functools
import statistics
import time
from typing import Any, Callable, Dict, List, Sequence, Tuple

from espnet_perception.networks import create_network, eru
from espnet_perception.networks.language import GateWeights, LayerState, lstm_update
import torch
from torch import nn, Tensor
import torch.nn.functional as F

FORMS = ('definition', 'loop', 'all by token', 'sequence')
PARTS = ('recurrence', 'recurrent part', 'whole step')
Prepared = List[Tuple[List[Tensor], LayerState, GateWeights]]


def looped_lstm(inputs: Sequence[Tensor], state: LayerState, weights: GateWeights,
                training: bool) -> Tuple[Tensor, LayerState]:
    """Run groups of an LSTM token by token; takes and gives what native_lstm does."""
    groups, (tokens, batch, _) = len(inputs), inputs[0].shape
    rows = torch.stack([group.reshape(tokens * batch, -1) for group in inputs])
    given = torch.baddbmm(weights.bias.unsqueeze(1), rows, weights.from_input.transpose(1, 2))
    given = given.reshape(groups, tokens, batch, -1).unbind(1)
    hidden, cell = (part.reshape(batch, groups, -1).transpose(0, 1) for part in state)
    from_hidden = weights.from_hidden.transpose(1, 2).contiguous()
    outputs = []
    for gates in given:
        gates = torch.baddbmm(gates, hidden, from_hidden)
        gates = gates.reshape(groups * batch, eru.GATES, -1)
        hidden, cell = lstm_update(gates, cell.reshape(groups * batch, -1))
        hidden, cell = (part.reshape(groups, batch, -1) for part in (hidden, cell))
        outputs.append(hidden)
    after = tuple(part.transpose(0, 1).reshape(batch, -1) for part in (hidden, cell))
    return torch.stack(outputs).permute(0, 2, 1, 3).reshape(tokens, batch, -1), after


def by_token(layer: eru.ERUCell, inputs: Tensor, state: LayerState) -> Tuple[Tensor, LayerState]:
    """Run an ERU whose whole work, the transform as well, is done token by token."""
    outputs, weights = [], None
    for token in inputs.unbind(0):
        features, _ = layer.features(token.unsqueeze(0), ())
        weights = weights or layer.gate_weights(features)  # running statistics: always the same
        groups = features.unsqueeze(0).chunk(layer.groups, dim=2)
        output, state = looped_lstm(groups, state, weights, True)
        outputs.append(output)
    return torch.cat(outputs), state


def with_gradients(kernel: Callable[..., Any], *arguments: Any) -> Any:
    """Run the native kernel as in training, whatever the statistics are."""
    return kernel(*arguments[:3], True)


def prepare(network: nn.Module, tokens: Tensor) -> Prepared:
    """Return what the recurrence of each layer is given: input of each group, state, weights."""
    prepared, inputs = [], network.embedding(tokens).detach()
    for layer, state in zip(network.layers, network.initial_state(tokens.shape[1])):
        with torch.no_grad():
            features, _ = layer.features(inputs, ())
            weights = layer.gate_weights(features)
            inputs, _ = layer(inputs, state)
        groups = features.reshape(tokens.shape + (-1,)).chunk(layer.groups, dim=2)
        prepared.append(([group.clone().requires_grad_() for group in groups], state,
                         GateWeights(*(part.clone().requires_grad_() for part in weights))))
    return prepared


def recurrence(prepared: Prepared) -> Tensor:
    """Run gates and states of all layers and their gradients."""
    outputs = torch.cat([eru.native_lstm(*given, True)[0].flatten(1) for given in prepared], 1)
    outputs.sum().backward()
    return outputs


def recurrent_part(network: nn.Module, tokens: Tensor) -> Tensor:
    """Run the layers and their gradients."""
    features = network.embedding(tokens).detach().requires_grad_()
    for layer, state in zip(network.layers, network.initial_state(tokens.shape[1])):
        features, _ = layer(features, state)
    features.sum().backward()
    return features


def whole_step(network: nn.Module, tokens: Tensor) -> Tensor:
    """Take a step of training."""
    logits, _ = network(tokens)
    F.cross_entropy(logits.flatten(0, 1), tokens.flatten()).backward()
    nn.utils.clip_grad_norm_(network.parameters(), 0.25)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.sub_(0.01 * parameter.grad)
    return logits


def measure(options: argparse.Namespace) -> Dict[Tuple[str, str], List[float]]:
    """
    Time both forms of both parts in turns.

    :param options: the command line.
    :return: seconds of each repeat by part and form.
    """
    torch.manual_seed(1)
    network = create_network('eru_lm', preset=options.preset, dropout=0.0)
    network.train(not options.running_statistics)
    tokens = torch.randint(network.words, (options.bptt, options.batch))
    kernels: Dict[str, Callable[..., Any]] = {
        'loop': looped_lstm, 'sequence': functools.partial(with_gradients, eru.native_lstm)}
    whole = eru.ERUCell.forward
    runs = dict(zip(PARTS, (functools.partial(recurrence, prepare(network, tokens)),
                            functools.partial(recurrent_part, network, tokens),
                            functools.partial(whole_step, network, tokens))))
    clock = time.process_time if options.processor else time.perf_counter
    seconds: Dict[Tuple[str, str], List[float]] = {
        (part, form): [] for part in PARTS for form in FORMS
        if (part != PARTS[0] or form in kernels)  # elsewhere nothing is prepared
        and (form != 'all by token' or options.running_statistics)}
    for repeat in range(-1, options.repeats):  # the first warms up, and compares
        results: Dict[str, List[Tensor]] = {part: [] for part in PARTS}
        for part, form in seconds:
            network.use('definition' if form == 'definition' else 'sequence')
            eru.native_lstm = kernels.get(form, eru.native_lstm)
            eru.ERUCell.forward = by_token if form == 'all by token' else whole
            network.zero_grad()
            began = clock()
            result = runs[part]()
            if repeat >= 0:
                seconds[part, form].append(clock() - began)
            results[part].append(result.detach())
        if repeat < 0 and not all(torch.allclose(result, results[part][0], atol=1e-4)
                                  for part in PARTS[:2] for result in results[part]):
            raise RuntimeError('the forms do not agree')
    return seconds


def main() -> None:
    """Print medians and their ratios."""
    options = parse_arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    print('{preset}, batch {batch}, {bptt} tokens, {repeats} repeats, '.format(**vars(options))
          + '{} threads, torch {}'.format(torch.get_num_threads(), torch.__version__))
    seconds = measure(options)
    medians = {key: 1000 * statistics.median(measured) for key, measured in seconds.items()}
    for (part, form), median in medians.items():
        print('{:>15}, {:<10} {:8.1f} ms, {:.2f} times the whole sequence'.format(
            part, form, median, median / medians[part, 'sequence']))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--preset', default='eru_7m', choices=sorted(eru.PRESETS))
    parser.add_argument('--batch', type=int, default=20)
    parser.add_argument('--bptt', type=int, default=70)
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--running-statistics', action='store_true',
                        help='of batch normalisation; adds a loop that does all by token')
    parser.add_argument('--processor', action='store_true',
                        help='time of the processor, for a busy machine')
    parser.add_argument('--threads', type=int, default=0, help='0 leaves it to torch')
    return parser.parse_args()


if __name__ == '__main__':
    main()
