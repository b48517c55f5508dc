# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Comparing label maps of two Pythons: one pixel in ten thousand may differ, no more."""

from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest

TOOL = Path(__file__).resolve().parents[2] / 'tools/label_maps.py'


def compared(folder, left, right) -> subprocess.CompletedProcess:
    """Run the comparison on two sets of maps."""
    paths = [str(folder / 'left.npz'), str(folder / 'right.npz')]
    for path, maps in zip(paths, (left, right)):
        np.savez_compressed(path, versions=np.array('Python ' + Path(path).stem), **maps)
    return subprocess.run([sys.executable, str(TOOL), 'compare', *paths], capture_output=True,
                          text=True)


def labels(changed=0) -> np.ndarray:
    """Return 100x100 labels, some of them changed."""
    made = np.arange(10000, dtype=np.uint8).reshape(100, 100)
    made.reshape(-1)[:changed] += 1
    return made


def test_alike(tmp_path):
    done = compared(tmp_path, {'a': labels(), 'b': labels()}, {'a': labels(), 'b': labels(1)})
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        'label maps of Python left and of Python right',
        '100.00000 % of   10000 pixels equal: a', ' 99.99000 % of   10000 pixels equal: b']


@pytest.mark.parametrize('right, sentence', [
    ({'a': labels(2)}, 'a: 99.98000 % of the pixels are equal, expected 99.99 % at least'),
    ({}, 'a: not in both, or of another size'),
    ({'a': labels(), 'b': labels()}, 'b: not in both'),
    ({'a': labels()[:50]}, 'a: not in both, or of another size'),
])
def test_different(tmp_path, right, sentence):
    done = compared(tmp_path, {'a': labels()}, right)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_nothing_to_compare(tmp_path):
    done = compared(tmp_path, {}, {})
    assert done.returncode == 1
    assert 'there is no label map to compare' in done.stderr
