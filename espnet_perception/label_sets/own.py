# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The user's own classes from a file: YAML, JSON, or a text file with a name on each line."""

import json
import os
import re
from typing import Any, List, Optional, Tuple

from espnet_perception.errors import DatasetError, unknown_key_sentence
from espnet_perception.label_sets.published import (
    Colour,
    distinct_palette,
    LABEL_SETS,
    LabelSet,
)
import yaml

# A class as it stands in a file: its name, and its colour where the file has one.
Row = Tuple[Any, Any]

READERS = {
    '.json': 'structured',
    '.yaml': 'structured',
    '.yml': 'structured',
    '.txt': 'lines',
    '.names': 'lines',
}


def load_label_set(name_or_path: str) -> LabelSet:
    """
    Return a label set by its name or from a file.

    A .yaml, .yml or .json file holds a list of classes, a mapping of names to colours, or a
    mapping with the key ``classes`` (and perhaps ``palette``), such as a model card. A class is a
    name or a mapping with ``name``, perhaps ``color`` [red, green, blue], ``index`` (its
    position) and ``ignore`` (true for what is no class). A .txt or .names file holds a name on
    each line, perhaps followed by red, green and blue; lines that begin with # do not count.

    :param name_or_path: a key of LABEL_SETS or the path of a file.
    :return: the set; classes without a colour have one that no other class has.
    :raises DatasetError: unknown name, no such file, not readable, no class, two classes of one
        name, or a wrong colour.
    """
    if name_or_path in LABEL_SETS:
        return LABEL_SETS[name_or_path]
    extension = os.path.splitext(name_or_path)[1].lower()
    if extension not in READERS:
        raise DatasetError('{}; or give a file ({})'.format(
            unknown_key_sentence('label set', name_or_path, tuple(LABEL_SETS)),
            ', '.join(READERS)))
    text = _read(name_or_path)
    try:
        rows = _lines(text) if READERS[extension] == 'lines' else _structured(text, extension)
        return _label_set(os.path.splitext(os.path.basename(name_or_path))[0], rows)
    except DatasetError as error:
        raise DatasetError('{}: {}'.format(name_or_path, error))


def _read(path: str) -> str:
    try:
        with open(path, encoding='utf-8-sig') as stream:
            return stream.read()
    except OSError as error:
        raise DatasetError('cannot read the classes of {}: {}'.format(path, error.strerror))
    except UnicodeDecodeError as error:
        raise DatasetError('{} is not UTF-8 text (byte {}); save it as UTF-8'.format(
            path, error.start))


def _lines(text: str) -> List[Row]:
    rows = []
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith('#'):
            match = re.match(r'(.*?\S)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)$', line)
            rows.append((match.group(1), [int(part) for part in match.groups()[1:]])
                        if match else (line, None))
    return rows


def _structured(text: str, extension: str) -> List[Row]:
    try:
        content = json.loads(text) if extension == '.json' else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise DatasetError('is not valid {}: {}'.format(
            'JSON' if extension == '.json' else 'YAML', ' '.join(str(error).split())))
    palette = None
    if isinstance(content, dict) and 'classes' in content:
        content, palette = content['classes'], content.get('palette')
    if isinstance(content, dict):
        rows = list(content.items())
    elif isinstance(content, list):
        rows = [_row(position, entry) for position, entry in enumerate(content)]
        rows = [row for row in rows if row is not None]
    else:
        raise DatasetError('holds {}, expected a list of classes or a mapping of names to colours'
                           .format(type(content).__name__))
    return rows if palette is None else _with_palette(rows, palette)


def _row(position: int, entry: Any) -> Optional[Row]:
    """Return a class of a list; none for an entry that says that it is to be ignored."""
    if not isinstance(entry, dict):
        return entry, None
    if entry.get('ignore') is True:
        return None
    if entry.get('index', position) != position:
        raise DatasetError('class {!r} has index {!r} but stands at position {}; list the classes '
                           'in the order of their ids, from 0 and without gaps'.format(
                               entry.get('name'), entry['index'], position))
    return entry.get('name'), entry.get('color', entry.get('colour'))


def _with_palette(rows: List[Row], palette: Any) -> List[Row]:
    if not isinstance(palette, list) or len(palette) != len(rows):
        raise DatasetError("'palette' must be a list of {} colours, one for each class".format(
            len(rows)))
    return [(name, colour) for (name, _), colour in zip(rows, palette)]


def _label_set(name: str, rows: List[Row]) -> LabelSet:
    if not rows:
        raise DatasetError('holds no class; list one name for each class id')
    names = [_name(class_id, row[0]) for class_id, row in enumerate(rows)]
    for class_id, one in enumerate(names):
        first = names.index(one)
        if first != class_id:
            raise DatasetError("the classes {} and {} are both called '{}'; give each a name of "
                               'its own'.format(first, class_id, one))
    colours = [None if row[1] is None else _colour(one, row[1]) for one, row in zip(names, rows)]
    given = [colour for colour in colours if colour is not None]
    spare = iter(distinct_palette(len(colours) - len(given), given))
    return LabelSet(name, tuple(names),
                    tuple(next(spare) if colour is None else colour for colour in colours))


def _name(class_id: int, name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise DatasetError('class {} has the name {!r}, expected text; put it into quotes'.format(
            class_id, name))
    return name.strip()


def _colour(name: str, colour: Any) -> Colour:
    if (not isinstance(colour, (list, tuple)) or len(colour) != 3
            or not all(type(part) is int and 0 <= part <= 255 for part in colour)):
        raise DatasetError("class '{}' has colour {!r}, expected [red, green, blue] of 0 to 255"
                           .format(name, colour))
    return tuple(colour)
