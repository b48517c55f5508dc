# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Opens the files of a bag: whole ones with rosbags, damaged ones up to their damage."""

from pathlib import Path
import re
import struct
from typing import Any, List, Optional, Sequence, Tuple

from espnet_perception.errors import BagError
from espnet_perception.evaluation.salvage import salvage_file, Salvaged
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag1 import ReaderError as ReaderError1
from rosbags.rosbag2 import Reader as Reader2
from rosbags.rosbag2 import ReaderError as ReaderError2

STORAGE_SUFFIXES = ('.mcap', '.db3')
# What the foreign readers raise on damaged files besides their own errors.
DAMAGE = (ReaderError1, ReaderError2, ValueError, AssertionError, EOFError, struct.error,
          KeyError, IndexError, TypeError)


def open_sources(location: Path) -> Tuple[List[Any], List[str]]:
    """
    Open the readers of a bag.

    :param location: an existing folder or file.
    :return: open readers in the order of recording, and sentences on what cannot be read.
    :raises BagError: not a bag, or nothing in it can be read.
    """
    if location.is_file() and location.suffix == '.bag':
        return [_open_ros1(location)], []
    if location.is_file() and location.suffix not in STORAGE_SUFFIXES:
        raise BagError('{} is not a bag; expected a folder with metadata.yaml, or a .mcap, .db3 '
                       'or .bag file'.format(location))
    reason = None
    if location.is_file() or (location / 'metadata.yaml').exists():
        reader, reason = _try_reader(location)
        if reader is not None:
            return [reader], []
    return _open_files(location, reason)


def _open_files(location: Path, reason: Optional[str]) -> Tuple[List[Any], List[str]]:
    """Open the storage files one by one: no metadata, or some of them damaged."""
    files = [location] if location.is_file() else _storage_files(location)
    if not files:
        raise BagError('{} cannot be read: {}'.format(
            location, reason or 'a folder with neither metadata.yaml nor .mcap nor .db3 files'))
    notes = [] if reason or location.is_file() else [
        '{} has no metadata.yaml; its files were read one by one'.format(location)]
    sources = []
    for file in files:
        reader, damage = _try_reader(file)
        if reader is None:
            reader = _salvage(file, damage, sources)
            notes.append('{} is damaged ({}); only what comes before the damage was read'.format(
                file, damage))
        sources.append(reader)
    return sources, notes


def _salvage(file: Path, damage: str, opened: Sequence[Any]) -> Salvaged:
    salvaged = salvage_file(file)
    if salvaged is None:
        for source in opened:
            source.close()
        raise BagError('{} is damaged and nothing in it can be read: {}'.format(file, damage))
    return salvaged


def _storage_files(folder: Path) -> List[Path]:
    files = [file for file in folder.iterdir() if file.suffix in STORAGE_SUFFIXES]
    return sorted(files, key=lambda file: [int(part) if part.isdigit() else part
                                           for part in re.split(r'(\d+)', file.name)])


def _try_reader(location: Path) -> Tuple[Optional[Reader2], Optional[str]]:
    try:
        reader = Reader2(location)
        reader.open()
        return reader, None
    except Exception as error:
        if not is_damage(error) and not isinstance(error, OSError):
            raise
        return None, words(error)


def _open_ros1(location: Path) -> Reader1:
    try:
        reader = Reader1(location)
        reader.open()
        return reader
    except Exception as error:
        if not is_damage(error) and not isinstance(error, OSError):
            raise
        raise BagError("{} cannot be read: {} If it was cut off while recording, 'rosbag reindex' "
                       'mends it.'.format(location, words(error)))


def is_damage(error: Exception) -> bool:
    """
    Tell damage of a file from a mistake of ours; sqlite's errors come from two libraries.

    :param error: what a foreign reader raised.
    """
    return isinstance(error, DAMAGE) or type(error).__module__ in ('apsw', 'sqlite3', 'zlib',
                                                                   'backports.zstd', '_zstd')


def words(error: Exception) -> str:
    """
    Return the message of an error in one line.

    :param error: any error.
    """
    return ' '.join(str(error).split()) or type(error).__name__
