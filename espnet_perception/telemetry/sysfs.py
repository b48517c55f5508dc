# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads the small files of the kernel below /sys, and tells absent from not permitted."""

import glob
import os
from typing import Callable, List, Optional

from espnet_perception.errors import SensorError
from espnet_perception.telemetry.sensor import ABSENT, DENIED, UNREADABLE

ROOT = '/sys'
LONGEST_BYTES = 4096


def read_file(path: str) -> bytes:
    """
    Read a small file with one system call.

    :param path: its path.
    :return: at most 4096 bytes, which is all that an attribute of the kernel can have.
    :raises OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, LONGEST_BYTES)
    finally:
        os.close(descriptor)


class OpenNumber:
    """
    An integer that is read again and again: its file stays open, for opening costs most of a read.

    The kernel gives the present value to whoever reads from the beginning. A file that was taken
    away or replaced is noticed by its missing name.

    :param sysfs: says what is wrong with it.
    :param path: path of the attribute.
    """

    def __init__(self, sysfs: 'Sysfs', path: str) -> None:
        self._sysfs, self._path = sysfs, path
        self._descriptor = None  # type: Optional[int]

    def __call__(self) -> int:
        """
        Read it.

        :raises SensorError: as ``Sysfs.number``.
        """
        try:
            if self._descriptor is None or not os.fstat(self._descriptor).st_nlink:
                self._close()
                self._descriptor = os.open(self._path, os.O_RDONLY)
            return int(os.pread(self._descriptor, LONGEST_BYTES, 0))
        except (OSError, ValueError):
            self._close()
        return self._sysfs.number(self._path)  # once more, and it says what is wrong

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Sysfs:
    """
    The attributes below one root.

    :param root: /sys, or a folder that looks like it.
    :param read: reads a file; another function in tests.
    """

    def __init__(self, root: str = ROOT, read: Callable[[str], bytes] = read_file) -> None:
        self.root = root
        self._read = read

    def find(self, *patterns: str) -> List[str]:
        """
        Return the existing paths, sorted, each once even if several links lead to it.

        :param patterns: shell patterns relative to the root.
        """
        found = []  # type: List[str]
        real = set()
        for pattern in patterns:
            for path in sorted(glob.glob(os.path.join(glob.escape(self.root), pattern))):
                if os.path.realpath(path) not in real:
                    real.add(os.path.realpath(path))
                    found.append(path)
        return found

    def places(self, *patterns: str) -> str:
        """
        Return where ``find`` looks, for people.

        :param patterns: as given to ``find``.
        """
        return ', '.join(os.path.join(self.root, pattern) for pattern in patterns)

    def text(self, path: str) -> str:
        """
        Read a text.

        :param path: path of the attribute.
        :raises SensorError: absent, not permitted or unreadable, which ``reason`` tells.
        """
        return self._bytes(path).decode('utf-8', 'replace').replace('\0', '').strip()

    def number(self, path: str) -> int:
        """
        Read an integer.

        :param path: path of the attribute.
        :raises SensorError: as ``text``, or it is no integer.
        """
        content = self._bytes(path)
        try:
            return int(content)
        except ValueError:
            raise SensorError('{} holds {!r}, expected an integer'.format(
                path, content[:40].decode('utf-8', 'replace')), UNREADABLE)

    def often(self, path: str) -> Callable[[], int]:
        """
        Return a function that reads an integer as ``number`` does, at a third of the cost.

        :param path: path of the attribute.
        """
        if self._read is not read_file:
            return lambda: self.number(path)
        return OpenNumber(self, path)

    def optional(self, path: str) -> Optional[int]:
        """
        Read an integer that may be absent or not permitted.

        :param path: path of the attribute.
        """
        try:
            return self.number(path)
        except SensorError:
            return None

    def _bytes(self, path: str) -> bytes:
        try:
            return self._read(path)
        except FileNotFoundError:
            raise SensorError('{} is {}'.format(path, ABSENT), ABSENT)
        except PermissionError:
            raise SensorError('{} for {}'.format(DENIED, path), DENIED)
        except OSError as error:
            raise SensorError('{} is {}: {}'.format(path, UNREADABLE, error.strerror), UNREADABLE)
