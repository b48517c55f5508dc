# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
CamVid with 11 classes at 480x360, in the layout in which SegNet's authors publish it.

Brostow, Fauqueur, Cipolla: Semantic object classes in video (2009). For research use. The folder
holds train.txt, val.txt and test.txt, and for each split the folders <split> and <split>annot.
"""

import os

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.label_sets import CAMVID
from espnet_perception.training.datasets.pairs import (
    Pair,
    PairDataset,
    plain_ids,
    read_split,
    Rights,
)

UNLABELLED = 11
EXTENSIONS = ('.png', '.jpg')
RIGHTS = Rights('CamVid: for research use', frames_may_be_shown=False)


def open_camvid(folder: str, split: str) -> PairDataset:
    """
    Open CamVid.

    :param folder: folder of the data set
    :param split: train, val or test; several joined by +
    :raises DatasetError: folder, list or a file is missing
    """
    pairs = []
    for part in split.split('+'):
        for stem in read_split(folder, part):
            stem = os.path.splitext(os.path.basename(stem.split()[0]))[0]
            pairs.append(Pair('{}/{}'.format(part, stem), _image(folder, part, stem),
                              os.path.join(folder, part + 'annot', stem + '.png'),
                              group=stem.split('_')[0]))  # the drive
    ids = plain_ids(len(CAMVID.classes))
    ids[UNLABELLED] = NO_CLASS
    return PairDataset('camvid', pairs, CAMVID, ids, RIGHTS)


def _image(folder: str, split: str, stem: str) -> str:
    for extension in EXTENSIONS:
        path = os.path.join(folder, split, stem + extension)
        if os.path.exists(path):
            return path
    raise DatasetError('CamVid lacks the image {}{}; expected it in {}'.format(
        stem, ' or '.join(EXTENSIONS), os.path.join(folder, split)))
