# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Fetch a released weight file: it gets its name only after its content was found genuine."""

from contextlib import contextmanager
import errno
import fcntl
import os
from pathlib import Path
from typing import BinaryIO, Iterator, List, NamedTuple
from urllib.parse import urlsplit

from espnet_perception.errors import ModelError, OutputError, SettingsError
from espnet_perception.releases import RELEASE_HOST
from espnet_perception.weights.catalogue import MISMATCH, PART, ReleasedFile
from espnet_perception.weights.download import (
    AbsentError,
    download,
    Listener,
    Patience,
    PATIENT,
    SILENT,
)

MIRROR_VARIABLE = 'ESPNET_PERCEPTION_MIRROR'
MIRROR_SCHEMES = ('http', 'https', 'file')
HARD_LIMIT_BYTES = 100 << 20  # GitHub takes no larger file into a repository


class Source(NamedTuple):
    """
    Where weights come from and where they go.

    :param folder: folder of fetched weights; empty for the user's cache.
    :param mirror: address or folder that has the files under their names (NAME.pth) or under the
        path that they have at the authors' host; empty for that host.
    """

    folder: str = ''
    mirror: str = ''


USUAL = Source()  # from the authors' host into the user's cache


class Fetched(NamedTuple):
    """
    Weights that are there.

    :param path: the checked file.
    :param was_there: nothing had to be transferred.
    """

    path: str
    was_there: bool


def fetch(file: ReleasedFile, source: Source = USUAL, patience: Patience = PATIENT,
          listener: Listener = SILENT) -> Fetched:
    """
    Fetch released weights unless they are there; a broken transfer goes on where it ended.

    :param file: what to fetch.
    :param source: from where and where to.
    :param patience: how long to go on with a bad connection.
    :param listener: who is told how it goes.
    :return: the checked file.
    :raises ModelError: the content is not the released one; it is kept aside.
    :raises DownloadError: it cannot be transferred; what came is kept.
    :raises OutputError: it cannot be written; what came is kept.
    :raises SettingsError: the mirror is no address and no folder.
    """
    urls, path = addresses(file, source.mirror), file.path_in(source.folder)
    if _is_there(file, path):
        return Fetched(path, was_there=True)
    _make_folder(os.path.dirname(path))
    with _locked(path + PART, listener) as part:
        if _is_there(file, path):  # somebody else has fetched it meanwhile
            return Fetched(path, was_there=True)
        if os.path.isfile(path):
            os.replace(path, path + MISMATCH)
            listener.note('{} was damaged; it is now {}'.format(path, path + MISMATCH))
        resumed = os.path.getsize(part.name) > 0
        if not (resumed and file.is_genuine(part.name)):
            _complete(file, urls, part, patience, listener)
        if resumed and not file.is_genuine(part.name):
            listener.note('the part that was there does not belong to {}; beginning anew'.format(
                file.name))
            part.truncate(0)
            _complete(file, urls, part, patience, listener)
        _accept(file, part, path)
    return Fetched(path, was_there=False)


def addresses(file: ReleasedFile, mirror: str) -> List[str]:
    """
    Return where a file may be, in the order in which to ask.

    :param file: what to fetch.
    :param mirror: address or folder; empty for the authors' host.
    :raises SettingsError: the mirror is neither.
    """
    if not mirror:
        return [file.release.url]
    if '://' not in mirror:
        folder = Path(mirror).expanduser()
        if not folder.is_dir():
            raise SettingsError("mirror '{}' is no folder; give a folder or an address that "
                                'begins with http:// or https://'.format(mirror))
        mirror = folder.resolve().as_uri()
    if urlsplit(mirror).scheme not in MIRROR_SCHEMES:
        raise SettingsError("mirror '{}' is no address of {}".format(
            mirror, ', '.join(MIRROR_SCHEMES)))
    mirror = mirror.rstrip('/')
    return ['{}/{}.pth'.format(mirror, file.name),
            mirror + file.release.url[len(RELEASE_HOST):]]


def _is_there(file: ReleasedFile, path: str) -> bool:
    return os.path.isfile(path) and file.is_genuine(path)


def _complete(file: ReleasedFile, urls: List[str], part: BinaryIO, patience: Patience,
              listener: Listener) -> None:
    limit = file.release.size_bytes or HARD_LIMIT_BYTES
    for url in urls[:-1]:
        try:
            download(url, part, limit, patience, listener)
            return
        except AbsentError:
            pass
    download(urls[-1], part, limit, patience, listener)


def _accept(file: ReleasedFile, part: BinaryIO, path: str) -> None:
    """Give the whole file its name, or keep it aside where it is not the released one."""
    if not file.is_genuine(part.name):
        os.replace(part.name, path + MISMATCH)
        raise ModelError('what came for {} is not the released file (expected {}); it is kept as '
                         '{} and not used; try again or another --mirror'.format(
                             file.name, file.identity, path + MISMATCH))
    try:
        os.fsync(part.fileno())
    except OSError as error:
        raise _unwritable(path, error)
    os.replace(part.name, path)


@contextmanager
def _locked(path: str, listener: Listener) -> Iterator[BinaryIO]:
    """
    Open a part file for this process alone; wait where another one is at it.

    The lock is on the file itself, so that it goes with its process. Who waited may hold a file
    that has got its final name meanwhile, and opens the path again.
    """
    stream = _open_and_lock(path, listener)
    while not _is_at(stream, path):
        stream.close()
        stream = _open_and_lock(path, listener)
    try:
        yield stream
    finally:
        if _is_at(stream, path) and os.path.getsize(path) == 0:
            os.remove(path)
        stream.close()


def _open_and_lock(path: str, listener: Listener) -> BinaryIO:
    try:
        stream = open(path, 'ab', buffering=0)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            listener.note('another process is fetching {}; waiting for it'.format(path))
            fcntl.flock(stream, fcntl.LOCK_EX)
    except OSError as error:
        raise _unwritable(path, error)
    return stream


def _is_at(stream: BinaryIO, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error)


def _unwritable(path: str, error: OSError) -> OutputError:
    return OutputError('cannot write {}: {}; give another folder with --cache'.format(
        path, error.strerror))
