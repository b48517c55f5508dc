# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Bring one file over HTTP into an open part file, resuming what is there.

The standard library does all of it, so that a robot needs no further package. Proxies are those
of the environment (http_proxy, https_proxy, no_proxy). The content is not judged here.
"""

import errno
import http.client
import os
import re
import ssl
import time
from typing import Any, BinaryIO, Callable, NamedTuple, Optional
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import build_opener, Request

from espnet_perception import __version__
from espnet_perception.errors import OutputError, PerceptionError

BLOCK_BYTES = 1 << 16
PASSING_STATUSES = (408, 425, 429, 500, 502, 503, 504)
ABSENT_STATUSES = (404, 410)
BEYOND_THE_END = 416
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DownloadError(PerceptionError):
    """A server cannot be reached, refuses, or breaks off again and again."""


class AbsentError(DownloadError):
    """The server has no such file."""


class Patience(NamedTuple):
    """
    How long to go on with a bad connection.

    :param tries: tries in a row that may bring nothing.
    :param pause_s: seconds before the second try; they double with each further one.
    :param timeout_s: seconds without an answer after which a connection counts as broken.
    """

    tries: int = 5
    pause_s: float = 1.0
    timeout_s: float = 30.0


PATIENT = Patience()


class Listener(NamedTuple):
    """
    Who is told how it goes.

    :param progress: takes the bytes that are there, and of how many (None: not known).
    :param note: takes a sentence on what happened.
    """

    progress: Callable[[int, Optional[int]], None] = lambda done, total: None
    note: Callable[[str], None] = lambda sentence: None


SILENT = Listener()


def download(url: str, part: BinaryIO, limit: int, patience: Patience,
             listener: Listener) -> None:
    """
    Append to a part file what it lacks of a file; begin anew where the server cannot resume.

    :param url: http, https or file.
    :param part: open for appending, unbuffered; keeps what came when this ends early.
    :param limit: bytes; a longer answer is cut off just beyond it.
    :param patience: how long to go on.
    :param listener: who is told.
    :raises AbsentError: the server has no such file.
    :raises DownloadError: the server is not reached, refuses or keeps breaking off.
    :raises OutputError: the part file cannot be written; the disk is full, for example.
    """
    connection = _Connection(url, patience.timeout_s)
    failures = 0
    while True:
        before = _size(part)
        try:
            return connection.transfer(part, limit, listener.progress)
        except (OSError, http.client.HTTPException) as error:
            failures = 1 if _size(part) > before else failures + 1
            reason = _reason(error)
            if _is_final(error) or not connection.answered or failures >= patience.tries:
                raise _refusal(error, url, reason)
        pause_s = patience.pause_s * 2 ** (failures - 1)
        listener.note('connection to {} broke ({}); going on in {:g} s'.format(
            urlsplit(url).hostname, reason, pause_s))
        time.sleep(pause_s)


class _Connection:
    """
    Requests for one file.

    :ivar answered: the server has answered at least once.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._opener = build_opener()  # reads the proxies of the environment
        self.answered = False

    def transfer(self, part: BinaryIO, limit: int,
                 progress: Callable[[int, Optional[int]], None]) -> None:
        """Append until the file is whole or longer than the limit, or raise what broke it."""
        with self._open(part) as response:
            done = _size(part)
            length = response.headers.get('Content-Length')
            total = done + int(length) if length and length.isdigit() else None
            progress(done, total)
            for block in iter(lambda: response.read(BLOCK_BYTES), b''):
                _append(part, block)
                done += len(block)
                progress(done, total)
                if done > limit:
                    return
        if total is not None and done < total:
            raise ConnectionResetError(errno.ECONNRESET, 'it ended after {} of {} bytes'.format(
                done, total))

    def _open(self, part: BinaryIO) -> Any:
        """Ask for what is missing; empty the part file where the answer is the whole."""
        offset = _size(part)
        headers = {'User-Agent': 'espnet-perception/' + __version__,
                   'Accept-Encoding': 'identity'}
        if offset:
            headers['Range'] = 'bytes={}-'.format(offset)
        try:
            response = self._opener.open(Request(self._url, headers=headers),
                                         timeout=self._timeout_s)
        except HTTPError as error:
            self.answered = True
            error.close()
            if error.code != BEYOND_THE_END or not offset:
                raise
            part.truncate(0)
            return self._open(part)
        self.answered = True
        begin = re.match(r'bytes (\d+)-', response.headers.get('Content-Range') or '')
        if offset and response.getcode() != 206:
            part.truncate(0)
        elif offset and not (begin and int(begin.group(1)) == offset):
            response.close()
            part.truncate(0)
            return self._open(part)
        return response


def _append(part: BinaryIO, block: bytes) -> None:
    view = memoryview(block)
    try:
        while view:
            view = view[part.write(view):]
    except OSError as error:
        raise OutputError(
            'cannot write {}: {}; {}the {} bytes that came are kept, run the same command to go '
            'on'.format(part.name, error.strerror,
                        'free some space or give another folder with --cache; '
                        if error.errno in FULL else '', _size(part)))


def _size(part: BinaryIO) -> int:
    return os.fstat(part.fileno()).st_size


def _is_final(error: Exception) -> bool:
    """Tell whether trying again is useless: a refusal, a certificate, no such local file."""
    if isinstance(error, HTTPError):
        return error.code not in PASSING_STATUSES
    reason = getattr(error, 'reason', None)
    return isinstance(reason, (ssl.SSLError, FileNotFoundError))


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return 'HTTP {} {}'.format(error.code, error.reason).strip()
    if isinstance(error, URLError):
        error = error.reason if isinstance(error.reason, Exception) else error
    return str(getattr(error, 'strerror', None) or error).strip() or type(error).__name__


def _refusal(error: Exception, url: str, reason: str) -> DownloadError:
    if isinstance(error, HTTPError) and error.code in ABSENT_STATUSES or isinstance(
            getattr(error, 'reason', None), FileNotFoundError):
        return AbsentError('there is no {} ({})'.format(url, reason))
    if isinstance(error, HTTPError) and error.code not in PASSING_STATUSES:
        return DownloadError('{} refuses {}: {}'.format(
            urlsplit(url).hostname, urlsplit(url).path, reason))
    return DownloadError(
        'cannot fetch {}: {}; check the network and the proxy (https_proxy), or give a --mirror, '
        'which may be a folder with the file'.format(url, reason))
