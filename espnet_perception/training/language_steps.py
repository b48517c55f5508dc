# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
One step of a language model, as AWD-LSTM takes it, on a CPU or CUDA, or replayed as CUDA graphs.

Nothing here reads a value back from the device, so that a GPU never waits.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from espnet_perception.networks.language import LanguageModel, State
import torch
from torch import nn, Tensor
import torch.nn.functional as F

WARM_UP_STEPS = 3


class StepOptions(NamedTuple):
    """
    How a step learns.

    :param learning_rate: for a window of the usual length, to which it is proportional
    :param usual_length: of a window, in tokens
    :param clip: norm of the gradients; 0 does not clip
    :param activation_weight: alpha, of the squares of the last layer after dropout (AR)
    :param slowness_weight: beta, of the squares of its changes from token to token (TAR)
    """

    learning_rate: float
    usual_length: int
    clip: float
    activation_weight: float
    slowness_weight: float


class Learner:
    """
    Takes steps and carries the state from window to window, without its gradients.

    :param network: learns
    :param optimiser: SGD of all its parameters
    :param options: see StepOptions
    """

    def __init__(self, network: LanguageModel, optimiser: torch.optim.Optimizer,
                 options: StepOptions) -> None:
        self.network, self.optimiser, self.options = network, optimiser, options
        self.state: Optional[State] = None

    def begin_text(self, batch: int) -> None:
        """Forget the text before."""
        self.state = self.network.initial_state(batch)

    def learn(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """
        Take a step on one window.

        :param tokens: (T, B)
        :param targets: (T, B), the words after them
        :return: mean negative log likelihood, on the device
        """
        self.network.train()
        self.optimiser.zero_grad()
        loss, likelihood, state = self._loss(tokens, targets, self.state)
        loss.backward()
        self._change(len(tokens))
        self.state = state
        return likelihood

    def _loss(self, tokens: Tensor, targets: Tensor, state: State
              ) -> Tuple[Tensor, Tensor, State]:
        encoded = self.network.encode(tokens, state)
        likelihood = F.cross_entropy(self.network.scores(encoded.features.flatten(0, 1)),
                                     targets.flatten())
        loss = likelihood
        if self.options.activation_weight:
            loss = loss + self.options.activation_weight * encoded.features.square().mean()
        if self.options.slowness_weight:
            changes = encoded.raw[1:] - encoded.raw[:-1]
            loss = loss + self.options.slowness_weight * changes.square().mean()
        after = [tuple(part.detach() for part in layer) for layer in encoded.state]
        return loss, likelihood.detach(), after

    def _change(self, length: int) -> None:
        """Clip and take the gradients' step; a longer window takes a longer one."""
        if self.options.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        share = length / self.options.usual_length
        for group in self.optimiser.param_groups:
            group['lr'] = self.options.learning_rate * share
        self.optimiser.step()


class GraphLearner(Learner):
    """
    The same steps as CUDA graphs, one for each length of a window, recorded when it first comes.

    Written after the documentation of torch.cuda.graph and not run so far: no machine with CUDA
    was at hand.

    :param network: learns, on a CUDA device
    :param optimiser: SGD of all its parameters
    :param options: see StepOptions
    """

    def __init__(self, network: LanguageModel, optimiser: torch.optim.Optimizer,
                 options: StepOptions) -> None:
        super().__init__(network, optimiser, options)
        self._graphs: Dict[Tuple[int, int], Any] = {}

    def begin_text(self, batch: int) -> None:
        """Forget the text before, in place: the graphs read and write these tensors."""
        if self.state is None:
            super().begin_text(batch)
        for layer in self.state or ():
            for part in layer:
                part.zero_()

    def learn(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Take a step on one window; as :meth:`Learner.learn`."""
        key = (len(tokens), tokens.shape[1])
        if key not in self._graphs:
            self._graphs[key] = self._record(tokens, targets)
        graph, tokens_in, targets_in, likelihood = self._graphs[key]
        tokens_in.copy_(tokens)
        targets_in.copy_(targets)
        graph.replay()
        return likelihood.clone()

    def _step_in_place(self, tokens: Tensor, targets: Tensor) -> Tensor:
        self.optimiser.zero_grad(set_to_none=False)
        loss, likelihood, after = self._loss(tokens, targets, self.state)
        loss.backward()
        self._change(len(tokens))
        for layer, layer_after in zip(self.state, after):
            for part, part_after in zip(layer, layer_after):
                part.copy_(part_after)
        return likelihood

    def _record(self, tokens: Tensor, targets: Tensor) -> Tuple[Any, Tensor, Tensor, Tensor]:
        """Record a step; the steps that warm it up are undone."""
        self.network.train()
        self.state = [tuple(part.clone() for part in layer) for layer in self.state] \
            if not self._graphs else self.state
        kept = self._kept()
        before, rng = [part.clone() for part in kept], torch.cuda.get_rng_state(tokens.device)
        tokens_in, targets_in = tokens.clone(), targets.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                self._step_in_place(tokens_in, targets_in)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            likelihood = self._step_in_place(tokens_in, targets_in)
        with torch.no_grad():
            for part, value in zip(kept, before):
                part.copy_(value)
        torch.cuda.set_rng_state(rng, tokens.device)
        return graph, tokens_in, targets_in, likelihood

    def _kept(self) -> List[Tensor]:
        """Return every tensor that a step changes."""
        kept = [parameter.detach() for parameter in self.network.parameters()]
        kept += list(self.network.buffers())
        return kept + [part for layer in self.state or () for part in layer]
