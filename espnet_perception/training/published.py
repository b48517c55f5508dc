# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Model directories made from checkpoints: weights, card, and a page with measured figures."""

import datetime
import os
from typing import Any, Callable, Dict, Sequence

from espnet_perception import model_card
from espnet_perception.label_sets import CITYSCAPES
from espnet_perception.networks import create_network
from espnet_perception.synthetic import SyntheticDrive
from espnet_perception.training import checkpoint
import torch

NETWORK = 'espnetv2_seg'
WEIGHTS_FILE = 'weights.pth'
PAGE_FILE = 'MODEL_CARD.md'
TEST_SEEDS = (90001, 90002, 90003, 90004)  # never used to train or to choose a checkpoint
TEST_FRAMES = 60
TEST_RATE_HZ = 1.0
DATASET = 'synthetic streets of espnet_perception'
PAGE = """# {name}

ESPNetv2 s={width} with {count} Cityscapes classes at {input_width}x{input_height}, trained on
nothing but the project's own synthetic streets (`espnet_perception.synthetic`). It is the model
of the demo and of the tests. It knows drawn streets only: for real cameras use weights trained
on real frames.

| | |
|---|---|
| mIoU | **{miou:.4f}** |
| pixel accuracy | {pixel_accuracy:.4f} |
| measured on | drives {seeds}; {frames} frames each, one per second |
| training data | drives {first} to {last}, {per_drive} frames each, of the same generator |
| started from | {start} |
| checkpoint chosen on | drives {check_first} to {check_last}, step {step} of {steps} |
| licence | Apache-2.0, weights and data |
| sha256 of {weights} | `{sha256}` |
| date | {date} |

The drives of the measurement were used neither for training nor to choose the checkpoint.

## Per class

| class | IoU | recall | precision | pixels |
|---|---|---|---|---|
{rows}

## Commands

    python -m espnet_perception.training.segmentation --config config/train/synthetic.yaml
    python -m espnet_perception.training.segmentation --config config/train/synthetic.yaml \\
        --publish models/{name}
    python -m espnet_perception.training.segmentation --evaluate models/{name} \\
        --seed {seed_list} --frames {frames}
"""


def write(folder: str, state: Dict[str, Any]) -> None:
    """
    Write weights and card of a checkpoint.

    :param folder: model directory, made where it is missing; its name is the model's name
    :param state: see training.segmentation.save_state
    """
    os.makedirs(folder, exist_ok=True)
    weights_path = os.path.join(folder, WEIGHTS_FILE)
    plain = {name: value.contiguous() for name, value in state['network'].items()}
    checkpoint.write(weights_path, plain)
    settings = state['settings']
    card = model_card.ModelCard(
        name=os.path.basename(os.path.abspath(folder)), task='segmentation', network=NETWORK,
        arguments=dict(state['arguments']), classes=CITYSCAPES.classes,
        palette=CITYSCAPES.palette, input_width=settings['width'],
        input_height=settings['height'], weights=WEIGHTS_FILE,
        sha256=model_card.file_sha256(weights_path), dataset=DATASET, licence='Apache-2.0',
        origin='trained by espnet_perception.training.segmentation, step {} of {}'.format(
            state['progress']['step'], settings['steps']))
    model_card.save(card, folder)


def evaluate(folder: str, seeds: Sequence[int], frames: int, measure: Callable
             ) -> Dict[str, Any]:
    """
    Measure a model directory on unseen drives, at its input size.

    :param folder: model directory
    :param seeds: of the drives
    :param frames: of each drive, one per second
    :param measure: training.segmentation.measure
    :returns: the figures by name
    """
    card = model_card.load(folder)
    weights_path = model_card.check_weights(card, folder)
    network = create_network(card.network, **card.arguments)
    network.load_state_dict(torch.load(weights_path, map_location='cpu', weights_only=True))
    images, labels = [], []
    for seed in seeds:
        for frame in SyntheticDrive(seed, card.input_width, card.input_height, frames,
                                    TEST_RATE_HZ):
            images.append(frame.image_bgr)
            labels.append(frame.labels)
    scores = measure(network, images, labels)
    return {'model': card.name, 'sha256': card.sha256, 'seeds': list(seeds), 'frames': frames,
            'classes': list(card.classes), **scores._asdict()}


def table(report: Dict[str, Any]) -> str:
    """Return the figures of evaluate as text."""
    lines = ['{:<14} {:.4f}'.format(name, iou)
             for name, iou in zip(report['classes'], report['iou'])]
    lines.append('mIoU {:.4f}, pixel accuracy {:.4f}, {} frames of drives {}'.format(
        report['miou'], report['pixel_accuracy'], report['frames'] * len(report['seeds']),
        ', '.join(map(str, report['seeds']))))
    return '\n'.join(lines)


def describe(folder: str, state: Dict[str, Any], report: Dict[str, Any]) -> None:
    """
    Write the measured figures into the card and the page of a model directory.

    :param folder: written by write
    :param state: the checkpoint
    :param report: from evaluate
    """
    card = model_card.load(folder)
    metrics = ({'name': 'mIoU', 'value': round(report['miou'], 4), 'dataset': DATASET,
                'split': 'drives ' + ', '.join(map(str, report['seeds'])),
                'frames': report['frames'] * len(report['seeds']),
                'size': [card.input_width, card.input_height]},)
    model_card.save(card._replace(metrics=metrics), folder)
    settings = state['settings']
    rows = ['| {} | {:.3f} | {:.3f} | {:.3f} | {} |'.format(*row) for row in zip(
        report['classes'], report['iou'], report['recall'], report['precision'],
        report['truth_pixels'])]
    start = settings.get('start_from')
    first, check_first = settings['train_seed_first'], settings['check_seed_first']
    text = PAGE.format(
        start='weights of an earlier run, ' + os.path.basename(start) if start else 'chance',
        name=card.name, width=settings['width_factor'], count=len(card.classes),
        input_width=card.input_width, input_height=card.input_height, miou=report['miou'],
        pixel_accuracy=report['pixel_accuracy'], frames=report['frames'],
        seeds=', '.join(map(str, report['seeds'])), first=first,
        last=first + settings['train_drives'] - 1, per_drive=settings['frames_per_drive'],
        check_first=check_first, check_last=check_first + settings['check_drives'] - 1,
        step=state['progress']['step'], steps=settings['steps'], weights=card.weights,
        sha256=card.sha256, date=datetime.date.today().isoformat(), rows='\n'.join(rows),
        seed_list=' '.join(map(str, report['seeds'])))
    path = os.path.join(folder, PAGE_FILE)
    with open(path + '.part', 'w', encoding='utf-8') as stream:
        stream.write(text)
    os.replace(path + '.part', path)
