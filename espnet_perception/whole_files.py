# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Files that appear whole or not at all."""

from contextlib import contextmanager
import os
import threading
from typing import Iterator


@contextmanager
def whole_file(path: str) -> Iterator[str]:
    """
    Give the path of a part to write, which takes its place when the block ends without an error.

    Else the part goes and the file that was there is as it was.

    :param path: the file.
    :return: context manager over the path of the part, in the same folder.
    :raises OSError: the part cannot take its place.
    """
    part = '{}.{}.{}.part'.format(path, os.getpid(), threading.get_ident())
    try:
        yield part
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
