# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The linters are clean: ruff, flake8 as ament_flake8 runs it, pydocstyle as ament_pep257 does."""

import configparser
import os
import subprocess
import sys

import pytest
from source_tree import REPOSITORY

for linter in ('ruff', 'flake8', 'pydocstyle'):
    pytest.importorskip(linter, reason=f'{linter} is not installed; see requirements/dev.txt')

HEAD = '"""Sample."""\n\n'


def lint(*paths) -> subprocess.CompletedProcess:
    folder = os.path.dirname(sys.executable)
    environment = dict(os.environ, PATH=folder + os.pathsep + os.environ['PATH'])
    return subprocess.run([str(REPOSITORY / 'tools/lint.sh'), *map(str, paths)],
                          env=environment, capture_output=True, text=True)


def test_the_repository_is_clean():
    done = lint()
    assert done.stdout + done.stderr == ''
    assert done.returncode == 0


@pytest.mark.parametrize('text, code', [
    ('import os\n', 'F401'),
    ('x = "double"\n', 'Q000'),
    ('import sys\nimport abc\n\nprint(abc, sys)\n', 'I100'),
    ('import numpy\n\nimport espnet_perception\n\nprint(numpy, espnet_perception)\n', 'I100'),
    ('x = 1  # ' + 'x' * 99 + '\n', 'E501'),
    ('def f():\n    """Do it\n\n    and more.\n    """\n', 'D213'),
    ('def f():\n    """Do it"""\n', 'D400'),
    ('list = 3\n', 'A001'),
    ('class A:\n    @property\n    def x(self):\n        """Resolved name."""\n', 'D401'),
])
def test_a_bad_file_is_found(tmp_path, text, code):
    path = tmp_path / 'sample.py'
    path.write_text(HEAD + text, encoding='utf-8')
    done = lint(path)
    assert done.returncode == 1
    assert code in done.stdout + done.stderr


def test_a_file_that_is_called_like_a_build_is_not_left_out(tmp_path):
    path = tmp_path / 'buildings.py'
    path.write_text('import os\n', encoding='utf-8')
    assert 'F401' in lint(path).stdout


def test_a_good_file_passes(tmp_path):
    path = tmp_path / 'sample.py'
    path.write_text(HEAD + 'import espnet_perception\nimport numpy\n\n'
                    'print(numpy, espnet_perception)\n', encoding='utf-8')
    assert lint(path).returncode == 0


def test_the_rules_are_those_of_ament():
    flake8 = pytest.importorskip('ament_flake8.main', reason='ament_flake8 is not installed')
    theirs, ours = configparser.ConfigParser(), configparser.ConfigParser()
    theirs.read(flake8.get_flake8_config_path() if hasattr(flake8, 'get_flake8_config_path')
                else flake8.__file__.replace('main.py', 'configuration/ament_flake8.ini'))
    ours.read(REPOSITORY / 'setup.cfg')
    for key in ('extend-ignore', 'import-order-style', 'max-line-length'):
        assert ours['flake8'][key] == theirs['flake8'][key]
