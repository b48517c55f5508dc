# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
PASCAL VOC 2012 with its 21 classes, in the layout of its own archive.

Everingham et al.: The PASCAL Visual Object Classes Challenge (IJCV 2015). The images come from
Flickr under the terms of their owners. The masks are palette images whose indices count.
The larger list trainaug needs SegmentationClassAug with the masks of SBD (Hariharan et al.,
ICCV 2011) and ImageSets/Segmentation/trainaug.txt, as they are passed around together.
"""

import os

from espnet_perception.errors import DatasetError
from espnet_perception.label_sets import PASCAL_VOC
from espnet_perception.training.datasets.pairs import (
    named,
    Pair,
    PairDataset,
    read_split,
    Rights,
)

LISTS = os.path.join('ImageSets', 'Segmentation')
IMAGES, MASKS, MORE_MASKS = 'JPEGImages', 'SegmentationClass', 'SegmentationClassAug'
ROOTS = ('', 'VOC2012', os.path.join('VOCdevkit', 'VOC2012'))
AUGMENTED = 'aug'  # lists with this ending take the masks of SBD
RIGHTS = Rights('PASCAL VOC: images of Flickr under the terms of their owners',
                frames_may_be_shown=False)


def open_pascal_voc(folder: str, split: str) -> PairDataset:
    """
    Open PASCAL VOC 2012.

    :param folder: VOC2012 or a folder above it
    :param split: name of a list in ImageSets/Segmentation: train, val, trainval, trainaug;
        several joined by +
    :raises DatasetError: folder, list or masks are missing
    """
    root = next((os.path.join(folder, one) for one in ROOTS
                 if os.path.isdir(os.path.join(folder, one, LISTS))), folder)
    pairs = []
    for part in split.split('+'):
        masks = MORE_MASKS if part.endswith(AUGMENTED) else MASKS
        for line in read_split(os.path.join(root, LISTS), part):
            stem = os.path.splitext(os.path.basename(line.split()[0]))[0]
            pairs.append(Pair('{}/{}'.format(part, stem),
                              os.path.join(root, IMAGES, stem + '.jpg'),
                              os.path.join(root, masks, stem + '.png')))
    missing = [pair.stem for pair in pairs if not os.path.exists(pair.mask)]
    if missing:
        raise DatasetError('{} of {} images have no mask {}: {}; unpack the masks of this split'
                           .format(len(missing), len(pairs), pairs[-1].mask, named(missing)))
    return PairDataset('pascal_voc', pairs, PASCAL_VOC, rights=RIGHTS)
