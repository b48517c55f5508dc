# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Tables 4 and 5 of the ESPNetv2 paper again, on a data set that fits a machine without a GPU.

Every run is one of ``training.classification`` in a folder of its own. Seeds are the outer loop
and rows the inner one, so that an interruption leaves as many seeds for each row; the same call
goes on from there.
"""

import json
import os
import statistics
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from espnet_perception.errors import SettingsError
from espnet_perception.networks import create_network
from espnet_perception.training import classification, journal
from espnet_perception.training.ablation_plan import Experiment, ROWS, settings_of
from espnet_perception.whole_files import whole_file
import torch
from torch.nn import functional

RESULTS_FILE = 'results.json'
TIMED_STEPS = 12


class Result(NamedTuple):
    """
    A finished run.

    :param row: a key of ROWS
    :param seed: of the run
    :param top1: share of the test patches that the last weights get right
    :param seconds: that it took in this call, less where it was resumed
    """

    row: str
    seed: int
    top1: float
    seconds: float


def run(experiment: Experiment, runs: Sequence[Tuple[str, int]], folder: str,
        tell: Callable[[str], None]) -> Iterator[Result]:
    """
    Do the runs that are not done yet, and yield every finished one; ends early when stopped.

    :param experiment: checked
    :param runs: see plan
    :param folder: of the results
    :param tell: takes a sentence for the user
    :raises SettingsError: the folder holds another experiment
    :raises PerceptionError: the data set cannot be used
    """
    done = {(result.row, result.seed): result for result in read_results(folder, experiment)}
    waiting = [one for one in runs if one not in done]
    yield from (done[one] for one in runs if one in done)
    if not waiting:
        return
    per_s = images_per_s(experiment)
    images = [experiment.epochs_of(ROWS[name]) * experiment.patches for name, _ in waiting]
    tell('{} of {} runs are done; the others see {:,} images, about {:.0f} minutes at {:.0f} '
         'images/s'.format(len(runs) - len(waiting), len(runs), sum(images),
                           sum(images) / per_s / 60, per_s))
    for place, (name, seed) in enumerate(waiting):
        began = time.monotonic()
        settings = settings_of(experiment, name, seed, folder)
        progress = classification.train(settings)
        if progress['step'] < progress['steps']:
            tell('stopped in {}, seed {}; the same command goes on'.format(name, seed))
            return
        seconds = time.monotonic() - began
        result = Result(name, seed, _last_top1(settings.run_folder), seconds)
        done[name, seed] = result
        _write(folder, experiment, list(done.values()))
        left = sum(images[place + 1:]) * seconds / images[place]
        tell('{}, seed {}: top-1 {:.2f} % after {:.1f} minutes; about {:.0f} minutes left'.format(
            name, seed, 100 * result.top1, seconds / 60, left / 60))
        yield result


def images_per_s(experiment: Experiment) -> float:
    """Measure how many images a second the complete network learns from on this machine."""
    if experiment.threads:
        torch.set_num_threads(experiment.threads)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    network = create_network('espnetv2', classes=2, width=experiment.width).to(
        device, memory_format=torch.channels_last)
    shape = (experiment.batch_size, 3, experiment.size, experiment.size)
    images = torch.rand(shape, device=device).to(memory_format=torch.channels_last)
    targets = torch.zeros(len(images), dtype=torch.long, device=device)
    times = []
    for _ in range(TIMED_STEPS):
        began = time.perf_counter()
        functional.cross_entropy(network(images), targets).backward()
        float(network.classifier.bias.grad[0])  # reading a value waits for the device
        times.append(time.perf_counter() - began)
    return len(images) / statistics.median(times[TIMED_STEPS // 2:])  # the first ones warm up


def read_results(folder: str, experiment: Experiment) -> List[Result]:
    """
    Return the finished runs of a folder.

    :raises SettingsError: they are of another experiment, or the file is damaged
    """
    path = os.path.join(folder, RESULTS_FILE)
    if not os.path.exists(path):
        return []
    try:
        with open(path, encoding='utf-8') as stream:
            content = json.load(stream)
        found, results = content['experiment'], [Result(**row) for row in content['runs']]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError('cannot read {} ({}); remove it or choose another folder'.format(
            path, error))
    for key, value in _identity(experiment).items():
        if found.get(key) != value:
            raise SettingsError('{} holds results with {} {!r}, asked for is {!r}; choose another '
                                'folder'.format(path, key, found.get(key), value))
    return results


def _identity(experiment: Experiment) -> Dict[str, Any]:
    """Return what must be the same: all but where the data set lies and how fast it runs."""
    return {key: value for key, value in experiment._asdict().items()
            if key not in ('folder', 'threads')}


def _last_top1(run_folder: str) -> float:
    return float(journal.read_rows(os.path.join(run_folder, journal.CSV_FILE))[-1]['top1'])


def _write(folder: str, experiment: Experiment, results: Sequence[Result]) -> None:
    with whole_file(os.path.join(folder, RESULTS_FILE)) as part:
        with open(part, 'w', encoding='utf-8') as stream:
            json.dump({'experiment': _identity(experiment),
                       'runs': [result._asdict() for result in results]}, stream, indent=1)
