# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Cityscapes with its 19 classes, in the layout of its own archives.

Cordts et al.: The Cityscapes Dataset for Semantic Urban Scene Understanding (CVPR 2016). Not for
commercial use. The folder holds leftImg8bit/<split>/<city>/ and gtFine/<split>/<city>/; the masks
are ..._labelTrainIds.png where all are there, else ..._labelIds.png. The masks of train_extra are
those of gtCoarse.
"""

import os
from typing import List, Sequence

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.label_sets import CITYSCAPES
from espnet_perception.training.datasets.pairs import (
    FORBIDDEN,
    named,
    Pair,
    PairDataset,
    plain_ids,
    Rights,
)
import numpy as np

IMAGES, IMAGE_ENDINGS = 'leftImg8bit', ('_leftImg8bit.png', '_leftImg8bit.jpg')
ANNOTATIONS = {'train_extra': 'gtCoarse'}
FINE = 'gtFine'
# Label ids of the 19 classes in the order of their train ids; the others of 0 to 33 count nowhere.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
LAST_LABEL_ID = 33
RIGHTS = Rights('Cityscapes: not for commercial use, frames not to be passed on',
                frames_may_be_shown=False)


def open_cityscapes(folder: str, split: str) -> PairDataset:
    """
    Open Cityscapes.

    :param folder: holds leftImg8bit and gtFine (gtCoarse for train_extra)
    :param split: train, val or train_extra; several joined by +
    :raises DatasetError: a folder is missing, or images lack their masks
    """
    frames = [frame for part in split.split('+') for frame in _frames(folder, part)]
    for ending, ids in (('labelTrainIds', plain_ids(len(CITYSCAPES.classes))),
                        ('labelIds', label_ids())):
        pairs = [frame._replace(mask=frame.mask + ending + '.png') for frame in frames]
        missing = [pair.stem for pair in pairs if not os.path.exists(pair.mask)]
        if not missing:
            return PairDataset('cityscapes', pairs, CITYSCAPES, ids, RIGHTS)
    raise DatasetError('{} of {} images of {} have no mask ..._labelIds.png in {}: {}; unpack the '
                       'annotations of this split'.format(
                           len(missing), len(frames), split, os.path.dirname(pairs[0].mask),
                           named(missing)))


def label_ids() -> np.ndarray:
    """Return the class id of every value of a labelIds mask: (256,) int16."""
    ids = np.full(256, FORBIDDEN, np.int16)
    ids[:LAST_LABEL_ID + 1] = NO_CLASS
    ids[list(LABEL_IDS)] = np.arange(len(LABEL_IDS))
    ids[NO_CLASS] = NO_CLASS  # label id -1, the licence plates
    return ids


def _frames(folder: str, split: str) -> List[Pair]:
    """Return the images of a split; of the masks' paths the ending is still missing."""
    images = os.path.join(folder, IMAGES, split)
    annotations = ANNOTATIONS.get(split, FINE)
    found = []
    for city in _sorted_entries(images):
        for name in _sorted_entries(os.path.join(images, city)):
            ending = next((one for one in IMAGE_ENDINGS if name.endswith(one)), None)
            if ending:
                stem = name[:-len(ending)]
                found.append(Pair(
                    '{}/{}/{}'.format(split, city, stem), os.path.join(images, city, name),
                    os.path.join(folder, annotations, split, city,
                                 '{}_{}_'.format(stem, annotations)), city))
    if not found:
        raise DatasetError('{} holds no <city>/*{}; unpack the images of this split'.format(
            images, IMAGE_ENDINGS[0]))
    return found


def _sorted_entries(folder: str) -> Sequence[str]:
    try:
        return sorted(os.listdir(folder))
    except NotADirectoryError:
        return ()
    except OSError as error:
        raise DatasetError('cannot read {}: {}; give the folder that holds {} and {}'.format(
            folder, error.strerror, IMAGES, FINE))
