# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Run the ablations of the ESPNetv2 paper again on a small data set."""

import argparse
import os

from espnet_perception.errors import EngineError

DESCRIPTION = """\
Train the rows of Table 4 (R1 to R5: fusion, shortcut, learning rate, length) and of Table 5 (P:
dense point-wise reduction) on patches of street scenes, over several seeds, and print the paper's
figures beside ours. It is a small data set, not ImageNet.

    espnet-perception ablate --dataset camvid --folder $HOME/camvid --out ablation
    espnet-perception ablate --rows R1,R2 --seeds 5 --epochs 10 --out quick

Ctrl-C saves and ends; the same command goes on."""
DEFAULT_ROWS = 'R1,R2,R3,R4,R5,P'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('--dataset', metavar='NAME',
                        help='synthetic (drawn by this program) or camvid')
    parser.add_argument('--folder', metavar='F', help='where the data set lies; for synthetic '
                        'where it is kept (the cache)')
    parser.add_argument('--rows', default=DEFAULT_ROWS, metavar='R,R...',
                        help='rows of the tables (%(default)s)')
    parser.add_argument('--seeds', type=int, default=3, metavar='N',
                        help='runs of each row (%(default)s)')
    parser.add_argument('--epochs', type=int, metavar='N', help='of each run; R5 takes 300 / 90 '
                        'times as many')
    parser.add_argument('--width', type=float, metavar='S', help='width factor of the network')
    parser.add_argument('--patches', type=int, metavar='N', help='to learn from, and as many to '
                        'measure on')
    parser.add_argument('--size', type=int, metavar='PIXELS', help='width and height of the input')
    parser.add_argument('--threads', type=int, metavar='N', help='CPU threads; 0 takes all')
    parser.add_argument('--out', default='runs/ablation', metavar='DIR',
                        help='folder of runs, results.json and ablation.png (%(default)s)')


def run(chosen: argparse.Namespace) -> int:
    """
    Train, then print the tables.

    :param chosen: the parsed arguments.
    :return: exit status: 0 done, 3 stopped before the last run.
    :raises PerceptionError: one sentence on what is wrong.
    """
    try:
        from espnet_perception.training import ablation, ablation_plan, ablation_report
    except ImportError as error:
        raise EngineError('the ablation trains networks and needs {}, which is not installed here'
                          .format(error.name))
    given = {key: getattr(chosen, key) for key in ablation_plan.Experiment._fields
             if getattr(chosen, key, None) is not None}
    experiment = ablation_plan.Experiment(**given).check()
    runs = ablation_plan.plan(chosen.rows.split(','), chosen.seeds)
    os.makedirs(chosen.out, exist_ok=True)
    print('\n'.join(ablation_report.describe(experiment)))
    results = list(ablation.run(experiment, runs, chosen.out, print))
    if results:
        chart = os.path.join(chosen.out, ablation_report.CHART_FILE)
        ablation_report.draw(chart, experiment, results)
        print('\n'.join(['', *ablation_report.lines(experiment, results), '', chart]))
    return 0 if len(results) == len(runs) else 3
