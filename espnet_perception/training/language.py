# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train a word-level language model as AWD-LSTM does, plainly, from top to bottom.

    espnet-perception train language config/train/ptb_eru_7m.yaml

ESPNetv2 (CVPR 2019), section 4.4, trains its language model so. Stop it at any time (Ctrl-C,
SIGTERM, a power cut): the same command goes on from the last saved step and ends with the same
weights as a run that was never stopped.
"""

import copy
import math
import os
import sys
import time
from typing import Any, Dict, List, NamedTuple, Optional

from espnet_perception.errors import ModelError, SettingsError
from espnet_perception.networks import create_network, LANGUAGE_NETWORKS
from espnet_perception.networks.language import LanguageModel
from espnet_perception.training import checkpoint, distributed
from espnet_perception.training.command import run_script
from espnet_perception.training.datasets.ptb import Corpus, LARGEST_VOCABULARY, open_corpus
from espnet_perception.training.journal import Journal, progress_bar, stop_signals
from espnet_perception.training.language_steps import GraphLearner, Learner, StepOptions
from espnet_perception.training.optimisation import memory_hint
from espnet_perception.training.perplexity import as_perplexity, estimate_statistics, perplexity
from espnet_perception.training.run_state import BEST_FILE, check_same_run, LAST_FILE, plain
from espnet_perception.training.windows import in_rows, Lengths, Window, WindowPlan
import torch
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

COLUMNS = ('step', 'epoch', 'train_perplexity', 'valid_perplexity', 'averaging', 'tokens_per_s')
MAY_CHANGE = ('run_folder', 'folder', 'epochs', 'steps', 'average_after', 'average_from',
              'valid_batch', 'test_batch', 'device', 'threads', 'matmul_precision', 'save_every',
              'report_every')
MATMUL_PRECISIONS = ('highest', 'high', 'medium')  # of torch.set_float32_matmul_precision


class Settings(NamedTuple):
    """Everything that can be set in the YAML file; the only place with defaults."""

    run_folder: str = 'runs/language'
    folder: str = ''                    # of the texts; may hold $VARIABLES
    largest_vocabulary: int = LARGEST_VOCABULARY
    # the network
    network: str = 'eru_lm'             # a key of networks.LANGUAGE_NETWORKS
    arguments: dict = {}                # of its constructor; words come from the text
    # what it sees
    epochs: int = 200
    steps: int = 0                      # ends after so many; 0 after all epochs
    batch_size: int = 20                # texts side by side
    bptt: int = 70                      # usual tokens of a window
    short_share: float = 0.05           # of windows of half that
    spread: float = 5.0                 # standard deviation of their lengths
    length_multiple: int = 1            # lengths are rounded to multiples; 5 for CUDA graphs
    # how it learns
    learning_rate: float = 30.0         # for a window of the usual length
    weight_decay: float = 0.0000012
    clip: float = 0.25                  # norm of the gradients; 0 does not clip
    activation_weight: float = 2.0      # alpha of AR, on the last layer
    slowness_weight: float = 1.0        # beta of TAR, on the last layer
    average_after: int = 5              # checks without a better one that start averaging
    average_from: float = 1.0           # share of the epochs that starts it anyhow; 1 never
    statistics_windows: int = 40        # of training text, for batch normalisation in checks
    # how it runs
    valid_batch: int = 10
    test_batch: int = 1
    seed: int = 7
    device: str = 'auto'
    cuda_graphs: bool = False
    threads: int = 0                    # of a CPU; 0 leaves it to torch
    matmul_precision: str = 'highest'   # medium: factors in bfloat16, where that is faster
    save_every: int = 200               # steps
    report_every: int = 20              # steps


class Run:
    """
    What a run changes as it goes.

    :param network: learns
    :param learner: takes its steps
    """

    def __init__(self, network: LanguageModel, learner: Learner) -> None:
        self.network, self.learner = network, learner
        self.average: Optional[AveragedModel] = None
        self.progress: Dict[str, Any] = {'step': 0, 'best': math.inf, 'checks': []}
        device = next(network.parameters()).device
        self.tally = torch.zeros(2, dtype=torch.float64, device=device)  # nats, tokens per text

    def train_perplexity(self) -> float:
        """
        Return the perplexity of the epoch so far, under dropout.

        :raises ModelError: it is no number
        """
        nats, tokens = self.tally.tolist()
        if not math.isfinite(nats):
            raise ModelError('the loss is {} within the last steps before step {}; the last saved '
                             'step is intact; lower learning_rate'.format(
                                 nats, self.progress['step']))
        return as_perplexity(nats / max(tokens, 1))


def train(settings: Settings) -> Dict[str, Any]:
    """
    Train until the last step, SIGTERM or Ctrl-C; go on where the run's folder ends.

    :param settings: see Settings
    :returns: progress: step, steps, best (validation perplexity) ...
    :raises PerceptionError: the settings, the texts or the run's folder cannot be used
    """
    device = _prepare(settings)
    corpus = open_corpus(settings.folder, limit=settings.largest_vocabulary)
    if corpus.note:
        tqdm.write(corpus.note)
    rows = in_rows(corpus.tokens['train'], settings.batch_size).to(device)
    valid = in_rows(corpus.tokens['valid'], settings.valid_batch).to(device)
    plan = WindowPlan(len(rows), Lengths(settings.bptt, settings.short_share, settings.spread,
                                         settings.length_multiple), settings.epochs, settings.seed)
    steps = min(plan.steps, settings.steps or plan.steps)
    run = _start_or_resume(settings, corpus, device)
    progress = run.progress
    journal = Journal(settings.run_folder, COLUMNS, progress['step'])
    bar, pace, saved = progress_bar(steps, progress['step'], True), _Pace(), progress['step']
    with stop_signals() as stopping:
        while progress['step'] < steps and not stopping:
            window = plan.window(progress['step'])
            with memory_hint(progress['step']):
                _learn(run, rows, window)
            progress['step'] += 1
            pace.tokens += window.length * settings.batch_size
            bar.update()
            last = progress['step'] == steps
            if progress['step'] % settings.report_every == 0 or last:
                bar.set_postfix(perplexity='{:.1f}'.format(run.train_perplexity()),
                                best='{:.2f}'.format(progress['best']), refresh=False)
            if window.last or last:
                journal.add(_check(run, settings, corpus, (rows, valid), pace, window))
            if progress['step'] % settings.save_every == 0:
                saved = _save(run, settings, corpus)
    if progress['step'] != saved:
        _save(run, settings, corpus)
    bar.close()
    journal.close()
    return dict(progress, steps=steps)


class _Pace:
    """Tokens learnt since the last check."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin to measure anew."""
        self.tokens, self.began = 0, time.perf_counter()

    def per_second(self) -> float:
        """Return the tokens per second."""
        return self.tokens / max(time.perf_counter() - self.began, 1e-9)


def _prepare(settings: Settings) -> torch.device:
    """Check what can be checked at once, and choose the device."""
    if settings.network not in LANGUAGE_NETWORKS:
        raise SettingsError('network is {}, expected one of {}'.format(
            settings.network, ', '.join(LANGUAGE_NETWORKS)))
    for key in ('epochs', 'batch_size', 'bptt', 'length_multiple', 'valid_batch', 'test_batch',
                'save_every', 'report_every', 'statistics_windows', 'average_after'):
        if getattr(settings, key) < 1:
            raise SettingsError('{} is {}, expected at least 1'.format(
                key, getattr(settings, key)))
    processes = distributed.start(settings.device)
    if processes.world > 1:
        raise SettingsError('a language model learns in one process, torchrun started {}; start '
                            'it without torchrun'.format(processes.world))
    if settings.cuda_graphs and processes.device.type != 'cuda':
        raise SettingsError('cuda_graphs needs a CUDA device, the device is {}; set cuda_graphs '
                            'to false'.format(processes.device))
    if settings.matmul_precision not in MATMUL_PRECISIONS:
        raise SettingsError('matmul_precision is {}, expected one of {}'.format(
            settings.matmul_precision, ', '.join(MATMUL_PRECISIONS)))
    torch.set_float32_matmul_precision(settings.matmul_precision)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    return processes.device


def _learn(run: Run, rows: torch.Tensor, window: Window) -> None:
    """Take one step."""
    if window.first:
        run.learner.begin_text(rows.shape[1])
        run.tally.zero_()
    end = window.start + window.length
    loss = run.learner.learn(rows[window.start:end], rows[window.start + 1:end + 1])
    run.tally[0] += loss * window.length
    run.tally[1] += window.length
    if run.average is not None:
        run.average.update_parameters(run.network)


def _check(run: Run, settings: Settings, corpus: Corpus, texts: Any, pace: _Pace, window: Window
           ) -> Dict[str, Any]:
    """Measure the validation text, keep the best weights, begin averaging when it is time."""
    progress, rows, valid = run.progress, *texts
    tokens_per_s = pace.per_second()
    network = evaluated(run, rows, settings.statistics_windows)
    found = perplexity(network, valid)
    averaging = run.average is not None
    if found < progress['best']:
        progress['best'] = found
        _save(run, settings, corpus, network)
    if window.last:  # else the run ends within an epoch, which is no step of the policy
        due = settings.average_from < 1 \
            and window.epoch + 1 >= settings.average_from * settings.epochs
        if not averaging and (due or should_average(progress['checks'], found,
                                                    settings.average_after)):
            run.average = AveragedModel(run.network)
        progress['checks'].append(found)
    row = {'step': progress['step'], 'epoch': window.epoch + 1,
           'train_perplexity': run.train_perplexity(), 'valid_perplexity': found,
           'averaging': int(averaging), 'tokens_per_s': tokens_per_s}
    tqdm.write('epoch {epoch}  step {step}  perplexity: train {train_perplexity:.2f}, validation '
               '{valid_perplexity:.2f}  {tokens_per_s:.0f} tokens/s{averaged}'.format(
                   averaged='  (averaged weights)' if averaging else '', **row))
    pace.restart()
    return row


def evaluated(run: Run, rows: torch.Tensor, windows: int) -> LanguageModel:
    """
    Return a copy to be measured: averaged weights if there are any, statistics that fit them.

    :param rows: of the training text
    :param windows: of it, for the statistics
    """
    network = copy.deepcopy(run.network if run.average is None else run.average.module)
    estimate_statistics(network, rows, windows)
    return network


def should_average(before: List[float], found: float, patience: int) -> bool:
    """
    Return whether averaging begins: nothing better for a while, as AWD-LSTM has it.

    :param before: validation perplexity of every check before
    :param found: of this check
    :param patience: the last checks of those before that do not count
    """
    return len(before) > patience and found > min(before[:-patience])


def _save(run: Run, settings: Settings, corpus: Corpus,
          best: Optional[LanguageModel] = None) -> int:
    """Write the last state, or the best weights, at once or not at all; return the step."""
    run.train_perplexity()  # raises where a step went wrong, before the good file is replaced
    network = best if best is not None else \
        run.network if run.average is None else run.average.module
    kept = {'network': network.state_dict(), 'estimated': best is not None,
            'settings': plain(settings), 'progress': run.progress,
            'facts': {'task': 'language', 'words': list(corpus.words)}}
    if best is None:
        kept.update(
            training=run.network.state_dict(), tally=run.tally, hidden=run.learner.state,
            average=None if run.average is None else run.average.state_dict(),
            optimiser=run.learner.optimiser.state_dict(), torch_rng=torch.get_rng_state(),
            cuda_rng=torch.cuda.get_rng_state(run.tally.device) if run.tally.is_cuda else None)
    checkpoint.write(os.path.join(settings.run_folder, BEST_FILE if best is not None
                                  else LAST_FILE), kept)
    return run.progress['step']


def _start_or_resume(settings: Settings, corpus: Corpus, device: torch.device) -> Run:
    """Build the network anew, or take up the run's last checkpoint."""
    network = create_network(settings.network, **dict(settings.arguments,
                                                      words=len(corpus.words))).to(device)
    optimiser = torch.optim.SGD(network.parameters(), settings.learning_rate,
                                weight_decay=settings.weight_decay)
    learner = (GraphLearner if settings.cuda_graphs else Learner)(network, optimiser, StepOptions(
        settings.learning_rate, settings.bptt, settings.clip, settings.activation_weight,
        settings.slowness_weight))
    run, path = Run(network, learner), os.path.join(settings.run_folder, LAST_FILE)
    if not os.path.exists(path):
        return run
    kept = checkpoint.read(path)
    check_same_run(kept, settings, [key for key in settings._fields if key not in MAY_CHANGE])
    if kept['facts']['words'] != list(corpus.words):
        raise SettingsError('{} was made with other words than those of {}; restore the texts or '
                            'choose another run_folder'.format(path, settings.folder))
    network.load_state_dict(kept['training'])
    optimiser.load_state_dict(kept['optimiser'])
    if kept['average'] is not None:
        run.average = AveragedModel(network)
        run.average.load_state_dict(kept['average'])
    learner.state = [tuple(part.to(device) for part in layer) for layer in kept['hidden']]
    run.tally.copy_(kept['tally'])
    run.progress = kept['progress']
    torch.set_rng_state(kept['torch_rng'])
    if kept['cuda_rng'] is not None and device.type == 'cuda':
        torch.cuda.set_rng_state(kept['cuda_rng'], device)
    return run


if __name__ == '__main__':
    sys.exit(run_script('language', Settings, train))
