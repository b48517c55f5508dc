# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The one error family of the package.

Every message says what was got, what was expected and what to do. Foreign errors are
translated where the foreign library is called.
"""

import difflib
from typing import Sequence


class PerceptionError(Exception):
    """Base of every error that this package raises on purpose."""


class ImageError(PerceptionError):
    """An image or image message cannot be used (encoding, step, size, values)."""


class ModelError(PerceptionError):
    """A model directory, card or weight file is missing, damaged or foreign."""


class AbsentModelError(ModelError):
    """Nothing is where a model, its card or its weights should be."""


class NetworkError(PerceptionError):
    """A network cannot be built or fed as asked (width, classes, input size)."""


class EngineError(PerceptionError):
    """An engine is unknown, not installed, or failed while it ran."""


class SettingsError(PerceptionError):
    """A setting is unknown or out of its range."""


class BagError(PerceptionError):
    """A bag cannot be read or written, or holds nothing usable."""


class DatasetError(PerceptionError):
    """A data set or its ground truth is missing, damaged or does not fit the model."""


class GrammarError(PerceptionError):
    """A command grammar cannot be read or contradicts itself."""


class SensorError(PerceptionError):
    """
    A sensor of the machine cannot be read.

    :param message: which one, and why.
    :param reason: the why alone: absent, permission denied or unreadable.
    """

    def __init__(self, message: str, reason: str = 'unreadable') -> None:
        PerceptionError.__init__(self, message)
        self.reason = reason


class OutputError(PerceptionError):
    """Results cannot be written (no space, no permission, something in the way)."""


def unknown_key_sentence(kind: str, name: str, valid: Sequence[str]) -> str:
    """
    Say that a name is not known and which one may have been meant.

    :param kind: what the name is (setting, engine, ...).
    :param name: the unknown name.
    :param valid: every valid name.
    """
    return "unknown {} '{}'{} valid: {}".format(kind, name, nearest_hint(name, valid),
                                                ', '.join(valid))


def nearest_hint(name: str, valid: Sequence[str]) -> str:
    """
    Return '; did you mean ...?' with the valid name nearest to an unknown one, or ';'.

    :param name: the unknown name.
    :param valid: every valid name.
    """
    nearest = difflib.get_close_matches(str(name), list(valid), n=1, cutoff=0.4)
    return "; did you mean '{}'?".format(nearest[0]) if nearest else ';'
