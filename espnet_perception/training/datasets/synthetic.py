# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Streets drawn by this package, with exact labels in the 19 Cityscapes classes.

train: drives 1000, 1001, ... with a frame every four seconds; val: drives 50000 to 50007; test:
drives 90001 to 90004 with 60 frames each, one per second. Test drives serve measurements alone.
"""

import os
from typing import NamedTuple, Tuple

from espnet_perception.errors import DatasetError, unknown_key_sentence
from espnet_perception.label_sets import CITYSCAPES
from espnet_perception.training.datasets.pairs import Pair, PairDataset, Rights
from espnet_perception.training.frame_cache import array_path, FrameCache, render
from espnet_perception.user_folders import cache_folder
import numpy as np


class Drives(NamedTuple):
    """
    Drives of a split.

    :param first_seed: seed of the first one; the others follow
    :param count: number of drives
    :param frames: of each drive
    :param rate_hz: frames per second
    """

    first_seed: int
    count: int
    frames: int
    rate_hz: float


SPLITS = {
    'train': Drives(1000, 300, 10, 0.25),
    'val': Drives(50000, 8, 6, 0.25),
    'test': Drives(90001, 4, 60, 1.0),
}
RIGHTS = Rights('Apache-2.0', frames_may_be_shown=True)


class SyntheticDataset(PairDataset):
    """
    Frames of a cache as pairs.

    :param cache: the rendered frames
    :param drives: which they are
    """

    def __init__(self, cache: FrameCache, drives: Drives) -> None:
        seeds = range(drives.first_seed, drives.first_seed + drives.count)
        super().__init__('synthetic', [
            Pair('{}/{:03d}'.format(seed, frame), array_path(cache.folder, 'images'),
                 array_path(cache.folder, 'labels'), group=str(seed))
            for seed in seeds for frame in range(drives.frames)], CITYSCAPES, rights=RIGHTS)
        self.cache = cache

    def read(self, index: int) -> Tuple[np.ndarray, np.ndarray]:
        """Return copies of image and labels, as PairDataset does."""
        return np.array(self.cache.images_bgr[index]), self.read_labels(index)

    def read_labels(self, index: int) -> np.ndarray:
        """Return a copy of the labels, as PairDataset does."""
        return np.array(self.cache.labels[index])

    def is_damaged(self, index: int) -> bool:
        """Return False: what was rendered can be read."""
        return False


def open_synthetic(folder: str, split: str, width: int = 512, height: int = 256,
                   train_drives: int = SPLITS['train'].count) -> SyntheticDataset:
    """
    Open synthetic streets, rendering them where that was not done yet.

    :param folder: where rendered frames are kept; empty: the user's cache folder
    :param split: train, val or test
    :param width: of the frames in pixels
    :param height: of the frames in pixels
    :param train_drives: number of drives of the split train
    :raises DatasetError: unknown split, or a damaged cache
    """
    if split not in SPLITS:
        raise DatasetError(unknown_key_sentence('split of the synthetic streets', split,
                                                list(SPLITS)))
    drives = SPLITS[split]
    if split == 'train':
        drives = drives._replace(count=train_drives)
    name = '{}_{}x{}_{}'.format(split, width, height, drives.count)
    seeds = list(range(drives.first_seed, drives.first_seed + drives.count))
    cache = render(os.path.join(folder or cache_folder('synthetic'), name), seeds, drives.frames,
                   (width, height), drives.rate_hz)
    return SyntheticDataset(cache, drives)
