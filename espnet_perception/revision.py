# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Which commit of the source tree runs."""

import os
import subprocess

CHANGED = '+'


def commit(mark_changes: bool = False) -> str:
    """
    Return the short name of the commit of the source tree; empty where there is none.

    :param mark_changes: add '+' where files of the tree were changed after it.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not os.path.exists(os.path.join(root, '.git')):
        return ''
    name = _git(root, 'rev-parse', '--short', 'HEAD')
    changed = mark_changes and name and _git(root, 'status', '--porcelain', '-uno')
    return name + CHANGED if changed else name


def _git(root: str, *arguments: str) -> str:
    try:
        done = subprocess.run(('git', '-C', root) + arguments, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ''
    return done.stdout.decode('utf-8', 'replace').strip()
