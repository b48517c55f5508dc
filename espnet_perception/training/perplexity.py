# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Perplexity of a language model, over a whole text with its state carried from window to window.

    python -m espnet_perception.training.perplexity runs/ptb_eru_7m/best.pt
"""

import argparse
import math
import sys
from typing import Any, Dict, Optional, Sequence

from espnet_perception.errors import ModelError, PerceptionError
from espnet_perception.networks import create_network
from espnet_perception.networks.language import LanguageModel
from espnet_perception.training import checkpoint, distributed
from espnet_perception.training.datasets.ptb import open_corpus
from espnet_perception.training.windows import in_rows
import torch
from torch import nn
import torch.nn.functional as F
from tqdm import tqdm

WINDOW_TOKENS = 1400  # of all parallel texts; the figure does not depend on it
STATISTICS_ROWS = 70


@torch.inference_mode()
def perplexity(network: LanguageModel, rows: torch.Tensor, window_tokens: int = WINDOW_TOKENS
               ) -> float:
    """
    Return exp of the mean negative log likelihood of every word but the first of each text.

    :param network: in evaluation mode
    :param rows: (N, B) on the network's device, see in_rows
    :param window_tokens: tokens that are scored at once
    """
    state, total = None, torch.zeros((), dtype=torch.float64, device=rows.device)
    length = max(1, window_tokens // rows.shape[1])
    starts = range(0, len(rows) - 1, length)
    for start in tqdm(starts, desc='perplexity', unit='window', leave=False, disable=None):
        targets = rows[start + 1:start + 1 + length]
        logits, state = network(rows[start:start + len(targets)], state)
        total += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction='sum')
    return as_perplexity(float(total) / ((len(rows) - 1) * rows.shape[1]))


def as_perplexity(loss: float) -> float:
    """Return exp of a mean negative log likelihood in nats; infinite where it is too large."""
    return math.exp(loss) if loss < 700 else math.inf


@torch.no_grad()
def estimate_statistics(network: nn.Module, rows: torch.Tensor, windows: int) -> None:
    """
    Give batch normalisation the statistics that evaluation will see.

    Averaged weights never saw those that training tracked, and training tracks them under
    dropout. The state is carried, nothing is dropped out, and the mean over all windows counts.

    :param network: left in evaluation mode
    :param rows: of the training text, (N, B)
    :param windows: how many windows from the beginning
    """
    network.eval()
    norms = [(module, module.momentum) for module in network.modules()
             if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    for module, _ in norms:
        module.reset_running_stats()
        module.momentum = None
        module.train()
    state = None
    for start in range(0, min(windows * STATISTICS_ROWS, len(rows)), STATISTICS_ROWS):
        state = network.encode(rows[start:start + STATISTICS_ROWS], state).state
    for module, momentum in norms:
        module.momentum = momentum
    network.eval()


def evaluate_checkpoint(path: str, folder: str = '', device: str = 'auto') -> Dict[str, Any]:
    """
    Measure validation and test text, as a run measures them.

    :param path: best.pt or last.pt of a run of training.language
    :param folder: of the texts; empty takes that of the run
    :param device: auto, cpu, cuda or cuda:N
    :return: valid and test perplexity, step, parameters, note
    :raises PerceptionError: the checkpoint or the texts cannot be used
    """
    kept = checkpoint.read(path)
    if kept.get('facts', {}).get('task') != 'language':
        raise ModelError('{} is no checkpoint of a language model; give best.pt or last.pt of a '
                         'run of train language'.format(path))
    settings, words = kept['settings'], kept['facts']['words']
    corpus = open_corpus(folder or settings['folder'], words)
    network = create_network(settings['network'], **dict(settings['arguments'], words=len(words)))
    network.load_state_dict(kept['network'])
    place = distributed.start(device).device
    network.to(place).eval()
    if not kept['estimated']:
        train = in_rows(corpus.tokens['train'], settings['batch_size']).to(place)
        estimate_statistics(network, train, settings['statistics_windows'])
    figures = {split: perplexity(network, in_rows(corpus.tokens[split], settings[batch]).to(place))
               for split, batch in (('valid', 'valid_batch'), ('test', 'test_batch'))}
    return dict(figures, step=kept['progress']['step'], note=corpus.note,
                parameters=sum(parameter.numel() for parameter in network.parameters()))


def sentences(figures: Dict[str, Any], path: str) -> str:
    """Return the figures of evaluate_checkpoint as text."""
    note = '{}\n'.format(figures['note']) if figures['note'] else ''
    return note + ('{path}, step {step}, {parameters:,} parameters\n'
                   'validation perplexity {valid:.2f}\ntest perplexity {test:.2f}\n').format(
                       path=path, **figures)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """
    Print the perplexities of a checkpoint.

    :param arguments: command line; None takes that of the process
    :return: exit status
    """
    parser = argparse.ArgumentParser(description='validation and test perplexity of a checkpoint')
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help='best.pt of a run')
    parser.add_argument('--folder', default='', help='of the texts (that of the run)')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    chosen = parser.parse_args(arguments)
    try:
        sys.stdout.write(sentences(evaluate_checkpoint(chosen.checkpoint, chosen.folder,
                                                       chosen.device), chosen.checkpoint))
    except PerceptionError as error:
        sys.stderr.write('error: {}\n'.format(error))
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
