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
import os
import sys
from typing import Any, Dict, NamedTuple, Optional, Tuple

from espnet_perception.errors import ModelError, SettingsError
from espnet_perception.networks import create_network
from espnet_perception.training import checkpoint, distributed, losses, schedules
from espnet_perception.training.augment import segmentation_view, Window
from espnet_perception.training.batches import Batch, batches, Plan
from espnet_perception.training.class_shares import class_shares, never_seen
from espnet_perception.training.command import run_script
from espnet_perception.training.datasets import open_pairs
from espnet_perception.training.datasets.pairs import PairDataset
from espnet_perception.training.initialisation import initialise_from
from espnet_perception.training.journal import Journal, progress_bar, stop_signals
from espnet_perception.training.optimisation import (
    AveragedWeights,
    freeze_batch_norm,
    make_optimiser,
    memory_hint,
    Precision,
    set_rate,
)
from espnet_perception.training.pace import Pace
from espnet_perception.training.scoring import confusion_of, normalised
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

LAST_FILE, BEST_FILE = 'last.pt', 'best.pt'
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


class State(NamedTuple):
    """
    What a run changes as it goes.

    :param network: in training
    :param average: the network that is checked and kept
    :param optimiser: of the network
    :param precision: number format
    :param progress: step, best, checks_since_best, mean_loss, skipped
    """

    network: nn.Module
    average: AveragedWeights
    optimiser: torch.optim.Optimizer
    precision: Precision
    progress: Dict[str, Any]


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
    schedule = schedules.check(schedules.Schedule(
        settings.schedule, settings.learning_rate, settings.epochs, **settings.schedule_options))
    data = open_split(settings, settings.train_split)
    check = open_split(settings, settings.check_split) if settings.check_split else None
    for part in (data, check):
        if part is not None and part.note and processes.first:
            tqdm.write(part.note)
    weights = _class_weights(data, settings, processes)
    plan = Plan(len(data), settings.batch_size,
                math.ceil(settings.epochs * len(data) / settings.batch_size), settings.seed,
                processes.rank, processes.world).check()
    state = _start_or_resume(settings, len(data.label_set.classes), processes.device)
    learner = distributed.parallel(_Outputs(state.network, settings.half_size_loss), processes)
    journal = Journal(settings.run_folder, COLUMNS, state.progress['step'], processes.first)
    bar, pace = progress_bar(plan.steps, state.progress['step'], processes.first), Pace()
    view = View(data, settings, plan)
    with stop_signals() as stopping:
        for batch in batches(plan, view, state.progress['step'], settings.workers):
            step = state.progress['step']
            rate = schedules.learning_rate(schedule, plan.epoch(step))
            set_rate(state.optimiser, rate)
            with memory_hint(step):
                loss = _learn(learner, state, batch, weights, settings)
            pace.add(batch)
            _note(state.progress, distributed.mean(loss, processes), batch, bar)
            last = step + 1 == plan.steps
            if processes.first and (last or _check_is_due(plan, step, settings.check_every)):
                pace.measure_forward(state.network, batch)
                row = dict(pace.row(), epoch=plan.epoch(step + 1), learning_rate=rate)
                _check(state, settings, check, journal, row)
                pace.restart()
            ending = last or _has_waited_long(state.progress, settings) or bool(stopping)
            ending = distributed.anywhere(ending, processes)
            if processes.first and (ending or (step + 1) % settings.save_every == 0):
                save_state(os.path.join(settings.run_folder, LAST_FILE), state, settings)
            if ending:
                break
    bar.close()
    journal.close()
    distributed.finish(processes)
    return dict(state.progress, steps=plan.steps)


class View:
    """Give the augmented view of one image; it travels to the loading processes."""

    def __init__(self, data: Any, settings: Settings, plan: Plan) -> None:
        self.data, self.plan, self.photometric = data, plan, settings.photometric
        self.windows = [(row[0], Window(*row[1:])) for row in settings.windows]

    def __call__(self, index: int, rng: np.random.Generator, step: int
                 ) -> Tuple[np.ndarray, np.ndarray]:
        epoch = self.plan.epoch(step)
        window = [window for begin, window in self.windows if begin <= epoch][-1]
        image_bgr, labels = self.data.read(index)
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


def _class_weights(data: Any, settings: Settings, processes: distributed.Processes
                   ) -> Optional[torch.Tensor]:
    shares = class_shares(data, settings.run_folder, quiet=not processes.first)
    missing = never_seen(data, shares)
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
    if not math.isfinite(total):
        raise ModelError('the loss of step {} is {}; the last saved step is intact; lower '
                         'learning_rate'.format(state.progress['step'], total))
    state.precision.step(state.network, state.optimiser, settings.clip)
    state.average.update(state.network)
    return total


def _note(progress: Dict[str, Any], loss: float, batch: Batch, bar: tqdm) -> None:
    """Count a step."""
    for sentence in batch.problems:
        progress['skipped'] += 1
        tqdm.write('skipped: ' + sentence)
    step = progress['step']
    progress['mean_loss'] = 0.98 * progress['mean_loss'] + 0.02 * loss if step else loss
    progress['step'] = step + 1
    bar.set_postfix(loss='{:.3f}'.format(progress['mean_loss']),
                    best='{:.3f}'.format(progress['best']), refresh=False)
    bar.update()


def _check_is_due(plan: Plan, step: int, every: int) -> bool:
    """Return whether an epoch with a check ends with this step."""
    before, after = int(plan.epoch(step)), int(plan.epoch(step + 1))
    return after > before and after % every == 0


def _check(state: State, settings: Settings, data: Any, journal: Journal, row: Dict[str, Any]
           ) -> None:
    """Score the averaged weights, keep the best, write a row down."""
    progress = state.progress
    row.update(step=progress['step'], loss=progress['mean_loss'])
    tqdm.write('{images_per_s:.1f} images/s, {forward_share:.0%} of the forward pass alone; '
               '{waiting_share:.1%} of the time waiting for images'.format(**row))
    if data is not None:
        size = (settings.input_height, settings.input_width)
        scores = confusion_of(state.average.network, data, size).scores()
        row.update(miou=scores.miou_present, pixel_accuracy=scores.pixel_accuracy)
        tqdm.write('epoch {:.1f}  loss {:.4f}  mIoU {:.4f}  {}'.format(
            row['epoch'], row['loss'], row['miou'], '  '.join(
                '{} {:.2f}'.format(*pair) for pair in zip(data.label_set.classes, scores.iou))))
    progress['checks_since_best'] += 1
    if data is None or row['miou'] > progress['best']:
        progress.update(best=row.get('miou', 0.0), checks_since_best=0)
        save_state(os.path.join(settings.run_folder, BEST_FILE), state, settings)
    journal.add(row)


def _has_waited_long(progress: Dict[str, Any], settings: Settings) -> bool:
    return 0 < settings.patience <= progress['checks_since_best']


def network_arguments(settings: Settings, classes: int) -> Dict[str, Any]:
    """Return the arguments of the network's constructor."""
    return dict(settings.arguments, classes=classes)


def save_state(path: str, state: State, settings: Settings) -> None:
    """
    Write everything that going on needs, at once or not at all.

    :param path: of the checkpoint
    :raises OSError: no room; the checkpoint that was there is intact
    """
    checkpoint.write(path, {
        'network': state.average.network.state_dict(), 'updates': state.average.updates,
        'training': state.network.state_dict(), 'optimiser': state.optimiser.state_dict(),
        'scaler': state.precision.scaler.state_dict(), 'settings': plain(settings),
        'progress': state.progress, 'torch_rng': torch.get_rng_state()})


def plain(settings: Settings) -> Dict[str, Any]:
    """Return the settings as plain data, equal before and after a checkpoint."""
    values = dict(settings._asdict())
    values['windows'] = [list(row) for row in settings.windows]
    return values


def _start_or_resume(settings: Settings, classes: int, device: torch.device) -> State:
    """Build the network anew or from the run's last checkpoint."""
    path = os.path.join(settings.run_folder, LAST_FILE)
    network = create_network(settings.network, **network_arguments(settings, classes))
    kept = checkpoint.read(path) if os.path.exists(path) else None
    if kept is None and settings.init_from:
        tqdm.write(initialise_from(network, settings.init_from))
    network = network.to(device, memory_format=torch.channels_last)
    state = State(network, AveragedWeights(network, settings.average_decay),
                  make_optimiser(network, settings.optimiser, settings.weight_decay,
                                 settings.encoder_factor),
                  Precision(settings.precision, device),
                  {'step': 0, 'best': 0.0, 'checks_since_best': 0, 'mean_loss': 0.0,
                   'skipped': 0})
    if kept is None:
        return state
    now = plain(settings)
    for key in FIXED_BY_A_RUN:
        before = kept['settings'].get(key, Settings._field_defaults[key])
        if before != now[key]:
            raise SettingsError('{} was made with {} {!r}, the settings say {!r}; restore it or '
                                'choose another run_folder'.format(path, key, before, now[key]))
    network.load_state_dict(kept['training'])
    state.average.network.load_state_dict(kept['network'])
    state.average.updates = kept['updates']
    state.optimiser.load_state_dict(kept['optimiser'])
    state.precision.scaler.load_state_dict(kept['scaler'])
    torch.set_rng_state(kept['torch_rng'])
    return state._replace(progress=kept['progress'])


if __name__ == '__main__':
    sys.exit(run_script('segmentation', Settings, train))
