# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The part of the export that quantises: frames in, what it cost out."""

import argparse
import os
from typing import Any, Dict, List, Tuple

from espnet_perception.cli.frames import read_frames
from espnet_perception.errors import SettingsError

HELD_OUT_STRIDE = 5  # every fifth frame checks, where there are no others to check on


def export_int8(chosen: argparse.Namespace, model: Any, facts: Any, path: str) -> None:
    """
    Quantise a model and tell what it cost.

    :param chosen: the arguments of the export.
    :param model: a pipeline.models.Model.
    :param facts: GraphFacts of the file.
    :param path: of the file.
    :raises PerceptionError: too few frames, a missing library, or too few labels stay.
    """
    from espnet_perception.pipeline.quantising import export_int8 as quantise
    from espnet_perception.pipeline.quantising import Order
    from tqdm import tqdm
    if chosen.batch != 1 or chosen.for_tensorrt:
        raise SettingsError('int8 is for the engines openvino and onnxruntime, which take one '
                            'image; leave out --batch and --for-tensorrt')
    if not chosen.frames:
        raise SettingsError('int8 has to be calibrated; give --frames with a folder of images or '
                            'a bag of the camera')
    calibration, held_out = _frames(chosen, model.card, facts.size)
    order = Order(model, facts, (chosen.format, path), calibration, held_out,
                  chosen.least_agreement, chosen.force)

    def progress(title: str, things: Any) -> Any:
        return tqdm(things, desc=title, leave=False, disable=None)

    def judge(before: str, after: str) -> List[Dict[str, Any]]:
        return _accuracies(chosen, before, after)

    done = quantise(order, progress, judge if chosen.dataset else None)
    print('\n'.join(sentences(done)))


def sentences(done: Any) -> List[str]:
    """
    Return what was written and what it cost.

    :param done: a pipeline.quantising.Quantised.
    """
    size = sum(os.path.getsize(one) for one in done.paths)
    lines = ['{} ({:.1f} MB, {:.1f} MB in fp32)'.format(
        ', '.join(done.paths), size / 1e6, done.bytes_before / 1e6)]
    lines.append('labels as in fp32: {:.2%} of {} frame(s) that were not calibrated on, {:.2%} '
                 'in the worst'.format(done.agreement.share, done.agreement.images,
                                       done.agreement.worst))
    lines += ['{dataset} {split}: {name} {value:.2%} in int8, {fp32:.2%} in fp32'.format(**row)
              for row in done.losses]
    lines.append('{} of {} blocks are in int8; in float stay: {}'.format(
        len(done.choice.blocks), len(done.choice.alone),
        ', '.join(done.choice.floating) or 'none'))
    return lines


def _frames(chosen: argparse.Namespace, card: Any, size: Tuple[int, int]) -> Tuple[List, List]:
    """Return the frames to calibrate on, and those to check on."""
    if chosen.frame_count < 1:
        raise SettingsError('got --frame-count {}, expected 1 at least'.format(
            chosen.frame_count))
    frames = read_frames(chosen.frames, card, size)
    if chosen.check_frames:
        held_out = read_frames(chosen.check_frames, card, size)
    else:
        held_out = frames[::HELD_OUT_STRIDE]
        frames = [frame for place, frame in enumerate(frames) if place % HELD_OUT_STRIDE]
    count = min(chosen.frame_count, len(frames))
    return [frames[place * len(frames) // count] for place in range(count)], held_out


def _accuracies(chosen: argparse.Namespace, before: str, after: str) -> List[Dict[str, Any]]:
    """Return a row with the main figure of a data set in fp32 and in INT8."""
    from espnet_perception.cli.evaluate import open_dataset
    from espnet_perception.evaluation.on_dataset import evaluate, Options
    from espnet_perception.pipeline.quantising import QUANTISERS
    options = Options(QUANTISERS[chosen.format][2], images=chosen.images)
    evaluations = [evaluate(path, open_dataset(chosen), options) for path in (before, after)]
    figures = evaluations[1].figures
    kept, quantised = (one.figures['metrics'] for one in evaluations)
    name, words = evaluations[1].task.figure_words[0]
    return [{'name': words, 'value': round(quantised[name], 5), 'fp32': round(kept[name], 5),
             'dataset': figures['dataset'], 'split': chosen.split, 'images': figures['images'],
             'precision': 'int8'}]
