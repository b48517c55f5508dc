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
