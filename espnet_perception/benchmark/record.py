# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The JSON file of a benchmark: written whole after every round, and read to go on."""

import datetime
import json
import os
from typing import Any, Dict, List, Optional, Sequence

from espnet_perception import __version__
from espnet_perception.benchmark import accuracy, figures
from espnet_perception.benchmark.plan import Configuration, reference_of
from espnet_perception.errors import OutputError, SettingsError
from espnet_perception.revision import commit
from espnet_perception.telemetry.hardware import machine
from espnet_perception.whole_files import whole_file

KIND, FORMAT = 'benchmark', 1
JSON_FILE = 'bench.json'


class Record:
    """
    What was measured so far.

    :param path: of the JSON file.
    :param document: what it holds.
    """

    def __init__(self, path: str, document: Dict[str, Any]) -> None:
        self.path, self.document = path, document
        self.rows = {row['key']: row for row in document['configurations']}

    @property
    def finished(self) -> bool:
        """Whether every repeat was measured to its end."""
        return self.document['finished'] is not None

    def turns(self, one: Configuration, repeat: int) -> List[Dict[str, Any]]:
        """
        Return the turns of a configuration in one repeat.

        :param one: the configuration.
        :param repeat: its number.
        """
        return [turn for turn in self.rows[one.key]['turns'] if turn['repeat'] == repeat]

    def save(self) -> None:
        """
        Work out the figures and write everything whole.

        :raises OutputError: it cannot be written; what was there stays.
        """
        self.document['updated'] = now()
        self._work_out()
        write_text(self.path, json.dumps(self.document, indent=1) + '\n')

    def _work_out(self) -> None:
        everyone = [configuration_of(row) for row in self.rows.values()]
        for row, one in zip(self.rows.values(), everyone):
            row['figures'] = figures.figures_of(row['turns'])
            other = reference_of(one, self.document['baseline'], everyone)
            if row['figures'] is None or other is None:
                continue
            reference = self.rows[other.key]
            row['figures']['times_faster'] = figures.ratio(row['turns'], reference['turns'],
                                                           figures.median_ms)
            row['figures']['times_less_energy'] = figures.ratio(
                row['turns'], reference['turns'], figures.energy_mj)


def configuration_of(row: Dict[str, Any]) -> Configuration:
    """
    Return the configuration of a row.

    :param row: of the document.
    """
    return Configuration(*(row[name] for name in Configuration._fields))


def new_row(one: Configuration, sha256: str, printed: Dict[str, Any],
            known: Optional[accuracy.Accuracy]) -> Dict[str, Any]:
    """
    Return the row of a configuration that was not measured yet.

    :param one: the configuration.
    :param sha256: of the weights.
    :param printed: what a paper prints of it.
    :param known: how accurate the model is.
    """
    row = dict(one._asdict())
    row.update(key=one.key, sha256=sha256, printed=printed, refused='', facts={},
               accuracy=None if known is None else dict(known._asdict()), turns=[], figures=None)
    return row


def open_record(path: str, settings: Dict[str, Any], rows: Sequence[Dict[str, Any]],
                baseline: Dict[str, Any], restart: bool) -> Record:
    """
    Begin a record, or go on with the one that an interrupted benchmark left.

    :param path: of the JSON file.
    :param settings: how is measured.
    :param rows: of ``new_row``, in the order of the table.
    :param baseline: what the rows are compared with.
    :param restart: throw away what is there.
    :raises OutputError: what is there was measured otherwise, or is no benchmark.
    """
    identity = {'commit': commit(mark_changes=True), 'machine': machine(), 'settings': settings}
    if os.path.exists(path) and not restart:
        try:
            document = load(path)
        except SettingsError as error:
            raise OutputError('{}; choose another --output, or --restart to replace it'.format(
                error))
        _check_identity(path, dict(document, weights=_weights(document['configurations'])),
                        dict(identity, weights=_weights(rows)))
        document['baseline'] = baseline
        facts = {row['key']: row for row in rows}
        for row in document['configurations']:  # a report on accuracy may have come meanwhile
            row['accuracy'] = facts[row['key']]['accuracy']
        return Record(path, document)
    return Record(path, dict(
        identity, kind=KIND, format=FORMAT, package_version=__version__, started=now(),
        updated=now(), finished=None, baseline=baseline, gpus=[], power={}, conditions=[],
        configurations=list(rows)))


def load(path: str) -> Dict[str, Any]:
    """
    Read the JSON file of a benchmark.

    :param path: of the file.
    :raises SettingsError: it cannot be read, or is something else.
    """
    try:
        with open(path, encoding='utf-8') as stream:
            document = json.load(stream)
    except OSError as error:
        raise SettingsError('cannot read {}: {}'.format(path, error.strerror))
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get('kind') != KIND \
            or document.get('format') != FORMAT:
        raise SettingsError('{} is no benchmark of this version of espnet_perception'.format(path))
    return document


def write_text(path: str, text: str) -> None:
    """
    Write a text file so that it is either old or new, never half; make its folder.

    :param path: of the file.
    :param text: what it will hold.
    :raises OutputError: it cannot be written.
    """
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with whole_file(path) as part, open(part, 'w', encoding='utf-8') as stream:
            stream.write(text)
    except OSError as error:
        raise OutputError('cannot write {}: {}; free some space or choose another --output'
                          .format(path, error.strerror or error))


def now() -> str:
    """Return date and time in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).replace(
        tzinfo=None, microsecond=0).isoformat() + 'Z'


def _weights(rows: Sequence[Dict[str, Any]]) -> Dict[str, str]:
    return {row['key']: row['sha256'] for row in rows}


def _check_identity(path: str, there: Dict[str, Any], here: Dict[str, Any]) -> None:
    different = sorted(key for key in here if there.get(key) != here[key])
    if different:
        raise OutputError('{} holds a benchmark with other {}; choose another --output, or '
                          '--restart to replace it'.format(path, ' and '.join(
                              _words(key, there.get(key), here[key]) for key in different)))


def _words(key: str, there: Any, here: Any) -> str:
    """Return what differs: both values where they are short, the names of the fields else."""
    if not isinstance(there, dict):
        return "{} ('{}' there, '{}' now)".format(key, there, here)
    fields = sorted(field for field in set(there) | set(here)
                    if there.get(field) != here.get(field))
    return '{} ({})'.format(key, ', '.join(fields))
