# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train or fine-tune a segmentation network, plainly, from top to bottom.

    espnet-perception train segmentation config/train/camvid.yaml
    torchrun --nproc-per-node 2 -m espnet_perception.training.segmentation CONFIG

Stop it at any time (Ctrl-C, SIGTERM, a power cut): the same command goes on from the last saved
step and ends with the same weights as a run that was never stopped.
"""

import math
import sys
from typing import Any, Dict, NamedTuple, Optional, Tuple

from espnet_perception.errors import SettingsError
from espnet_perception.training import distributed, losses, schedules
from espnet_perception.training.augment import segmentation_view, Window
from espnet_perception.training.batches import Batch, batches, Plan
from espnet_perception.training.class_shares import class_shares, never_seen
from espnet_perception.training.command import run_script
from espnet_perception.training.datasets import open_pairs
from espnet_perception.training.datasets.pairs import PairDataset
from espnet_perception.training.journal import Journal, progress_bar, stop_signals
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
from espnet_perception.training.scoring import confusion_of, normalised
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

COLUMNS = ('step', 'epoch', 'learning_rate', 'loss', 'miou', 'pixel_accuracy', 'images_per_s',
           'waiting_share', 'forward_share')
FIXED_BY_A_RUN = ('dataset', 'dataset_options', 'train_split', 'network', 'arguments', 'windows',
                  'epochs', 'batch_size', 'optimiser', 'schedule', 'learning_rate',
                  'schedule_options', 'seed')


class Settings(NamedTuple):
    """Everything that can be set in the YAML file; the only place with defaults."""

    run_folder: str = 'runs/segmentation'
    # what it learns from
    dataset: str = 'folder'             # a key of training.datasets.SEGMENTATION
    folder: str = ''                    # where it lies; may hold $VARIABLES
    train_split: str = 'train'
    check_split: str = 'val'            # chooses the best weights; empty keeps the last
    dataset_options: dict = {}          # of its opener, such as classes of folder
    # the network
    network: str = 'espnetv2_seg'       # a key of networks.NETWORKS
    arguments: dict = {}                # of its constructor; classes come from the data set
    init_from: str = ''                 # model, checkpoint or released file to start from
    encoder_factor: float = 1.0         # learning rate of the encoder over that of the rest
    freeze_batch_norm: bool = False     # keep the statistics that it started with
    # what it sees
    input_width: int = 480              # of whole images, in checks and in the model's card
    input_height: int = 352
    windows: tuple = ((0, 480, 352, 0.5, 2.0),)  # from epoch, width, height, zoom from, to
    photometric: float = 1.0            # strength of the change of colours, 0 to 1
    # how it learns
    epochs: int = 100
    batch_size: int = 8                 # images per step, over all processes
    accumulate: int = 1                 # parts in which a step's images are computed
    optimiser: str = 'adamw'            # a key of training.optimisation.OPTIMISERS
    weight_decay: float = 0.0005
    clip: float = 5.0                   # norm of the gradients; 0 does not clip
    schedule: str = 'cosine'            # a key of training.schedules.SCHEDULES
    learning_rate: float = 0.002
    schedule_options: dict = {}         # further fields of training.schedules.Schedule
    class_weight_floor: float = 1.1     # weight = 1 / ln(floor + share of the class); 0 for none
    overlap_weight: float = 0.0         # of the soft Jaccard loss beside the cross-entropy
    label_smoothing: float = 0.0
    half_size_loss: bool = False        # learn before the last enlargement, a third faster
    average_decay: float = 0.0          # of the averaged weights that are checked and kept
    patience: int = 0                   # checks without a better one after which it ends; 0 never
    # how it runs
    seed: int = 7
    device: str = 'auto'
    precision: str = 'auto'             # auto, fp32, bf16, fp16
    threads: int = 0                    # of a CPU; 0 leaves it to torch
    workers: int = 0                    # processes that load images
    check_every: int = 5                # epochs
    save_every: int = 50                # steps


def train(settings: Settings) -> Dict[str, Any]:
    """
    Train until the last step, SIGTERM or Ctrl-C; go on where the run's folder ends.

    :param settings: see Settings
    :returns: progress: step, steps, best (mIoU of the check split) ...
    :raises PerceptionError: the settings, the data set or the run's folder cannot be used
    """
    processes = distributed.start(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    if settings.half_size_loss and settings.network != 'espnetv2_seg':
        raise SettingsError('half_size_loss is for espnetv2_seg, the network is {}; set it to '
                            'false'.format(settings.network))
    schedule = schedules.of_settings(settings)
    pairs = open_split(settings, settings.train_split)
    check = open_split(settings, settings.check_split) if settings.check_split else None
    for part in (pairs, check):
        if part is not None and part.note and processes.first:
            tqdm.write(part.note)
    weights = _class_weights(pairs, settings, processes)
    plan = Plan(len(pairs), settings.batch_size,
                math.ceil(settings.epochs * len(pairs) / settings.batch_size), settings.seed,
                processes.rank, processes.world).check()
    facts = facts_of('segmentation', pairs.label_set)
    state = start_or_resume(settings, facts, FIXED_BY_A_RUN, processes.device)
    learner = distributed.parallel(_Outputs(state.network, settings.half_size_loss), processes)
    journal = Journal(settings.run_folder, COLUMNS, state.progress['step'], processes.first)
    bar, pace = progress_bar(plan.steps, state.progress['step'], processes.first), Pace()
    view = View(pairs, settings, plan)
    with stop_signals() as stopping:
        for batch in batches(plan, view, state.progress['step'], settings.workers):
            step = state.progress['step']
            rate = schedules.learning_rate(schedule, plan.epoch(step))
            set_rate(state.optimiser, rate)
            with memory_hint(step):
                loss = _learn(learner, state, batch, weights, settings)
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


class View:
    """Give the augmented view of one image; it travels to the loading processes."""

    def __init__(self, pairs: Any, settings: Settings, plan: Plan) -> None:
        self.pairs, self.plan, self.photometric = pairs, plan, settings.photometric
        self.windows = [(row[0], Window(*row[1:])) for row in settings.windows]

    def __call__(self, index: int, rng: np.random.Generator, step: int
                 ) -> Tuple[np.ndarray, np.ndarray]:
        epoch = self.plan.epoch(step)
        window = [window for begin, window in self.windows if begin <= epoch][-1]
        image_bgr, labels = self.pairs.read(index)
        return segmentation_view(image_bgr, labels, window, rng, self.photometric)


class _Outputs(nn.Module):
    """The outputs that are learnt from: all of them, or those before the last enlargement."""

    def __init__(self, network: nn.Module, half_size: bool) -> None:
        super().__init__()
        self.network, self.half_size = network, half_size

    def forward(self, images: torch.Tensor) -> Any:
        if self.half_size:
            return self.network.pyramid4(self.network.decode(images))
        return self.network(images)


def open_split(settings: Settings, split: str) -> PairDataset:
    """Open a part of the data set of a run."""
    return open_pairs(settings.dataset, settings.folder, split, settings.dataset_options)


def _class_weights(pairs: Any, settings: Settings, processes: distributed.Processes
                   ) -> Optional[torch.Tensor]:
    shares = class_shares(pairs, settings.run_folder, quiet=not processes.first)
    missing = never_seen(pairs, shares)
    if missing and processes.first:
        tqdm.write('never seen in the masks of {}, and so never learnt: {}'.format(
            settings.train_split, ', '.join(missing)))
    if not settings.class_weight_floor:
        return None
    return losses.class_weights(shares, settings.class_weight_floor).to(processes.device)


def _learn(learner: nn.Module, state: State, batch: Batch, weights: Optional[torch.Tensor],
           settings: Settings) -> float:
    """Take one step on one batch, in as many parts as are accumulated; returns its loss."""
    state.network.train()
    if settings.freeze_batch_norm:
        freeze_batch_norm(state.network)
    total, device = 0.0, state.precision.device
    row, column = torch.randint(2, (2,)).tolist()  # which of the four pixels a score stands for
    for images, labels in zip(batch.images.chunk(settings.accumulate),
                              batch.targets.chunk(settings.accumulate)):
        labels = labels.to(device).long()
        if settings.half_size_loss:
            labels = labels[:, row::2, column::2]
        with state.precision.forward():
            outputs = learner(normalised(images.to(device)))
            loss = losses.segmentation_loss(outputs, labels, weights, settings.label_smoothing,
                                            settings.overlap_weight)
        loss = loss * (len(images) / len(batch.images))
        state.precision.backward(loss)
        total += float(loss.detach())
    take_step(state, total, settings.clip)
    return total


def _check(state: State, settings: Settings, pairs: Any, journal: Journal, row: Dict[str, Any]
           ) -> None:
    """Score the averaged weights, keep the best, write a row down."""
    progress = state.progress
    row.update(step=progress['step'], loss=progress['mean_loss'])
    tqdm.write('{images_per_s:.1f} images/s, {forward_share:.0%} of the forward pass alone; '
               '{waiting_share:.1%} of the time waiting for images'.format(**row))
    if pairs is not None:
        size = (settings.input_height, settings.input_width)
        scores = confusion_of(state.average.network, pairs, size).scores()
        row.update(miou=scores.miou_present, pixel_accuracy=scores.pixel_accuracy)
        tqdm.write('epoch {:.1f}  loss {:.4f}  mIoU {:.4f}  {}'.format(
            row['epoch'], row['loss'], row['miou'], '  '.join(
                '{} {:.2f}'.format(*pair) for pair in zip(pairs.label_set.classes, scores.iou))))
    keep_best(state, settings, row.get('miou'))
    journal.add(row)


if __name__ == '__main__':
    sys.exit(run_script('segmentation', Settings, train))
