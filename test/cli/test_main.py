# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The command itself: help, errors and exit statuses."""

import re
import subprocess
import sys

from espnet_perception import __version__
from espnet_perception.cli import info
from espnet_perception.cli.main import COMMANDS, main
from espnet_perception.errors import ModelError
import pytest


def test_help_names_every_command(capsys):
    """With one line on each."""
    with pytest.raises(SystemExit) as caught:
        main(['--help'])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(r'\n    {}\s'.format(name), text)


@pytest.mark.parametrize('name', sorted(COMMANDS))
def test_every_command_explains_itself(name, capsys):
    """Its arguments, and --debug."""
    with pytest.raises(SystemExit):
        main([name, '--help'])
    assert '--debug' in capsys.readouterr().out


@pytest.mark.parametrize('arguments', [[], ['fly'], ['replay'], ['info', '--nonsense']])
def test_wrong_arguments_end_with_status_2(arguments, capsys):
    """As argparse has it."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert 'usage: espnet-perception' in capsys.readouterr().err


def test_the_version(capsys):
    """That of the package."""
    with pytest.raises(SystemExit):
        main(['--version'])
    assert capsys.readouterr().out.strip() == __version__


def test_an_error_is_one_line_and_status_1(capsys):
    """No traceback, nothing on stdout."""
    assert main(['info', '/nowhere/model']) == 1
    output = capsys.readouterr()
    assert output.out == ''
    assert output.err.count('\n') == 1
    assert output.err.startswith('espnet-perception info: ') and '/nowhere/model' in output.err


def test_debug_shows_the_traceback():
    """The error itself comes out."""
    with pytest.raises(ModelError):
        main(['info', '/nowhere/model', '--debug'])


def test_an_interrupt_is_status_130(monkeypatch, capsys):
    """Ctrl-C is no crash."""
    def interrupted(_chosen):
        raise KeyboardInterrupt
    monkeypatch.setattr(info, 'run', interrupted)
    assert main(['info']) == 130
    assert capsys.readouterr().err == 'espnet-perception info: interrupted\n'


def test_help_imports_nothing_heavy(repository):
    """It must answer at once."""
    program = ('import sys\n'
               'from espnet_perception.cli.main import make_parser\n'
               'make_parser().format_help()\n'
               "print(sorted({'torch', 'rclpy', 'cv2', 'numpy', 'openvino', 'matplotlib',"
               " 'rosbags'} & set(sys.modules)))\n")
    output = subprocess.run([sys.executable, '-c', program], cwd=repository, check=True,
                            capture_output=True, text=True).stdout
    assert output.strip() == '[]'
