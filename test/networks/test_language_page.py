# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/language.md are true: every row is counted anew."""

import re

from espnet_perception.networks import create_network
from espnet_perception.networks.eru import PRESETS
import pytest
import yaml


@pytest.fixture(scope='module')
def rows(repository):
    """Return the cells of every row that begins with a name in code."""
    text = (repository / 'docs/language.md').read_text(encoding='utf-8')
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in text.splitlines()
            if re.match(r'\| `(eru|lstm|pru)_', line)]


def count(name, **arguments):
    """Count the parameters of a network."""
    return sum(one.numel() for one in create_network(name, **arguments).parameters())


def number(text):
    """Read 1,234."""
    return int(text.replace(',', ''))


def test_presets(rows):
    """Hidden size, groups and both counts of all presets."""
    found = [row for row in rows if len(row) == 5 and row[0].strip('`') in PRESETS]
    assert [row[0].strip('`') for row in found] == list(PRESETS)
    for name, hidden, recurrence, plain, along_features in found:
        preset = name.strip('`')
        assert (int(hidden), 1 if recurrence == 'dense' else int(recurrence[0])) == PRESETS[preset]
        assert number(plain) == count('eru_lm', preset=preset)
        assert number(plain) == count('eru_lm', preset=preset, axis='time')
        assert number(along_features) == count('eru_lm', preset=preset, axis='features')


def test_baselines(rows):
    """Counts, and that they round to what was published."""
    found = [row for row in rows if row[0] in ('`lstm_lm`', '`pru_lm`')]
    assert len(found) == 5
    for name, arguments, parameters, published, _ in found:
        given = dict(one.split('=') for one in arguments.strip('`').split(','))
        counted = count(name.strip('`'), **{key: yaml.safe_load(value)
                                            for key, value in given.items()})
        assert number(parameters) == counted
        assert published in ('', '{:.2f} M'.format(counted / 1e6))
