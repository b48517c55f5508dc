# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Data sets by name; ``open_pairs`` is the front door for images with masks."""

import inspect
import os
from typing import Any, Callable, Dict, Optional

from espnet_perception.errors import DatasetError, unknown_key_sentence
from espnet_perception.training.datasets.camvid import open_camvid
from espnet_perception.training.datasets.cityscapes import open_cityscapes
from espnet_perception.training.datasets.folder import open_folder
from espnet_perception.training.datasets.pairs import PairDataset
from espnet_perception.training.datasets.pascal_voc import open_pascal_voc
from espnet_perception.training.datasets.synthetic import open_synthetic

SEGMENTATION: Dict[str, Callable[..., PairDataset]] = {
    'camvid': open_camvid,
    'cityscapes': open_cityscapes,
    'pascal_voc': open_pascal_voc,
    'folder': open_folder,
    'synthetic': open_synthetic,
}


def open_pairs(name: str, folder: str, split: str, options: Optional[Dict[str, Any]] = None
               ) -> PairDataset:
    """
    Open a data set of images and masks.

    :param name: a key of SEGMENTATION
    :param folder: where the data set lies
    :param split: part of it, such as train, val or test; several joined by +
    :param options: further arguments of the data set, such as classes of folder
    :raises DatasetError: unknown name, folder, split or option, images without masks
    """
    if name not in SEGMENTATION:
        raise DatasetError(unknown_key_sentence('data set', name, list(SEGMENTATION)))
    opener = SEGMENTATION[name]
    _check_options(name, opener, options or {})
    return opener(os.path.expandvars(os.path.expanduser(folder)), split, **(options or {}))


def _check_options(name: str, opener: Callable[..., PairDataset], options: Dict[str, Any]) -> None:
    """Refuse options that an opener does not have after its folder and split."""
    known = dict(list(inspect.signature(opener).parameters.items())[2:])
    for key, value in options.items():
        if not known:
            raise DatasetError("the data set '{}' has no options, got '{}'".format(name, key))
        if key not in known:
            raise DatasetError(unknown_key_sentence(
                "option of the data set '{}'".format(name), key, list(known)))
        expected = type(known[key].default)
        if type(value) is not expected:
            raise DatasetError("option '{}' of the data set '{}' is {!r}, expected {}".format(
                key, name, value, expected.__name__))
