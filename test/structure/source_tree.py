# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The sources of the repository, parsed, and what the rules ask of them."""

import ast
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = 'espnet_perception'


class Source(NamedTuple):
    """One Python file: its path below the package or repository, its text and its tree."""

    path: str
    text: str
    tree: ast.AST


class Function(NamedTuple):
    """One function: where it is, its lines of code without docstring, its parameters."""

    where: str
    name: str
    lines: int
    parameters: int


class Import(NamedTuple):
    """One import: the line, the dotted module, and whether it runs when the module is loaded."""

    line: int
    module: str
    at_load: bool


def parse(path: str, text: str) -> Source:
    """
    Parse one file.

    :param path: shown in findings
    :param text: its source
    """
    return Source(path, text, ast.parse(text))


def sources(folder: Path) -> List[Source]:
    """
    Parse all Python files below a folder.

    :param folder: the paths are given relative to it
    """
    return [parse(path.relative_to(folder).as_posix(), path.read_text(encoding='utf-8'))
            for path in sorted(folder.rglob('*.py'))]


def package_sources() -> List[Source]:
    """Parse the package."""
    return sources(REPOSITORY / PACKAGE)


def module_of(path: str) -> str:
    """
    Return the dotted name of a file below the package.

    :param path: such as 'engines/torch.py' or 'engines/__init__.py'
    :return: such as 'engines.torch' or 'engines'; empty for the package itself
    """
    parts = path[:-len('.py')].split('/')
    return '.'.join(part for part in parts if part != '__init__')


def imports(source: Source) -> Iterator[Import]:
    """
    List every import of a file, also those inside functions.

    :param source: the file
    """
    inside = {id(node) for function in ast.walk(source.tree)
              if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
              for node in ast.walk(function)}
    for node in ast.walk(source.tree):
        at_load = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, at_load)
        elif isinstance(node, ast.ImportFrom):
            for module in _imported_from(source, node):
                yield Import(node.lineno, module, at_load)


def _imported_from(source: Source, node: ast.ImportFrom) -> List[str]:
    """Return the modules that one from-import may load, relative ones made absolute."""
    base = node.module or ''
    if node.level:
        folder = source.path.split('/')[:-1]
        parents = [PACKAGE] + folder[:len(folder) - node.level + 1]
        base = '.'.join(parents + ([base] if base else []))
    if base == PACKAGE:
        return [base + '.' + alias.name for alias in node.names]
    return [base]


def functions(source: Source) -> Iterator[Function]:
    """
    List every function and method of a file.

    :param source: the file
    """
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            where = f'{source.path}:{node.lineno} {node.name}'
            yield Function(where, node.name, _code_lines(node), len(named_parameters(node)))


def named_parameters(node: ast.FunctionDef) -> List[ast.arg]:
    """
    Return the parameters that a caller names: without self and cls, *args and **kwargs.

    :param node: the function
    """
    listed = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    return [parameter for parameter in listed if parameter.arg not in ('self', 'cls')]


def _code_lines(node: ast.FunctionDef) -> int:
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is not None:
        lines -= node.body[0].end_lineno - node.body[0].lineno + 1
    return lines


def public_definitions(source: Source) -> Iterator[Tuple[str, ast.AST]]:
    """
    List the public functions, classes and methods of a file, not those inside functions.

    :param source: the file
    :return: pairs of a place to show and the node
    """
    stack = list(ast.iter_child_nodes(source.tree))
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if not node.name.startswith('_'):
                yield f'{source.path}:{node.lineno} {node.name}', node
                if isinstance(node, ast.ClassDef):
                    stack.extend(node.body)
        elif isinstance(node, (ast.If, ast.Try)):
            stack.extend(ast.iter_child_nodes(node))
