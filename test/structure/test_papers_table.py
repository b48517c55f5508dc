# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of the papers' figures names code that exists."""

import ast
import re
from typing import Iterator, List, Set, Tuple

import pytest
from source_tree import PACKAGE, parse, REPOSITORY, Source

HEADING = "## Where the papers' figures live"


def chapter(text: str) -> str:
    """Return the chapter of the architecture page."""
    return re.split(r'^## ', text.partition(HEADING)[2], flags=re.MULTILINE)[0]


def places(text: str) -> Iterator[Tuple[str, List[str]]]:
    """
    Yield the files that the rows name, with the names of each.

    :raises ValueError: a row whose second cell is not of the form `file`: `Name`, `Name`
    """
    for line in text.splitlines():
        if not line.startswith('|') or line.startswith('|---') or line.endswith('| code |'):
            continue
        for place in line.strip('| ').split(' | ')[-1].split('; '):
            if not re.fullmatch(r'`[\w/]+\.py`: `[\w.]+`(, `[\w.]+`)*', place):
                raise ValueError(f'{place} is not of the form `file.py`: `Name`')
            path, *names = re.findall(r'`([^`]+)`', place)
            yield path, names


def defined(source: Source) -> Set[str]:
    """Return what a file defines at its top level, methods as Class.method."""
    names = set()
    for node in source.tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names.update(f'{node.name}.{inner.name}' for inner in node.body
                         if isinstance(inner, ast.FunctionDef))
        if isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        if isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return names


def missing(text: str) -> List[str]:
    """Return the files and names of a table that do not exist."""
    wrong = []
    for path, names in places(text):
        file = REPOSITORY / PACKAGE / path
        known = defined(parse(path, file.read_text(encoding='utf-8'))) if file.is_file() else set()
        wrong += [f'{path}: {name}' for name in names if name not in known]
    return wrong


def test_every_name_of_the_table_exists():
    text = chapter((REPOSITORY / 'docs/architecture.md').read_text(encoding='utf-8'))
    assert len(list(places(text))) > 25
    assert missing(text) == []


def test_every_network_has_its_place():
    from espnet_perception.networks import NETWORKS
    text = chapter((REPOSITORY / 'docs/architecture.md').read_text(encoding='utf-8'))
    named = {name for _, names in places(text) for name in names}
    assert {network.__name__ for network in NETWORKS.values()} - named == set()


@pytest.mark.parametrize('cell, wrong', [
    ('`networks/eesp.py`: `EESP`', []),
    ('`networks/eesp.py`: `EESP.forward`, `BRANCHES`', []),
    ('`networks/eesp.py`: `EESP`, `ESP`', ['networks/eesp.py: ESP']),
    ('`networks/eesp.py`: `EESP.backward`', ['networks/eesp.py: EESP.backward']),
    ('`networks/eesp.py`: `EESP`; `networks/none.py`: `A`', ['networks/none.py: A']),
])
def test_wrong_names_are_found(cell, wrong):
    assert missing(f'| Figure 9 | {cell} |') == wrong


def test_a_row_without_a_name_is_found():
    with pytest.raises(ValueError, match='is not of the form'):
        missing('| Figure 9 | `networks/eesp.py` |')
