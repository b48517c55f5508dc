# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""How often each class occurs in the masks of a data set, counted once and cached."""

import hashlib
import json
import os
from typing import List

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.training.datasets.pairs import PairDataset
from espnet_perception.whole_files import whole_file
import numpy as np
from tqdm import tqdm

CACHE_FILE = 'class_shares.json'


def class_shares(dataset: PairDataset, folder: str, quiet: bool = False) -> np.ndarray:
    """
    Return the share of every class in the labelled pixels; reads, and so checks, every mask.

    Masks that cannot be read are left out here and named by the training when it meets them;
    masks with unknown ids are an error, since the data set is then not what it is said to be.

    :param dataset: images with masks
    :param folder: of the run; the counts are kept there in class_shares.json
    :param quiet: no progress bar
    :returns: (classes,) float64, sum 1; 0 for a class that is never seen
    :raises DatasetError: no labelled pixel at all
    """
    path = os.path.join(folder, CACHE_FILE)
    key = _fingerprint(dataset)
    counts = _cached(path, key)
    if counts is None:
        counts = _count(dataset, quiet)
        os.makedirs(folder, exist_ok=True)
        with whole_file(path) as part, open(part, 'w', encoding='utf-8') as stream:
            json.dump({'key': key, 'pixels': counts.tolist()}, stream)  # each process writes it
    if not counts.sum():
        raise DatasetError('no pixel of {} masks of {} has a class; check the masks'.format(
            len(dataset), dataset.name))
    return counts / counts.sum()


def never_seen(dataset: PairDataset, shares: np.ndarray) -> List[str]:
    """Return the names of the classes without a pixel."""
    return [name for name, share in zip(dataset.label_set.classes, shares) if not share]


def _count(dataset: PairDataset, quiet: bool) -> np.ndarray:
    counts = np.zeros(256, np.int64)
    unreadable = 0
    for index in tqdm(range(len(dataset)), desc='reading masks', disable=quiet, unit='mask'):
        try:
            labels = dataset.read_labels(index)
        except DatasetError as error:
            if dataset.is_damaged(index):
                unreadable += 1
                continue
            raise error
        counts += np.bincount(labels.ravel(), minlength=256)
    if unreadable == len(dataset):
        raise DatasetError('none of the {} masks of {} can be read'.format(
            unreadable, dataset.name))
    counts[NO_CLASS] = 0
    return counts[:len(dataset.label_set.classes)]


def _fingerprint(dataset: PairDataset) -> str:
    """Return a digest that changes with the files, without reading them."""
    digest = hashlib.sha256(repr((dataset.name, dataset.label_set.classes)).encode())
    for line in dataset.stamps():
        digest.update(line.encode())
    return digest.hexdigest()


def _cached(path: str, key: str):
    try:
        with open(path, encoding='utf-8') as stream:
            kept = json.load(stream)
        return np.array(kept['pixels'], np.int64) if kept['key'] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
