# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Data sets by name; ``open_pairs`` is the front door for images with masks."""

import os
from typing import Callable, Dict

from espnet_perception.errors import DatasetError, unknown_key_sentence
from espnet_perception.training.datasets.camvid import open_camvid
from espnet_perception.training.datasets.pairs import PairDataset

SEGMENTATION: Dict[str, Callable[[str, str], PairDataset]] = {
    'camvid': open_camvid,
}


def open_pairs(name: str, folder: str, split: str) -> PairDataset:
    """
    Open a data set of images and masks.

    :param name: a key of SEGMENTATION
    :param folder: where the data set lies
    :param split: part of it, such as train, val or test; several joined by +
    :raises DatasetError: unknown name, folder or split, images without masks
    """
    if name not in SEGMENTATION:
        raise DatasetError(unknown_key_sentence('data set', name, SEGMENTATION))
    return SEGMENTATION[name](os.path.expandvars(os.path.expanduser(folder)), split)
