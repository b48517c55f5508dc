# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Ground truth of whole frames: a CSV or YAML file that says which classes each frame shows.

A row of the CSV, or an entry of the YAML mapping, begins with the frame: its stamp in
nanoseconds, or the name of a file. Class names or ids follow. A frame whose name is a number,
with or without a suffix (``1700000000100000000.png``), is the one with that stamp; where no name
is a stamp of the bag, the entries belong to the frames in the order of both, and there must be as
many of them.
"""

import csv
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from espnet_perception.errors import DatasetError, nearest_hint
import yaml

HEADINGS = ('frame', 'file', 'image', 'stamp', 'stamp_ns')
SUFFIXES = ('.csv', '.yaml', '.yml')


class ClassTruth:
    """
    True classes of the frames of a bag.

    :param rows: name of a frame and its class ids, in the order of the file.
    :param stamps_ns: stamps of all frames, in the order of the bag.
    :param path: the file, for the message.
    :raises DatasetError: neither names nor numbers fit the bag.
    """

    def __init__(self, rows: Sequence[Tuple[str, List[int]]], stamps_ns: Sequence[int],
                 path: str) -> None:
        by_number = {int(Path(name).stem): ids for name, ids in rows if Path(name).stem.isdigit()}
        self._by_stamp = {stamp: by_number[stamp] for stamp in stamps_ns if stamp in by_number}
        self._by_order = [] if self._by_stamp else [ids for _, ids in rows]
        if not self._by_stamp and len(rows) != len(stamps_ns):
            raise DatasetError('{} tells of {} frames and the bag has {}, and none of its names '
                               'is a stamp of the bag; give one row for each frame in the order '
                               'of the bag, or name them by stamp in nanoseconds'.format(
                                   path, len(rows), len(stamps_ns)))

    def ids(self, index: int, stamp_ns: int) -> Optional[List[int]]:
        """
        Return the true classes of a frame, or None where it has no ground truth.

        :param index: position of the frame in its topic.
        :param stamp_ns: stamp of the frame.
        """
        return self._by_order[index] if self._by_order else self._by_stamp.get(stamp_ns)


class NoClassTruth:
    """No ground truth at all."""

    def ids(self, index: int, stamp_ns: int) -> Optional[List[int]]:
        """Return None."""


def read_class_truth(place: str, classes: Sequence[str], several: bool
                     ) -> List[Tuple[str, List[int]]]:
    """
    Read a file of true classes.

    :param place: path of the .csv or .yaml file.
    :param classes: names of the model's classes.
    :param several: a frame may have any number of classes; else exactly one.
    :return: name of each frame and its class ids, in the order of the file.
    :raises DatasetError: no such file, or something in it cannot be used.
    """
    path = Path(place)
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        raise DatasetError("the ground truth is '{}'; of a classifier it is a file (.csv or "
                           '.yaml) that says which classes each frame shows'.format(place))
    try:
        text = path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError('cannot read {}: {}'.format(path, error))
    entries = _csv_entries(text) if path.suffix.lower() == '.csv' else _yaml_entries(path, text)
    positions = {name: class_id for class_id, name in reversed(list(enumerate(classes)))}
    rows = []
    for name, labels in entries:
        ids = sorted({_class_id(label, classes, positions, path) for label in labels})
        if not several and len(ids) != 1:
            raise DatasetError("{} gives frame '{}' {} classes, expected one, for the model tells "
                               'one class for each image'.format(path, name, len(ids)))
        rows.append((name, ids))
    if not rows:
        raise DatasetError('{} tells of no frame'.format(path))
    return rows


def _csv_entries(text: str) -> Iterator[Tuple[str, List[str]]]:
    for number, row in enumerate(csv.reader(text.splitlines(), skipinitialspace=True)):
        cells = [cell.strip() for cell in row]
        if cells and cells[0] and not (number == 0 and cells[0].lower() in HEADINGS):
            yield cells[0], [cell for cell in cells[1:] if cell]


def _yaml_entries(path: Path, text: str) -> Iterator[Tuple[str, List[Any]]]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DatasetError('{} is not valid YAML: {}'.format(path, ' '.join(str(error).split())))
    if not isinstance(content, dict):
        raise DatasetError('{} holds {}, expected a mapping of frames to classes'.format(
            path, type(content).__name__))
    for name, labels in content.items():
        yield str(name), labels if isinstance(labels, list) else [labels]


def _class_id(label: Any, classes: Sequence[str], positions: Dict[str, int], path: Path) -> int:
    """Return the id of a class that is given by name or id; a name goes first."""
    text = str(label)
    if text in positions:
        return positions[text]
    if text.isdigit() and int(text) < len(classes):
        return int(text)
    raise DatasetError("{} names the class '{}'{} the model has {} classes; their names or ids "
                       'from 0 on are expected'.format(path, text, nearest_hint(text, classes),
                                                       len(classes)))
