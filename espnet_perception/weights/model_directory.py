# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A new model directory: it appears whole or not at all."""

from contextlib import contextmanager
import os
import re
import shutil
from typing import Iterator

from espnet_perception.errors import OutputError, SettingsError
from espnet_perception.model_card import CARD_FILE

WEIGHTS_FILE, PAGE_FILE = 'weights.pth', 'MODEL_CARD.md'
NAME_PATTERN = r'[A-Za-z0-9_][A-Za-z0-9_.+-]*'


def check_name(name: str) -> str:
    """
    Return the name of a model if it can be that of a directory.

    :param name: the name.
    :raises SettingsError: it cannot.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise SettingsError("'{}' cannot be the name of a model; take letters, digits and _ . + -"
                            .format(name))
    return name


def check_free(directory: str, force: bool) -> None:
    """
    Refuse a directory that is there already.

    :param directory: path of the future model directory.
    :param force: a model may be replaced, anything else never.
    :raises OutputError: it is not free.
    """
    if not os.path.lexists(directory):
        return
    if not os.path.isfile(os.path.join(directory, CARD_FILE)):
        raise OutputError('{} is there and is no model; give another name'.format(directory))
    if not force:
        raise OutputError('there is a model at {}; give another name, or --force to replace it'
                          .format(directory))


@contextmanager
def new_directory(directory: str, force: bool) -> Iterator[str]:
    """
    Yield a folder to fill; when the block ends well it becomes the model directory.

    :param directory: path of the model directory; folders above it are made.
    :param force: replace a model that is there.
    :raises OutputError: it is not free, or cannot be written.
    """
    check_free(directory, force)
    folder, name = os.path.split(os.path.abspath(directory))
    part = os.path.join(folder, '.{}.{}.part'.format(name, os.getpid()))
    try:
        os.makedirs(part)
        yield part
        _put_in_place(part, directory)
    except OSError as error:
        raise OutputError('cannot write the model {}: {}; free some space or choose another '
                          'folder'.format(directory, error.strerror or error))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: str, directory: str) -> None:
    if not os.path.lexists(directory):
        os.rename(part, directory)
        return
    old = part[:-len('.part')] + '.old'
    os.rename(directory, old)
    try:
        os.rename(part, directory)
    except OSError:
        os.rename(old, directory)
        raise
    shutil.rmtree(old, ignore_errors=True)
