# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the user's files go: what can be made again, and what cannot (XDG base directories)."""

import os


def cache_folder(kind: str) -> str:
    """
    Return the folder of what can be made or fetched again.

    :param kind: what lies there, such as onnx or weights.
    :return: below XDG_CACHE_HOME, or ~/.cache; it need not exist yet.
    """
    return _below('XDG_CACHE_HOME', '.cache', kind)


def data_folder(kind: str) -> str:
    """
    Return the folder of what belongs to the user.

    :param kind: what lies there, such as models.
    :return: below XDG_DATA_HOME, or ~/.local/share; it need not exist yet.
    """
    return _below('XDG_DATA_HOME', os.path.join('.local', 'share'), kind)


def _below(variable: str, usual: str, kind: str) -> str:
    root = os.environ.get(variable) or os.path.join(os.path.expanduser('~'), usual)
    return os.path.join(root, 'espnet_perception', kind)
