# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Which networks an ablation trains, and how: the rows of Tables 4 and 5 of the ESPNetv2 paper.

The schedules are those of the paper, with their epochs scaled to a short training and their rates
to a small batch.
"""

import math
import os
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from espnet_perception.errors import SettingsError, unknown_key_sentence
from espnet_perception.networks.espnetv2 import WIDTHS
from espnet_perception.training import classification
from espnet_perception.training.schedules import PAPER_MILESTONES

PAPER_EPOCHS, PAPER_LONG_EPOCHS = 90, 300
PAPER_BATCH_SIZE, PAPER_RATE = 512, 0.1
CROP_RATIO = 0.875


class Row(NamedTuple):
    """
    One row of the tables.

    :param words: what it is
    :param place: beginning of the row's place in networks.papers.PRINTED
    :param design: arguments of the network
    :param schedule: fixed or cyclic
    :param long: trained as section 4.1 says, 300 epochs for the 90 of the others
    """

    words: str
    place: str
    design: Dict[str, bool]
    schedule: str
    long: bool = False


ROWS = {
    'R1': Row('no HFF, no shortcut, fixed rate', 'Table 4, R1',
              {'fusion': False, 'shortcut': False}, 'fixed'),
    'R2': Row('HFF, no shortcut, fixed rate', 'Table 4, R2', {'shortcut': False}, 'fixed'),
    'R3': Row('HFF, shortcut, fixed rate', 'Table 4, R3', {}, 'fixed'),
    'R4': Row('HFF, shortcut, cyclic rate', 'Table 4, R4', {}, 'cyclic'),
    'R5': Row('as R4, longer', 'Table 4, R5', {}, 'cyclic', long=True),
    'P': Row('as R4, dense point-wise', 'Table 5, point-wise', {'grouped_reduction': False},
             'cyclic'),
}


class Source(NamedTuple):
    """
    Where patches come from.

    :param train: split to learn from
    :param test: split to measure on, with other frames
    :param options: of the data set
    """

    train: str
    test: str
    options: Dict[str, Any]


SOURCES = {
    'camvid': Source('train', 'test', {}),
    'synthetic': Source('train', 'test', {'train_drives': 40}),
}


class Experiment(NamedTuple):
    """
    What all runs have in common; results of another experiment do not mix with it.

    :param dataset: a key of SOURCES
    :param folder: of the data set
    :param width: width factor of the network
    :param epochs: of all rows but R5, which takes 300 / 90 times as many
    :param patches: of each split, at most
    :param size: width and height of the network's input in pixels
    :param batch_size: patches per step
    :param threads: of the CPU; 0 leaves it to torch
    """

    dataset: str = 'synthetic'
    folder: str = ''
    width: float = 0.5
    epochs: int = 30
    patches: int = 1600
    size: int = 64
    batch_size: int = 64
    threads: int = 0

    def check(self) -> 'Experiment':
        """
        Return the experiment if it can be run.

        :raises SettingsError: a value that cannot be
        """
        if self.dataset not in SOURCES:
            raise SettingsError(unknown_key_sentence('data set of the ablation', self.dataset,
                                                     list(SOURCES)))
        if self.width not in WIDTHS:
            raise SettingsError('width is {}, expected one of {}'.format(
                self.width, ', '.join(map(str, WIDTHS))))
        for name, least in (('epochs', 1), ('patches', 1), ('size', 32), ('batch_size', 2)):
            if getattr(self, name) < least:
                raise SettingsError('{} is {}, expected at least {}'.format(
                    name, getattr(self, name), least))
        return self

    @property
    def rate(self) -> float:
        """
        Rate of the fixed schedule and eta_min of the cyclic one.

        It is the paper's, scaled with the batch size.
        """
        return PAPER_RATE * self.batch_size / PAPER_BATCH_SIZE

    def epochs_of(self, row: Row) -> int:
        """Return the epochs of a row."""
        return round(self.epochs * PAPER_LONG_EPOCHS / PAPER_EPOCHS) if row.long else self.epochs


def settings_of(experiment: Experiment, name: str, seed: int, folder: str
                ) -> classification.Settings:
    """
    Return the settings of one run.

    The schedules are those of the paper, their epochs scaled: the rate falls by ten after each
    third of a run (Table 4), or by two at the milestones of section 4.1 (R5).

    :param name: a key of ROWS
    :param seed: of weights, order and views
    :param folder: of the whole ablation
    """
    row, source = ROWS[name], SOURCES[experiment.dataset]
    epochs = experiment.epochs_of(row)
    if row.long:
        milestones = [round(one * epochs / PAPER_LONG_EPOCHS) for one in PAPER_MILESTONES]
        options = {'milestones': milestones, 'factor': 0.5}
    else:
        options = {'milestones': [round(epochs / 3), round(2 * epochs / 3)], 'factor': 0.1}
    cyclic = row.schedule == 'cyclic'
    if cyclic:
        options.update(lowest=experiment.rate, cycle=5)
    side = math.ceil(experiment.size / CROP_RATIO)
    return classification.Settings(
        run_folder=os.path.join(folder, '{}_seed{}'.format(name, seed)), dataset='patches',
        folder=experiment.folder, train_split=source.train, check_split=source.test,
        dataset_options={'of': experiment.dataset, 'count': experiment.patches, 'side': side,
                         'options': source.options},
        arguments=dict(row.design, width=experiment.width), input_width=experiment.size,
        input_height=experiment.size, crop_ratio=CROP_RATIO, smallest_area=0.2, epochs=epochs,
        batch_size=experiment.batch_size, schedule=row.schedule, schedule_options=options,
        learning_rate=experiment.rate * (5 if cyclic else 1), seed=seed,
        threads=experiment.threads, check_every=epochs)


def plan(rows: Sequence[str], seeds: int) -> List[Tuple[str, int]]:
    """
    Return row and seed of every run, all rows of a seed before the next seed.

    :raises SettingsError: unknown row, or no seed
    """
    for name in rows:
        if name not in ROWS:
            raise SettingsError(unknown_key_sentence('row', name, list(ROWS)))
    if seeds < 1 or not rows:
        raise SettingsError('{} rows with {} seeds are nothing to run; give at least one of each'
                            .format(len(rows), seeds))
    return [(name, seed) for seed in range(1, seeds + 1) for name in ROWS if name in rows]
