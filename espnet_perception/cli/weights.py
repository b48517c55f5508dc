# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""List, fetch, import and verify weights."""

import argparse
from contextlib import contextmanager
import json
import os
import sys
from typing import Any, Dict, Iterator, List, Optional, Tuple

from espnet_perception.errors import OutputError, PerceptionError, SettingsError
from espnet_perception.weights.catalogue import (
    CATALOGUE,
    fetched_path,
    PART,
    released_file,
    ReleasedFile,
)

DESCRIPTION = """\
The weights that the authors of the papers released, by name: list them, fetch them (checked, into
the user's cache), import a weight file as a model directory, verify what is on this machine."""

EXAMPLES = """\
  espnet-perception weights list --task segmentation
  espnet-perception weights fetch espnetv2_s_2.0_city_1024x512
  espnet-perception weights import mine.pth --label-set classes.yaml --size 640x360
  espnet-perception weights verify"""

COLUMNS = ('trained on', 'classes', 'input', 'reported by the authors', 'bytes', 'here')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.epilog = 'examples:\n' + EXAMPLES
    actions = parser.add_subparsers(dest='action', metavar='ACTION')
    actions.required = True
    listing = actions.add_parser('list', help='show every released weight file')
    listing.add_argument('--task', choices=('segmentation', 'classification'),
                         help='only those of a task')
    listing.add_argument('--long', action='store_true',
                         help='a block for each, with address, sum and licence')
    listing.add_argument('--json', action='store_true', help='everything, as JSON')
    _add_cache(listing)
    fetching = actions.add_parser('fetch', help='fetch released weights, resumable and checked')
    fetching.add_argument('names', nargs='*', metavar='NAME', help='as `weights list` shows them')
    fetching.add_argument('--all', action='store_true', help='fetch every one')
    fetching.add_argument('--mirror', metavar='URL', help='address or folder that has the files '
                          '(default: $ESPNET_PERCEPTION_MIRROR, else github.com)')
    _add_cache(fetching)
    importing = actions.add_parser('import', help='make a model directory from a weight file')
    importing.add_argument('file', help='.pth file under the tensor names of the '
                           'authors, or the name of fetched weights')
    importing.add_argument('--name', default='', help='of the model (default: that of the file)')
    importing.add_argument('--to', metavar='DIR', help='folder of models (default: the first of '
                           '$ESPNET_PERCEPTION_MODELS, else that of the user)')
    importing.add_argument('--label-set', metavar='NAME|FILE',
                           help='names of the classes: a label set, or a file of yours')
    importing.add_argument('--size', metavar='WxH', help='input size in pixels, such as 640x360')
    importing.add_argument('--multi-label', action='store_true',
                           help='of a classifier: an image may have several classes')
    importing.add_argument('--force', action='store_true', help='replace a model of this name')
    verifying = actions.add_parser('verify', help='check sums, loading and shapes')
    verifying.add_argument('models', nargs='*', metavar='MODEL', help='name, file or directory '
                           '(default: every model on this machine)')
    for action in actions.choices.values():
        action.add_argument('--debug', action='store_true', default=argparse.SUPPRESS,
                            help='show the traceback of an error')


def _add_cache(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--cache', default='', metavar='DIR',
                        help="folder of fetched weights (default: the user's cache)")


def run(chosen: argparse.Namespace) -> int:
    """
    Do what was asked.

    :param chosen: the parsed arguments.
    :return: exit status: 0 done, 1 something was not fetched or is not in order.
    :raises PerceptionError: one sentence on what is wrong.
    """
    return {'list': _list, 'fetch': _fetch, 'import': _import, 'verify': _verify}[chosen.action](
        chosen)


def _list(chosen: argparse.Namespace) -> int:
    rows = [dict(file.facts(), path=_present(file, chosen.cache)) for file in CATALOGUE.values()]
    rows = [row for row in rows if chosen.task in (None, row['task'])]
    if chosen.json:
        print(json.dumps(rows, indent=2))
    elif chosen.long:
        print('\n\n'.join('\n'.join(_block(row)) for row in rows))
    else:
        for task in sorted({row['task'] for row in rows}, reverse=True):
            print('\n'.join(_table([(task,) + COLUMNS] + [
                _columns(row) for row in rows if row['task'] == task])) + '\n')
        print('All are published on github.com under MIT, some with a history: --long shows '
              'licence, address and sum.')
    return 0


def _present(file: ReleasedFile, folder: str) -> Optional[str]:
    path = file.path_in(folder)
    return path if os.path.isfile(path) else None


def _columns(row: Dict[str, Any]) -> Tuple[str, ...]:
    size = '{:,}'.format(row['size_bytes']) if row['size_bytes'] else '?'
    return (row['name'], row['dataset'], str(row['classes']), _input(row), _reported(row), size,
            'yes' if row['path'] else '')


def _input(row: Dict[str, Any]) -> str:
    return '{}x{}'.format(row['input_width'], row['input_height'])


def _reported(row: Dict[str, Any]) -> str:
    figures = ', '.join('{} {:g}'.format(*figure) for figure in row['reported'].items())
    return figures + (' ({})'.format(row['reported_on']) if row['reported_on'] else '')


def _block(row: Dict[str, Any]) -> List[str]:
    facts = [('task', row['task']), ('network', row['network']),
             ('trained on', '{}, {} classes, {}'.format(row['dataset'], row['classes'],
                                                        _input(row))),
             ('reported', _reported(row) or 'nothing'), ('licence', row['licence']),
             ('address', row['url']),
             ('sha256', row['sha256'] or 'not known here; checked against the git object id'),
             ('git object', row['git_id'] or ''),
             ('bytes', '{:,}'.format(row['size_bytes']) if row['size_bytes'] else 'not known'),
             ('fetched', row['path'] or 'no')]
    return [row['name']] + ['  {:<11} {}'.format(*fact) for fact in facts if fact[1]]


def _table(rows: List[Tuple[str, ...]]) -> List[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ['  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in rows]


def _fetch(chosen: argparse.Namespace) -> int:
    from espnet_perception.weights.fetching import addresses, MIRROR_VARIABLE, Source
    if chosen.all == bool(chosen.names):
        raise SettingsError('give the names of what to fetch, or --all; `espnet-perception '
                            'weights list` shows the names')
    mirror = os.environ.get(MIRROR_VARIABLE, '') if chosen.mirror is None else chosen.mirror
    files = [released_file(name) for name in chosen.names or CATALOGUE]
    addresses(files[0], mirror)  # refuses what is no mirror before a bar appears
    source, failed = Source(chosen.cache, mirror), []
    for file in files:
        try:
            _fetch_one(file, source)
        except (OutputError, SettingsError):
            raise  # it will not go better with the next one
        except PerceptionError as error:
            if len(files) == 1:
                raise
            failed.append(file.name)
            print(error, file=sys.stderr)
    if failed:
        print('{} of {} were not fetched: {}'.format(len(failed), len(files), ', '.join(failed)),
              file=sys.stderr)
    return 1 if failed else 0


def _fetch_one(file: ReleasedFile, source: Any) -> None:
    from espnet_perception.weights.fetching import fetch
    try:
        with _bar(file) as listener:
            fetched = fetch(file, source, listener=listener)
    except KeyboardInterrupt:
        part = file.path_in(source.folder) + PART
        if os.path.isfile(part):
            print('{:,} bytes of {} are kept; the same command goes on from there'.format(
                os.path.getsize(part), file.name), file=sys.stderr)
        raise
    print('{} {}; use it as {}'.format(
        fetched.path, 'was there and is genuine' if fetched.was_there else 'fetched and checked',
        'model:=' + (fetched.path if source.folder else file.name)))


@contextmanager
def _bar(file: ReleasedFile) -> Iterator[Any]:
    """Show a progress bar on stderr, where that is a terminal."""
    from espnet_perception.weights.download import Listener
    from tqdm import tqdm
    with tqdm(desc=file.name, unit='B', unit_scale=True, leave=False, dynamic_ncols=True,
              total=file.release.size_bytes, disable=None) as bar:
        def progress(done: int, total: Optional[int]) -> None:
            bar.total = total or bar.total
            bar.update(done - bar.n)

        def note(sentence: str) -> None:
            bar.write(sentence, file=sys.stderr)
        yield Listener(progress, note)


def _import(chosen: argparse.Namespace) -> int:
    from espnet_perception.label_sets import load_label_set
    from espnet_perception.pipeline.models import model_folders, own_models_folder
    from espnet_perception.weights.importing import import_weights, ImportOptions
    options = ImportOptions(
        chosen.name, load_label_set(chosen.label_set) if chosen.label_set else None,
        _size(chosen.size), chosen.multi_label, chosen.force)
    folder = chosen.to or own_models_folder()
    path = fetched_path(chosen.file) or os.path.expanduser(chosen.file)
    directory = import_weights(path, folder, options)
    known = os.path.realpath(folder) in map(os.path.realpath, model_folders())
    print('{}; use it as model:={}'.format(
        directory, os.path.basename(directory) if known else os.path.abspath(directory)))
    return 0


def _size(text: Optional[str]) -> Optional[Tuple[int, int]]:
    if not text:
        return None
    parts = text.lower().split('x')
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise SettingsError("--size is '{}', expected WIDTHxHEIGHT such as 640x360".format(text))
    return int(parts[0]), int(parts[1])


def _verify(chosen: argparse.Namespace) -> int:
    from espnet_perception.pipeline.verification import every_model, OK, verify
    bad, models = 0, chosen.models or every_model()
    for model in models:
        verdict = verify(model)
        bad += verdict.state != OK
        print('{:<8} {}: {}'.format(verdict.state, verdict.model, verdict.remark), flush=True)
    print('{} in order, {} not'.format(len(models) - bad, bad))
    return 1 if bad else 0
