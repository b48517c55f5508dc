# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Names that say something, silence in the library, signatures that tell their types."""

import ast
from pathlib import Path
import subprocess
from typing import List

import pytest
import rules
from source_tree import (
    named_parameters,
    package_sources,
    parse,
    public_definitions,
    REPOSITORY,
    Source,
    sources,
)

HEADER = ('# Copyright 2026 espnet_perception contributors\n'
          '# SPDX-License-Identifier: Apache-2.0\n')
# Put together here, so that this file does not hold them.
MACHINE_PATHS = tuple('/' + name for name in ('work/', 'root/', 'opt/wheels', 'opt/pypi',
                                              'home/user/'))
FOLDERS = ('espnet_perception', 'launch', 'test', 'tools', 'bench')


def all_python() -> List[Source]:
    return [source for name in FOLDERS if (REPOSITORY / name).is_dir()
            for source in sources(REPOSITORY / name)]


def vague_names(source: Source) -> List[str]:
    """Return variables and parameters that say nothing."""
    found = []
    for node in ast.walk(source.tree):
        name = node.arg if isinstance(node, ast.arg) else None
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        if name in rules.VAGUE_NAMES:
            found.append(f'{source.path}:{node.lineno} {name}')
    return found


def talk_and_exits(source: Source) -> List[str]:
    """Return prints and exits, except under `if __name__ == '__main__'`."""
    allowed = {id(node) for test in source.tree.body if isinstance(test, ast.If)
               and '__name__' in ast.dump(test.test) for node in ast.walk(test)}
    found = []
    for node in ast.walk(source.tree):
        if id(node) in allowed or not isinstance(node, (ast.Call, ast.Raise)):
            continue
        called = node.func if isinstance(node, ast.Call) else node.exc
        name = '' if called is None else ast.unparse(called)
        if name in ('print', 'exit', 'quit', 'sys.exit', 'os._exit', 'SystemExit'):
            found.append(f'{source.path}:{node.lineno} {name}')
    return found


def untyped(source: Source) -> List[str]:
    """Return public functions whose signature lacks a type, and public names without a text."""
    found = []
    for where, node in public_definitions(source):
        if ast.get_docstring(node) is None:
            found.append(f'{where}: no docstring')
        if isinstance(node, ast.ClassDef):
            continue
        found += [f'{where}: parameter {parameter.arg} has no type'
                  for parameter in named_parameters(node) if parameter.annotation is None]
        if node.returns is None:
            found.append(f'{where}: no return type')
    return found


def foreign_fields(source: Source) -> List[str]:
    """Return where a node file reads or writes fields of an image message."""
    return [f'{source.path}:{node.lineno} .{node.attr}' for node in ast.walk(source.tree)
            if isinstance(node, ast.Attribute) and node.attr in rules.IMAGE_FIELDS]


def files_of_git() -> List[Path]:
    listed = subprocess.run(['git', 'ls-files', '-z'], cwd=REPOSITORY, capture_output=True,
                            text=True)
    if listed.returncode != 0:
        pytest.skip('not a git checkout')
    return [REPOSITORY / name for name in listed.stdout.split('\0') if name]


def machine_paths(path: Path) -> List[str]:
    try:
        text = path.read_text(encoding='utf-8')
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []
    return [f'{path.name}:{number} {found}' for number, line in enumerate(text.splitlines(), 1)
            for found in MACHINE_PATHS if found in line]


def test_headers():
    assert [source.path for source in all_python()
            if HEADER not in '\n'.join(source.text.splitlines()[:3]) + '\n'] == []


def test_names_say_something():
    assert [name for source in package_sources() for name in vague_names(source)] == []
    assert [source.path for source in all_python()
            if source.path.split('/')[-1] in rules.VAGUE_FILES] == []


def test_the_library_is_silent():
    quiet = [source for source in package_sources()
             if not source.path.startswith(rules.TALKING)]
    assert [found for source in quiet for found in talk_and_exits(source)] == []


def test_public_signatures():
    assert [found for source in package_sources() for found in untyped(source)] == []


def test_only_the_conversions_touch_images():
    nodes = [source for source in package_sources() if source.path.startswith('nodes/')]
    fields = {source.path: foreign_fields(source) for source in nodes}
    assert fields.pop(rules.CONVERSIONS) != []
    assert [found for one in fields.values() for found in one] == []


def test_no_machine_is_named():
    assert [found for path in files_of_git() for found in machine_paths(path)] == []


@pytest.mark.parametrize('text', ['img = 1', 'def f(data):\n    pass', 'for tmp in ():\n  3'])
def test_a_vague_name_is_found(text):
    assert len(vague_names(parse('a.py', text))) == 1


@pytest.mark.parametrize('text', ['print(1)', 'import sys\nsys.exit(1)', 'raise SystemExit(2)',
                                  'def f():\n    raise SystemExit'])
def test_talk_is_found(text):
    assert len(talk_and_exits(parse('a.py', text))) == 1


def test_a_script_may_exit():
    text = "import sys\nif __name__ == '__main__':\n    sys.exit(main())"
    assert talk_and_exits(parse('a.py', text)) == []


@pytest.mark.parametrize('text, count', [
    ('def f(x):\n    pass', 3),
    ('def f(x: int) -> int:\n    """Do."""', 0),
    ('class A:\n    """A."""\n\n    def f(self):\n        """Do."""', 1),
    ('class A:\n    """A."""\n\n    def _f(self, x):\n        pass', 0),
    ('if True:\n    def f() -> None:\n        pass', 1),
])
def test_an_untyped_signature_is_found(text, count):
    assert len(untyped(parse('a.py', text))) == count


def test_a_touched_field_is_found():
    assert foreign_fields(parse('a.py', 'x = message.encoding')) == ['a.py:1 .encoding']


def test_a_machine_path_is_found(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('first\nsee ' + MACHINE_PATHS[0] + 'main\n', encoding='utf-8')
    assert machine_paths(path) == ['a.txt:2 ' + MACHINE_PATHS[0]]
