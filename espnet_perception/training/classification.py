# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train or fine-tune a classification network, plainly, from top to bottom.

    espnet-perception train classification config/train/image_folder.yaml
    torchrun --nproc-per-node 2 -m espnet_perception.training.classification CONFIG

The data set says whether an image has one class (cross-entropy) or any number of them (binary
cross-entropy). Stop a run at any time: the same command goes on from the last saved step and
ends with the same weights as a run that was never stopped.
"""

import math
import sys
from typing import Any, Dict, NamedTuple, Optional, Tuple

from espnet_perception.training import distributed, losses, schedules
from espnet_perception.training.augment import classification_view
from espnet_perception.training.batches import Batch, batches, Plan
from espnet_perception.training.command import run_script
from espnet_perception.training.datasets import open_labelled
from espnet_perception.training.datasets.labelled import check_same_classes, LabelledDataset
from espnet_perception.training.journal import Journal, progress_bar, stop_signals
from espnet_perception.training.label_scoring import count_labels, Fit
from espnet_perception.training.optimisation import freeze_batch_norm, memory_hint, set_rate
from espnet_perception.training.pace import Pace
from espnet_perception.training.run_state import (
    check_is_due,
    facts_of,
    has_waited_long,
    keep_best,
    note_step,
    save,
    start_or_resume,
    State,
    take_step,
)
from espnet_perception.training.scoring import normalised
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

SCORES = {False: ('top1', 'top5'), True: ('overall_f1', 'class_f1')}  # by multi_label; best first
COLUMNS = ('step', 'epoch', 'learning_rate', 'loss', *SCORES[False], *SCORES[True],
           'images_per_s', 'waiting_share', 'forward_share')
FIXED_BY_A_RUN = ('dataset', 'dataset_options', 'train_split', 'network', 'arguments',
                  'input_width', 'input_height', 'smallest_area', 'photometric', 'epochs',
                  'batch_size', 'optimiser', 'schedule', 'learning_rate', 'schedule_options',
                  'seed')


class Settings(NamedTuple):
    """Everything that can be set in the YAML file; the only place with defaults."""

    run_folder: str = 'runs/classification'
    # what it learns from
    dataset: str = 'image_folder'       # a key of training.datasets.CLASSIFICATION
    folder: str = ''                    # where it lies; may hold $VARIABLES
    train_split: str = 'train'
    check_split: str = 'val'            # chooses the best weights; empty keeps the last
    dataset_options: dict = {}          # of its opener, such as count of patches
    # the network
    network: str = 'espnetv2'           # a key of networks.NETWORKS
    arguments: dict = {}                # of its constructor; classes come from the data set
    init_from: str = ''                 # model, checkpoint or released file to start from
    encoder_factor: float = 1.0         # learning rate of the encoder over that of the rest
    freeze_batch_norm: bool = False     # keep the statistics that it started with
    # what it sees
    input_width: int = 224              # in training, in checks and in the model's card
    input_height: int = 224
    crop_ratio: float = 0.875           # of checks and the card: share of the middle; 0 stretches
    smallest_area: float = 0.08         # share of an image in a view; 0.2 suits small networks
    photometric: float = 0.0            # strength of the change of colours, 0 to 1
    # how it learns
    epochs: int = 100
    batch_size: int = 64                # images per step, over all processes
    accumulate: int = 1                 # parts in which a step's images are computed
    optimiser: str = 'sgd'              # a key of training.optimisation.OPTIMISERS
    weight_decay: float = 0.00004
    clip: float = 0.0                   # norm of the gradients; 0 does not clip
    schedule: str = 'cosine'            # a key of training.schedules.SCHEDULES
    learning_rate: float = 0.05
    schedule_options: dict = {}         # further fields of training.schedules.Schedule
    label_smoothing: float = 0.0        # where an image has one class
    average_decay: float = 0.0          # of the averaged weights that are checked and kept
    patience: int = 0                   # checks without a better one after which it ends; 0 never
    # how it runs
    seed: int = 7
    device: str = 'auto'
    precision: str = 'auto'             # auto, fp32, bf16, fp16
    threads: int = 0                    # of a CPU; 0 leaves it to torch
    workers: int = 0                    # processes that load images
    check_every: int = 1                # epochs
    save_every: int = 50                # steps


def train(settings: Settings) -> Dict[str, Any]:
    """
    Train until the last step, SIGTERM or Ctrl-C; go on where the run's folder ends.

    :param settings: see Settings
    :returns: progress: step, steps, best (top-1 or overall F1 of the check split) ...
    :raises PerceptionError: the settings, the data set or the run's folder cannot be used
    """
    processes = distributed.start(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    schedule = schedules.of_settings(settings)
    images = open_split(settings, settings.train_split)
    check = open_split(settings, settings.check_split) if settings.check_split else None
    if check is not None:
        check_same_classes(images, check)
    plan = Plan(len(images), settings.batch_size,
                math.ceil(settings.epochs * len(images) / settings.batch_size), settings.seed,
                processes.rank, processes.world).check()
    facts = dict(facts_of('classification', images.label_set), multi_label=images.multi_label)
    state = start_or_resume(settings, facts, FIXED_BY_A_RUN, processes.device)
    learner = distributed.parallel(state.network, processes)
    journal = Journal(settings.run_folder, COLUMNS, state.progress['step'], processes.first)
    bar, pace = progress_bar(plan.steps, state.progress['step'], processes.first), Pace()
    view = View(images, settings)
    with stop_signals() as stopping:
        for batch in batches(plan, view, state.progress['step'], settings.workers):
            step = state.progress['step']
            rate = schedules.learning_rate(schedule, plan.epoch(step))
            set_rate(state.optimiser, rate)
            with memory_hint(step):
                loss = _learn(learner, state, batch, settings)
            pace.add(batch)
            note_step(state.progress, distributed.mean(loss, processes), batch, bar)
            last = step + 1 == plan.steps
            if processes.first and (last or check_is_due(plan, step, settings.check_every)):
                pace.measure_forward(state.network, batch)
                row = dict(pace.row(), epoch=plan.epoch(step + 1), learning_rate=rate)
                _check(state, settings, check, journal, row)
                pace.restart()
            ending = last or has_waited_long(state.progress, settings.patience) or bool(stopping)
            ending = distributed.anywhere(ending, processes)
            if processes.first and (ending or (step + 1) % settings.save_every == 0):
                save(state, settings)
            if ending:
                break
    bar.close()
    journal.close()
    distributed.finish(processes)
    return dict(state.progress, steps=plan.steps)


def open_split(settings: Settings, split: str) -> LabelledDataset:
    """Open a part of the data set of a run."""
    return open_labelled(settings.dataset, settings.folder, split, settings.dataset_options)


class View:
    """Give the augmented view of one image; it travels to the loading processes."""

    def __init__(self, images: LabelledDataset, settings: Settings) -> None:
        self.images = images
        self.size = (settings.input_width, settings.input_height)
        self.smallest_area, self.photometric = settings.smallest_area, settings.photometric

    def __call__(self, index: int, rng: np.random.Generator, step: int
                 ) -> Tuple[np.ndarray, Any]:
        image_bgr, target = self.images.read(index)
        return classification_view(image_bgr, self.size, self.smallest_area, rng,
                                   self.photometric), target


def _learn(learner: nn.Module, state: State, batch: Batch, settings: Settings) -> float:
    """Take one step on one batch, in as many parts as are accumulated; returns its loss."""
    state.network.train()
    if settings.freeze_batch_norm:
        freeze_batch_norm(state.network)
    total, device = 0.0, state.precision.device
    multi_label = state.facts['multi_label']
    for images, targets in zip(batch.images.chunk(settings.accumulate),
                               batch.targets.chunk(settings.accumulate)):
        targets = targets.to(device)
        with state.precision.forward():
            logits = learner(normalised(images.to(device)))
            loss = losses.classification_loss(logits, targets.float() if multi_label else targets,
                                              multi_label, settings.label_smoothing)
        loss = loss * (len(images) / len(batch.images))
        state.precision.backward(loss)
        total += float(loss.detach())
    take_step(state, total, settings.clip)
    return total


def _check(state: State, settings: Settings, check: Optional[LabelledDataset], journal: Journal,
           row: Dict[str, Any]) -> None:
    """Score the averaged weights, keep the best, write a row down."""
    row.update(step=state.progress['step'], loss=state.progress['mean_loss'])
    tqdm.write('{images_per_s:.1f} images/s, {forward_share:.0%} of the forward pass alone; '
               '{waiting_share:.1%} of the time waiting for images'.format(**row))
    names = SCORES[state.facts['multi_label']]
    if check is not None:
        row.update(_scores(state, settings, check))
        tqdm.write('epoch {:.1f}  loss {:.4f}  {}'.format(row['epoch'], row['loss'], '  '.join(
            '{} {:.4f}'.format(name, row[name]) for name in names if name in row)))
    keep_best(state, settings, row.get(names[0]))
    journal.add(row)


def _scores(state: State, settings: Settings, check: LabelledDataset) -> Dict[str, float]:
    fit = Fit(settings.input_width, settings.input_height, settings.crop_ratio)
    scores = count_labels(state.average.network, check, fit, settings.workers).scores()
    if check.multi_label:
        return {'overall_f1': scores.overall_f1, 'class_f1': scores.class_f1}
    return {'top{}'.format(k): share for k, share in scores.accuracy.items()}


if __name__ == '__main__':
    sys.exit(run_script('classification', Settings, train))
