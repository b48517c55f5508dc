# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The part of the sub-command replay that runs on a cluster."""

import argparse
from contextlib import ExitStack
import json
from pathlib import Path
from typing import Any, Dict, NamedTuple, Sequence, Tuple

from espnet_perception.cli.replay import bar, make_task, open_offline, Opened
from espnet_perception.errors import SettingsError
from espnet_perception.evaluation.cluster import connected, Opener, replay_bags
from espnet_perception.evaluation.mappings import ModelClasses
from espnet_perception.evaluation.replay import Place, ReplaySettings
from espnet_perception.evaluation.summary import Replays
from espnet_perception.pipeline.models import find_model

NO_POWER = 'power is not measured with --cluster, since workers share machines'
# What a worker needs of the arguments, and which of them may be paths.
WORKER_ARGUMENTS = ('model', 'engine', 'threads', 'confidence_threshold', 'smoothing_frames',
                    'truth_classes', 'void', 'keep_masks')
PATHS = ('model', 'truth_classes')


class Facts(NamedTuple):
    """What a worker said of its source, in the place of a source."""

    facts: Dict[str, Any]

    def describe(self) -> Dict[str, Any]:
        """Return the facts."""
        return dict(self.facts)


def replay_on_cluster(chosen: argparse.Namespace, settings: ReplaySettings,
                      folders: Sequence[Path]) -> Replays:
    """
    Replay the bags on workers.

    :param chosen: the parsed arguments.
    :param settings: what to replay and keep.
    :param folders: where the results of each bag go.
    :raises PerceptionError: as for a replay in one process; no Ray, no cluster, workers lost.
    """
    if chosen.live or chosen.attach:
        raise SettingsError('--cluster is for offline replay, since a node has one camera at a '
                            'time; leave out --live and --attach')
    if chosen.cluster.isdigit() and int(chosen.cluster) == 0:
        raise SettingsError('--cluster is 0, expected at least 1 worker, or an address')
    if len(set(map(_real, chosen.bags))) < len(chosen.bags):
        raise SettingsError('a bag is given twice; with --cluster name each once')
    card = find_model(chosen.model).card
    classes = ModelClasses(card.name, tuple(card.classes), tuple(card.palette), card.void_id)
    threads = max(1, chosen.threads)
    with connected(chosen.cluster, Opener(open_on_worker, _words(chosen, threads)),
                   threads) as cluster, ExitStack() as stack:
        facts = cluster.facts()
        task = make_task(chosen, Opened(Facts(facts), classes, None))
        places = {path: Place(folder, chosen.restart, stack.enter_context(bar(folder.name)))
                  for path, folder in zip(chosen.bags, folders)}
        done = replay_bags(cluster, places, task, settings, facts, chosen.smoothing_frames > 1)
    return Replays(done, facts, task, classes, NO_POWER)


def open_on_worker(words: str) -> Tuple[Any, Any]:
    """
    Open the pipeline and what judges its answers, for as long as the worker lives.

    :param words: arguments as JSON.
    :raises PerceptionError: no such model, or the engine cannot run it.
    """
    chosen = argparse.Namespace(**json.loads(words))
    opened = open_offline(chosen, ExitStack())
    return opened.source, make_task(chosen, opened)


def _words(chosen: argparse.Namespace, threads: int) -> str:
    values = {name: getattr(chosen, name) for name in WORKER_ARGUMENTS}
    values.update({name: _real(values[name]) for name in PATHS if Path(values[name]).exists()
                   and values[name]}, threads=threads, power_root='')
    return json.dumps(values)


def _real(path: str) -> str:
    return str(Path(path).resolve())
