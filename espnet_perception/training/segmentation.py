# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train an ESPNetv2 segmentation network on synthetic streets, plainly, from top to bottom.

First train, then measure:

    python -m espnet_perception.training.segmentation --config config/train/synthetic.yaml
    python -m espnet_perception.training.segmentation --evaluate models/espnetv2_s0.5_synthetic

Stop it at any time (Ctrl-C or SIGTERM): it saves and exits, and the same command goes on from
there as if it had never been stopped.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from espnet_perception.errors import (
    ModelError,
    PerceptionError,
    SettingsError,
    unknown_key_sentence,
)
from espnet_perception.evaluation.metrics import ConfusionMatrix, Scores
from espnet_perception.label_sets import CITYSCAPES
from espnet_perception.model_card import IMAGENET_MEAN, IMAGENET_STD
from espnet_perception.networks.segmentation import ESPNetv2Segmentation
from espnet_perception.training import checkpoint, frame_cache, published
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm
import yaml

CLASSES = len(CITYSCAPES.classes)
VOID = 255


class Settings(NamedTuple):
    """Everything that can be set in the YAML file; the only place with defaults."""

    run_folder: str = 'runs/segmentation'
    start_from: str = ''                # weights or checkpoint that a new run starts from
    width_factor: float = 0.5           # s of the network
    width: int = 512                    # of the frames, pixels
    height: int = 256
    train_seed_first: int = 1000        # drives seed_first, seed_first + 1, ...
    train_drives: int = 300
    frames_per_drive: int = 10
    check_seed_first: int = 50000       # drives that choose the best checkpoint
    check_drives: int = 8
    check_frames_per_drive: int = 6
    steps: int = 3600
    batch_size: int = 8
    crop_width: int = 384               # of the windows learnt from, multiples of 16
    crop_height: int = 192
    whole_frames_from: float = 0.8      # share of the steps after which whole frames are learnt
    learning_rate: float = 0.004        # peak of the one-cycle schedule
    warm_up: float = 0.06               # share of the steps that climb to the peak
    weight_decay: float = 0.0002
    overlap_weight: float = 0.5         # of the soft Jaccard loss beside the cross-entropy
    class_weight_floor: float = 1.3     # weight = 1 / ln(floor + share of the class)
    seed: int = 7
    threads: int = 2
    render_workers: int = 2
    check_every: int = 250              # steps
    save_every: int = 50


def load_settings(path: str) -> Settings:
    """
    Read a YAML file over the defaults.

    :param path: YAML mapping, its keys are fields of Settings
    :raises SettingsError: not readable, unknown key or wrong type
    """
    try:
        with open(path, encoding='utf-8') as stream:
            values = yaml.safe_load(stream) or {}
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError('cannot read the training settings {}: {}'.format(path, error))
    if not isinstance(values, dict):
        raise SettingsError('the training settings {} hold {}, expected a mapping'.format(
            path, type(values).__name__))
    for key, value in values.items():
        if key not in Settings._fields:
            raise SettingsError(unknown_key_sentence('training setting', key, Settings._fields))
        expected = type(Settings._field_defaults[key])
        if not isinstance(value, expected) and not (expected is float and type(value) is int):
            raise SettingsError('training setting {} is {!r}, expected {}'.format(
                key, value, expected.__name__))
    return Settings(**values)


def to_tensors(images_bgr: np.ndarray, labels: np.ndarray) -> Tuple[torch.Tensor, torch.Tensor]:
    """Turn (B, H, W, 3) uint8 and (B, H, W) uint8 into normalised float32 and int64 tensors."""
    pixels = torch.from_numpy(np.ascontiguousarray(images_bgr[..., ::-1])).float()
    pixels = (pixels - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STD)
    return pixels.permute(0, 3, 1, 2), torch.from_numpy(labels.astype(np.int64))


def class_weights(labels: np.ndarray, floor: float) -> torch.Tensor:
    """Return (CLASSES,) weights that lift rare classes, their mean over pixels being 1."""
    shares = frame_cache.class_shares(labels, CLASSES)
    weights = 1 / np.log(floor + shares)
    return torch.tensor(weights / (weights * shares).sum(), dtype=torch.float32)


def learning_rate(step: int, settings: Settings) -> float:
    """Return the rate of a step: a linear climb, then half a cosine down to zero."""
    climb = max(1.0, settings.warm_up * settings.steps)
    if step < climb:
        return settings.learning_rate * (step + 1) / climb
    share = (step - climb) / max(1.0, settings.steps - climb)
    return settings.learning_rate * 0.5 * (1 + float(np.cos(np.pi * min(share, 1.0))))


def window_size(step: int, settings: Settings) -> Tuple[int, int]:
    """Return width and height of what is learnt from at a step: windows, at last whole frames."""
    if step < settings.whole_frames_from * settings.steps:
        return settings.crop_width, settings.crop_height
    return settings.width, settings.height


def half_size_logits(network: ESPNetv2Segmentation, images: torch.Tensor) -> torch.Tensor:
    """Return logits before the last enlargement, which costs a third of the time in training."""
    return network.pyramid4(network.decode(images))


def overlap_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """
    Return one minus the soft intersection over union, mean over the classes in the labels.

    :param logits: (B, CLASSES, H, W)
    :param labels: (B, H, W) int64, VOID where unknown
    """
    known = labels != VOID
    shares = logits.softmax(1).permute(1, 0, 2, 3)[:, known]
    truth = labels[known]
    right = shares.gather(0, truth[None])[0]
    zeros = torch.zeros(CLASSES)
    overlap = zeros.index_add(0, truth, right)
    number = zeros.index_add(0, truth, torch.ones_like(right))
    union = shares.sum(1) + number - overlap
    present = number > 0  # chosen before the division: 0 / 0 of an absent class has no gradient
    return 1 - (overlap[present] / union[present]).mean()


def train_step(network: ESPNetv2Segmentation, optimiser: torch.optim.Optimizer,
               batch: Tuple[np.ndarray, np.ndarray], weights: torch.Tensor,
               overlap_weight: float) -> float:
    """
    Learn from one batch and return its loss.

    Logits of half size meet the label in one of the four pixels that they stand for, chosen anew
    for each batch, so that no offset is learnt.
    """
    images, labels = to_tensors(*batch)
    images = images.contiguous(memory_format=torch.channels_last)
    logits = half_size_logits(network, images)
    row, column = int(torch.randint(2, ())), int(torch.randint(2, ()))
    labels = labels[:, row::2, column::2]
    loss = functional.cross_entropy(logits, labels, weights, ignore_index=VOID)
    loss = loss + overlap_weight * overlap_loss(logits, labels)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


def predict(network: nn.Module, image_bgr: np.ndarray) -> np.ndarray:
    """Return the (H, W) uint8 labels of one (H, W, 3) uint8 frame at full size, in float32."""
    images, _ = to_tensors(image_bgr[None], np.zeros((1, 1, 1)))
    with torch.inference_mode():
        return network(images)[0].argmax(0).numpy().astype(np.uint8)


def measure(network: nn.Module, images_bgr: Sequence[np.ndarray], labels: Sequence[np.ndarray]
            ) -> Scores:
    """Score a network on frames: one confusion matrix over all of them, at full size."""
    network.eval()
    confusion = ConfusionMatrix(CLASSES)
    for image_bgr, truth in zip(images_bgr, labels):
        confusion.add(truth, predict(network, image_bgr))
    network.train()
    return confusion.scores()


def save_state(path: str, network: nn.Module, optimiser: torch.optim.Optimizer,
               settings: Settings, progress: Dict[str, Any]) -> None:
    """Write everything that going on needs."""
    checkpoint.write(path, {
        'network': network.state_dict(), 'optimiser': optimiser.state_dict(),
        'arguments': {'classes': CLASSES, 'width': settings.width_factor},
        'settings': dict(settings._asdict()), 'progress': progress,
        'torch_rng': torch.get_rng_state()})


def train(settings: Settings) -> Dict[str, Any]:
    """
    Train until the last step or until SIGTERM or Ctrl-C; go on where the run folder ends.

    :param settings: see Settings
    :returns: progress: step, best (mIoU on the check drives), log (rows of step, loss, mIoU)
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    cache = _frames(settings, 'train', settings.train_seed_first, settings.train_drives,
                    settings.frames_per_drive)
    check = _frames(settings, 'check', settings.check_seed_first, settings.check_drives,
                    settings.check_frames_per_drive)
    weights = class_weights(cache.labels, settings.class_weight_floor)
    network = ESPNetv2Segmentation(classes=CLASSES, width=settings.width_factor)
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=settings.weight_decay)
    last_path = os.path.join(settings.run_folder, 'last.pt')
    progress = _go_on(last_path, network, optimiser, settings.start_from)
    bar = tqdm(total=settings.steps, initial=progress['step'], desc='training', mininterval=5)
    with _stop_signals() as stopping:
        while progress['step'] < settings.steps and not stopping:
            step = progress['step']
            for group in optimiser.param_groups:
                group['lr'] = learning_rate(step, settings)
            batch = frame_cache.batch(cache, settings.batch_size, window_size(step, settings),
                                      settings.seed, step)
            loss = train_step(network, optimiser, batch, weights, settings.overlap_weight)
            if not np.isfinite(loss):
                raise ModelError('the loss of step {} is {}; the run ends here and {} is older; '
                                 'lower learning_rate'.format(step, loss, last_path))
            progress['mean_loss'] = 0.98 * progress['mean_loss'] + 0.02 * loss if step else loss
            progress['step'] = step + 1
            bar.set_postfix(loss='{:.3f}'.format(progress['mean_loss']), refresh=False)
            bar.update()
            done = progress['step'] == settings.steps
            if progress['step'] % settings.check_every == 0 or done:
                _check(network, check, settings, progress, optimiser)
            if progress['step'] % settings.save_every == 0 or done or stopping:
                save_state(last_path, network, optimiser, settings, progress)
    bar.close()
    return progress


def _go_on(path: str, network: nn.Module, optimiser: torch.optim.Optimizer, start_from: str
           ) -> Dict[str, Any]:
    """Load the last state of a run where there is one; return its progress or a fresh one."""
    if not os.path.exists(path):
        if start_from:
            network.load_state_dict(checkpoint.read_weights(start_from))
        return {'step': 0, 'best': 0.0, 'mean_loss': 0.0, 'log': []}
    state = checkpoint.read(path)
    network.load_state_dict(state['network'])
    optimiser.load_state_dict(state['optimiser'])
    torch.set_rng_state(state['torch_rng'])
    return state['progress']


@contextlib.contextmanager
def _stop_signals() -> Iterator[List[int]]:
    """Collect SIGTERM and Ctrl-C in a list instead of dying of them."""
    received: List[int] = []
    before = {number: signal.signal(number, lambda got, _: received.append(got))
              for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _frames(settings: Settings, name: str, first: int, drives: int, frames: int
            ) -> frame_cache.FrameCache:
    folder = os.path.join(settings.run_folder, name + '_frames')
    return frame_cache.render(folder, range(first, first + drives), frames,
                              (settings.width, settings.height), settings.render_workers)


def _check(network, check: frame_cache.FrameCache, settings: Settings,
           progress: Dict[str, Any], optimiser):
    """Score on the check drives, keep the best, add a row to the log."""
    scores = measure(network, check.images_bgr, check.labels)
    progress['log'].append([progress['step'], progress['mean_loss'], scores.miou])
    rows = ['{} {:.3f}'.format(*row) for row in zip(CITYSCAPES.classes, scores.iou)]
    tqdm.write('step {} loss {:.4f} mIoU {:.4f} | {}'.format(
        progress['step'], progress['mean_loss'], scores.miou, ', '.join(rows)))
    if scores.miou > progress['best']:
        progress['best'] = scores.miou
        save_state(os.path.join(settings.run_folder, 'best.pt'), network, optimiser, settings,
                   progress)


def main(arguments: Sequence[str] = ()) -> int:
    """Run the command line; returns the exit status."""
    chosen = _arguments(arguments)
    try:
        report = _act(chosen)
    except (PerceptionError, OSError) as error:
        if chosen.debug:
            raise
        sys.stderr.write('error: {}\n'.format(error))
        return 1
    if chosen.json:
        with open(chosen.json, 'w', encoding='utf-8') as stream:
            json.dump(report, stream, indent=1)
    return 0


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m espnet_perception.training.segmentation',
                                     description=__doc__.split('\n')[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument('--config', metavar='YAML', help='train with these settings')
    action.add_argument('--evaluate', metavar='MODEL', help='measure a model directory')
    parser.add_argument('--publish', metavar='MODEL',
                        help='with --config: do not train, write the best checkpoint as a model')
    parser.add_argument('--seed', type=int, nargs='+', default=list(published.TEST_SEEDS),
                        help='with --evaluate or --publish: unseen drives (default: %(default)s)')
    parser.add_argument('--frames', type=int, default=published.TEST_FRAMES,
                        help='frames of each drive, a second apart (default: %(default)s)')
    parser.add_argument('--json', metavar='FILE', help='also write the figures there')
    parser.add_argument('--debug', action='store_true', help='show a traceback on errors')
    return parser.parse_args(arguments or None)


def _act(chosen: argparse.Namespace) -> Dict[str, Any]:
    if chosen.evaluate:
        report = published.evaluate(chosen.evaluate, chosen.seed, chosen.frames, measure)
        sys.stdout.write(published.table(report) + '\n')
        return report
    settings = load_settings(chosen.config)
    if chosen.publish:
        state = checkpoint.read(os.path.join(settings.run_folder, 'best.pt'))
        published.write(chosen.publish, state)
        report = published.evaluate(chosen.publish, chosen.seed, chosen.frames, measure)
        published.describe(chosen.publish, state, report)
        sys.stdout.write(published.table(report) + '\n')
        return report
    progress = train(settings)
    sys.stdout.write('step {} of {}, best mIoU on the check drives {:.4f}\n'.format(
        progress['step'], settings.steps, progress['best']))
    return progress


if __name__ == '__main__':
    sys.exit(main())
