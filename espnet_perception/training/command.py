# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line that every training script has in common."""

import argparse
import os
import sys
from typing import Any, Callable, Dict, Optional, Sequence

from espnet_perception.errors import PerceptionError
from espnet_perception.training import settings_file


def run_script(task: str, settings_type: Any, train: Callable[[Any], Dict[str, Any]],
               arguments: Optional[Sequence[str]] = None) -> int:
    """
    Run a training script as a program.

    :param task: name of the script
    :param settings_type: its Settings
    :param train: its function
    :param arguments: command line; None takes that of the process
    :returns: exit status: 0 done, 1 refused with one sentence, 3 stopped before the end
    """
    parser = argparse.ArgumentParser(prog='espnet-perception train ' + task)
    add_arguments(parser)
    chosen = parser.parse_args(arguments)
    try:
        return train_and_tell(settings_type, train, chosen)
    except (PerceptionError, OSError) as error:
        if chosen.debug:
            raise
        sys.stderr.write('error: {}\n'.format(error))
        return 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what every training script takes."""
    parser.add_argument('config', metavar='CONFIG', help='YAML file with the settings')
    parser.add_argument('--set', action='append', default=[], metavar='KEY=VALUE',
                        dest='overrides', help='a setting, stronger than the file; repeatable')
    parser.add_argument('--debug', action='store_true', help='show a traceback on errors')


def train_and_tell(settings_type: Any, train: Callable[[Any], Dict[str, Any]],
                   chosen: argparse.Namespace) -> int:
    """Train with the chosen settings and say how it ended."""
    settings = settings_file.load(settings_type, chosen.config, chosen.overrides)
    progress = train(settings)
    if os.environ.get('RANK', '0') == '0':
        files = ', {skipped} files skipped' if 'skipped' in progress else ''
        sys.stdout.write(('step {step} of {steps}, best {best:.4f}' + files + ', in {folder}\n')
                         .format(folder=settings.run_folder, **progress))
    return 0 if progress['step'] == progress['steps'] else 3
