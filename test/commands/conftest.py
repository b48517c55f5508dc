# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Grammars for the tests of commands."""

from espnet_perception.commands import grammar_file
import pytest


@pytest.fixture(scope='session')
def own_grammar(repository):
    """Return the grammar that comes with the package."""
    return grammar_file.load(str(repository / 'config/commands'))


@pytest.fixture
def write_grammar(tmp_path):
    """Return a function that writes YAML files and returns their folder."""
    def write(*texts):
        for number, text in enumerate(texts):
            (tmp_path / 'part{}.yaml'.format(number)).write_text(text, encoding='utf-8')
        return str(tmp_path)
    return write
