# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Train a network, resume a training, publish its model."""

import argparse
import importlib
import os
from typing import Any

from espnet_perception.errors import EngineError, OutputError, SettingsError
from espnet_perception.settings import ENGINE_NAMES, NodeSettings

DESCRIPTION = """\
Train or fine-tune with the settings of a YAML file (config/train/ holds one for each data set),
and make a model directory of the result, ready for the node.

    espnet-perception train segmentation config/train/own_folder.yaml --set folder=yard
    espnet-perception train publish runs/own_folder models/yard
    espnet-perception train --plot-schedule config/train/cityscapes_paper.yaml -o schedule.png

Ctrl-C saves and ends; the same command goes on, exactly as if it had not been stopped."""
# Module of each training script: it has Settings and train.
SCRIPTS = {
    'segmentation': 'espnet_perception.training.segmentation',
    'classification': 'espnet_perception.training.classification',
    'command': 'espnet_perception.training.commands',
    'language': 'espnet_perception.training.language',
}
# Of these `publish` makes nothing: language gives a checkpoint, command its own model directory.
WITHOUT_MODEL = ('command', 'language')
SCHEDULE_FILE = 'schedule.png'
MEGABYTE = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('--plot-schedule', metavar='CONFIG',
                        help='draw the learning rate of a configuration instead of training')
    parser.add_argument('-o', '--output', default=SCHEDULE_FILE, metavar='FILE',
                        help='the picture of --plot-schedule (%(default)s)')
    actions = parser.add_subparsers(dest='action', metavar='TASK')
    for name in SCRIPTS:
        task = actions.add_parser(name, help='train for ' + name)
        task.add_argument('config', metavar='CONFIG', help='YAML file with the settings')
        task.add_argument('--set', action='append', default=[], metavar='KEY=VALUE',
                          dest='overrides', help='a setting, stronger than the file; repeatable')
        if name in WITHOUT_MODEL:
            _add_debug(task)
            task.set_defaults(directory='')
            continue
        task.add_argument('--publish', default='', metavar='DIR', dest='directory',
                          help='when the last step is done, make this model directory')
        _add_publishing(task)
    publishing = actions.add_parser('publish', help='make a model directory out of a run')
    publishing.add_argument('run_folder', metavar='RUN', help='run_folder of a training')
    publishing.add_argument('directory', metavar='DIR', help='the new model directory; its name '
                            'becomes the name of the model')
    _add_publishing(publishing)


def _add_publishing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('model directory')
    group.add_argument('--test-split', default='', metavar='SPLIT',
                       help='split to measure on (test, or where there is none the check split)')
    group.add_argument('--licence', default='', metavar='TEXT',
                       help='licence of weights and data (what the data set says)')
    group.add_argument('--samples', action='store_true',
                       help='you may pass the frames on: put pictures of some into the directory')
    group.add_argument('--force', action='store_true', help='replace a model of this name')
    group.add_argument('--engine', default=NodeSettings().engine, choices=ENGINE_NAMES,
                       help='runtime that measures (%(default)s)')
    _add_debug(parser)


def _add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--debug', action='store_true', default=argparse.SUPPRESS,
                        help='show the traceback of an error')


def run(chosen: argparse.Namespace) -> int:
    """
    Do what was asked.

    :param chosen: the parsed arguments.
    :return: exit status: 0 done, 3 stopped before the last step.
    :raises PerceptionError: one sentence on what is wrong.
    """
    try:
        if chosen.plot_schedule:
            return _plot_schedule(chosen)
        if chosen.action is None:
            raise SettingsError('nothing to do; give {}, publish, or --plot-schedule CONFIG'
                                .format(', '.join(SCRIPTS)))
        if chosen.action == 'publish':
            return _publish(chosen, chosen.run_folder)
        return _train(chosen)
    except OSError as error:
        raise OutputError('cannot write: {}; what was saved before is intact, the same command '
                          'goes on from there'.format(error))


def _import(module: str) -> Any:
    """Import a module of training, and say what it lacks."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EngineError('training needs {}, which is not installed here; on a workstation with '
                          'Python 3.10 or newer, pip install torch matplotlib tqdm'.format(
                              error.name))


def _train(chosen: argparse.Namespace) -> int:
    script = _import(SCRIPTS[chosen.action])
    from espnet_perception.training import settings_file
    from espnet_perception.training.command import train_and_tell
    from espnet_perception.weights.model_directory import check_free
    if chosen.directory:
        check_free(chosen.directory, chosen.force)
    status = train_and_tell(script.Settings, script.train, chosen)
    if status == 0 and chosen.directory and os.environ.get('RANK', '0') == '0':
        settings = settings_file.load(script.Settings, chosen.config, chosen.overrides)
        return _publish(chosen, settings.run_folder)
    return status


def _publish(chosen: argparse.Namespace, run_folder: str) -> int:
    publishing = _import('espnet_perception.training.published')
    published = publishing.publish(run_folder, chosen.directory, publishing.Choice(
        chosen.test_split, chosen.licence, chosen.force, chosen.samples, chosen.engine))
    figures, task = published.evaluation.figures, published.evaluation.task
    print('{}: {} on {} {}, {:.1f} MB'.format(
        chosen.directory, ', '.join(
            '{} {:.2f} %'.format(words, 100 * figures['metrics'][key])
            for key, words in task.figure_words if figures['metrics'].get(key) is not None),
        figures['dataset'], published.split, published.size_bytes / MEGABYTE))
    print('pictures of frames: {}'.format(published.samples))
    return 0


def _plot_schedule(chosen: argparse.Namespace) -> int:
    from pathlib import Path

    settings = _settings_of_any_task(chosen.plot_schedule)
    from espnet_perception.evaluation.charts import Curve, curves_chart
    from espnet_perception.training import schedules
    schedule = schedules.of_settings(settings)
    rates = schedules.rates(schedule)
    curves_chart(Path(chosen.output), [Curve(
        'learning rate, schedule {}'.format(schedule.kind), list(range(len(rates))), rates)],
        'epoch')
    print('{}: {} epochs, {:g} to {:g}'.format(chosen.output, len(rates), min(rates), max(rates)))
    return 0


def _settings_of_any_task(path: str) -> Any:
    """Return the settings of a file that does not say which task it is for."""
    refusals = []
    for task in SCRIPTS:
        if task in WITHOUT_MODEL:
            continue
        script = _import(SCRIPTS[task])
        from espnet_perception.training import settings_file
        try:
            return settings_file.load(script.Settings, path)
        except SettingsError as error:
            refusals.append(error)
    raise refusals[0]
