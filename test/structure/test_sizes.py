# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Files, functions and parameter lists stay small."""

from typing import Iterable, List

import pytest
import rules
from source_tree import Function, functions, package_sources, parse, REPOSITORY, Source, sources


def all_sources() -> List[Source]:
    """Return every Python file that is ours, tests included."""
    folders = [REPOSITORY / name for name in ('espnet_perception', 'launch', 'test', 'tools',
                                              'bench')]
    return [source for folder in folders if folder.is_dir() for source in sources(folder)]


def long_files(found: Iterable[Source], limit: int) -> List[str]:
    counts = ((source.path, len(source.text.splitlines())) for source in found)
    return [f'{path} has {count} lines' for path, count in counts if count > limit]


def long_functions(found: Iterable[Function]) -> List[str]:
    return [f'{one.where} has {one.lines} lines' for one in found
            if one.lines > rules.FUNCTION_LINES and one.name not in rules.PARSER_FUNCTIONS]


def wide_functions(found: Iterable[Function]) -> List[str]:
    return [f'{one.where} has {one.parameters} parameters' for one in found
            if one.parameters > rules.PARAMETERS]


def share_of_usual(found: List[Function]) -> float:
    return sum(one.lines <= rules.USUAL_FUNCTION_LINES for one in found) / len(found)


def function_of(lines: int, parameters: int) -> Function:
    names = ', '.join(f'a{index}' for index in range(parameters))
    body = '    pass\n' * (lines - 1)
    return next(functions(parse('sample.py', f'def f({names}):\n{body}')))


def test_files():
    assert long_files(all_sources(), rules.FILE_LINES) == []


def test_node_files():
    executables = [source for source in package_sources()
                   if source.path.startswith('nodes/') and 'def main(' in source.text]
    assert executables
    assert long_files(executables, rules.NODE_FILE_LINES) == []


def test_functions():
    found = [one for source in all_sources() for one in functions(source)]
    assert long_functions(found) == []
    assert wide_functions(found) == []
    assert share_of_usual(found) >= rules.USUAL_SHARE


def test_a_long_file_is_found():
    assert long_files([parse('a.py', 'x = 1\n' * 401)], 400) == ['a.py has 401 lines']
    assert long_files([parse('a.py', 'x = 1\n' * 400)], 400) == []


@pytest.mark.parametrize('lines, expected', [(80, []), (81, ['sample.py:1 f has 81 lines'])])
def test_a_long_function_is_found(lines, expected):
    assert long_functions([function_of(lines, 0)]) == expected


@pytest.mark.parametrize('count, expected', [(6, []), (7, ['sample.py:1 f has 7 parameters'])])
def test_a_wide_function_is_found(count, expected):
    assert wide_functions([function_of(2, count)]) == expected


def test_many_long_functions_are_seen():
    assert share_of_usual([function_of(40, 0), function_of(41, 0)]) == 0.5


def test_a_docstring_does_not_count():
    source = parse('a.py', 'def f(self, x):\n    """\n    Do.\n    """\n    return x\n')
    assert next(functions(source)) == ('a.py:1 f', 'f', 2, 1)
