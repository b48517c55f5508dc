# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The state of a run: what changes step by step, how it is kept, and how a run goes on."""

import math
import os
from typing import Any, Dict, NamedTuple, Optional, Sequence

from espnet_perception.errors import ModelError, SettingsError
from espnet_perception.label_sets import LabelSet
from espnet_perception.networks import create_network
from espnet_perception.training import checkpoint
from espnet_perception.training.batches import Batch, Plan
from espnet_perception.training.initialisation import initialise_from
from espnet_perception.training.optimisation import AveragedWeights, make_optimiser, Precision
import torch
from torch import nn
from tqdm import tqdm

LAST_FILE, BEST_FILE = 'last.pt', 'best.pt'


class State(NamedTuple):
    """
    What a run changes as it goes.

    :param network: in training
    :param average: the network that is checked and kept
    :param optimiser: of the network
    :param precision: number format
    :param progress: step, best, checks_since_best, mean_loss, skipped
    :param facts: see facts_of; they do not change
    """

    network: nn.Module
    average: AveragedWeights
    optimiser: torch.optim.Optimizer
    precision: Precision
    progress: Dict[str, Any]
    facts: Dict[str, Any]


def facts_of(task: str, label_set: LabelSet) -> Dict[str, Any]:
    """
    Return what a model's card has to say about the answers of a network.

    :param task: segmentation or classification
    :param label_set: of the data set that it learns from
    """
    return {'task': task, 'classes': list(label_set.classes),
            'palette': [list(colour) for colour in label_set.palette]}


def start_or_resume(settings: Any, facts: Dict[str, Any], fixed: Sequence[str],
                    device: torch.device) -> State:
    """
    Build a network anew, or take up the run's last checkpoint.

    :param settings: of a training script
    :param facts: see facts_of
    :param fixed: names of the settings that must be those of the checkpoint
    :param device: where the network learns
    :raises SettingsError: the checkpoint was made with other settings
    :raises PerceptionError: the network, its first weights or the checkpoint cannot be used
    """
    path = os.path.join(settings.run_folder, LAST_FILE)
    network = create_network(settings.network,
                             **dict(settings.arguments, classes=len(facts['classes'])))
    kept = checkpoint.read(path) if os.path.exists(path) else None
    if kept is None and settings.init_from:
        tqdm.write(initialise_from(network, settings.init_from, facts['classes']))
    network = network.to(device, memory_format=torch.channels_last)
    state = State(network, AveragedWeights(network, settings.average_decay),
                  make_optimiser(network, settings.optimiser, settings.weight_decay,
                                 settings.encoder_factor),
                  Precision(settings.precision, device),
                  {'step': 0, 'best': 0.0, 'checks_since_best': 0, 'mean_loss': 0.0,
                   'skipped': 0}, facts)
    return state if kept is None else _taken_up(state, kept, settings, fixed)


def check_same_run(kept: Dict[str, Any], settings: Any, fixed: Sequence[str]) -> None:
    """
    Refuse to go on with settings that make another run.

    :param kept: last checkpoint of the run's folder
    :param settings: of a training script
    :param fixed: names of the settings that must be those of the checkpoint
    :raises SettingsError: one of them differs
    """
    now = plain(settings)
    for key in fixed:
        before = kept['settings'].get(key, settings._field_defaults[key])
        if before != now[key]:
            raise SettingsError(
                '{} was made with {} {!r}, the settings say {!r}; restore it or choose another '
                'run_folder'.format(os.path.join(settings.run_folder, LAST_FILE), key, before,
                                    now[key]))


def _taken_up(state: State, kept: Dict[str, Any], settings: Any, fixed: Sequence[str]) -> State:
    check_same_run(kept, settings, fixed)
    state.network.load_state_dict(kept['training'])
    state.average.network.load_state_dict(kept['network'])
    state.average.updates = kept['updates']
    state.optimiser.load_state_dict(kept['optimiser'])
    state.precision.scaler.load_state_dict(kept['scaler'])
    torch.set_rng_state(kept['torch_rng'])
    return state._replace(progress=kept['progress'])


def save(state: State, settings: Any, name: str = LAST_FILE) -> None:
    """
    Write everything that going on needs, at once or not at all.

    :param settings: of a training script
    :param name: of the checkpoint in the run's folder
    :raises OSError: no room; the checkpoint that was there is intact
    """
    checkpoint.write(os.path.join(settings.run_folder, name), {
        'network': state.average.network.state_dict(), 'updates': state.average.updates,
        'training': state.network.state_dict(), 'optimiser': state.optimiser.state_dict(),
        'scaler': state.precision.scaler.state_dict(), 'settings': plain(settings),
        'progress': state.progress, 'torch_rng': torch.get_rng_state(), 'facts': state.facts})


def plain(settings: Any) -> Dict[str, Any]:
    """Return settings as plain data, equal before and after a checkpoint or a YAML file."""
    return {name: _as_lists(value) for name, value in settings._asdict().items()}


def _as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_lists(one) for key, one in value.items()}
    return [_as_lists(one) for one in value] if isinstance(value, (list, tuple)) else value


def take_step(state: State, loss: float, clip: float) -> None:
    """
    Change the weights by the gradients that are there, and the averaged weights after them.

    :param loss: of the step
    :param clip: norm to which the gradients are clipped; 0 does not clip
    :raises ModelError: the loss is no finite number
    """
    if not math.isfinite(loss):
        raise ModelError('the loss of step {} is {}; the last saved step is intact; lower '
                         'learning_rate{}'.format(
                             state.progress['step'], loss,
                             '' if state.precision.name == 'fp32' else ' or set precision: fp32'))
    state.precision.step(state.network, state.optimiser, clip)
    state.average.update(state.network)


def note_step(progress: Dict[str, Any], loss: float, batch: Batch, bar: tqdm) -> None:
    """
    Count a step, and name the files that could not be read.

    :param progress: of the state; changed
    :param loss: of the step, the mean over all processes
    :param batch: what it learnt from
    :param bar: moves on
    """
    for sentence in batch.problems:
        progress['skipped'] += 1
        tqdm.write('skipped: ' + sentence)
    step = progress['step']
    progress['mean_loss'] = 0.98 * progress['mean_loss'] + 0.02 * loss if step else loss
    progress['step'] = step + 1
    bar.set_postfix(loss='{:.3f}'.format(progress['mean_loss']),
                    best='{:.3f}'.format(progress['best']), refresh=False)
    bar.update()


def check_is_due(plan: Plan, step: int, every: int) -> bool:
    """Return whether an epoch with a check ends with a step."""
    before, after = int(plan.epoch(step)), int(plan.epoch(step + 1))
    return after > before and after % every == 0


def keep_best(state: State, settings: Any, score: Optional[float]) -> None:
    """
    Write the best weights so far.

    :param settings: of a training script
    :param score: of the present ones, larger is better; None where nothing checks them: the
        last ones are kept then
    """
    progress = state.progress
    progress['checks_since_best'] += 1
    if score is not None and math.isnan(score):
        score = 0.0
    first = not os.path.exists(os.path.join(settings.run_folder, BEST_FILE))
    if score is None or first or score > progress['best']:
        progress.update(best=score or 0.0, checks_since_best=0)
        save(state, settings, BEST_FILE)


def has_waited_long(progress: Dict[str, Any], patience: int) -> bool:
    """Return whether so many checks in a row brought nothing better; 0 waits for ever."""
    return 0 < patience <= progress['checks_since_best']
