# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Images in a folder for each class, as ImageNet comes and as users sort their own.

    train/cat/0001.jpg   train/dog/0002.jpg   val/cat/0003.jpg   val/dog/0004.jpg

The class ids follow the names of the folders in alphabetical order. Folders that are named by the
synset ids of ImageNet (n01440764) get the names of its classes.
"""

import os
from typing import List, Sequence

from espnet_perception.errors import DatasetError
from espnet_perception.label_sets import (
    distinct_palette,
    IMAGENET,
    IMAGENET_WNIDS,
    LabelSet,
)
from espnet_perception.training.datasets.labelled import LabelledFiles
from espnet_perception.training.datasets.pairs import named, Rights
import numpy as np

IMAGENET_RIGHTS = Rights('ImageNet: for research and education, not for commercial use',
                         frames_may_be_shown=False)
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')


def open_image_folder(folder: str, split: str) -> LabelledFiles:
    """
    Open a folder of classes.

    :param folder: holds a folder for each split
    :param split: train, val or what else there is a folder for
    :raises DatasetError: no such split, other classes than in the other splits, a class without
        images, or a file where none belongs
    """
    root = os.path.join(folder, split)
    classes = _classes(root)
    train = os.path.join(folder, 'train')
    if os.path.isdir(train):
        _check_same(root, classes, train)
    names, targets = [], []
    for class_id, name in enumerate(classes):
        files = _images(os.path.join(root, name))
        names += [os.path.join(name, file) for file in files]
        targets += [class_id] * len(files)
    title = os.path.basename(os.path.abspath(folder))
    opened = LabelledFiles(title, _label_set(title, classes), np.array(targets, np.int64), root,
                           names)
    if set(classes) <= set(IMAGENET_WNIDS):
        opened.rights = IMAGENET_RIGHTS
    return opened


def _classes(root: str) -> List[str]:
    """Return the names of the folders of a split; nothing else may lie there."""
    entries = _visible(root)
    folders = [entry.name for entry in entries if entry.is_dir()]
    stray = [entry.name for entry in entries if not entry.is_dir()]
    if stray:
        raise DatasetError('{} holds files beside the folders of classes: {}; put images into the '
                           'folder of their class and remove the rest'.format(root, named(stray)))
    if not folders:
        raise DatasetError('{} holds no folder; expected one for each class, with its images'
                           .format(root))
    return folders


def _images(folder: str) -> List[str]:
    entries = _visible(folder)
    stray = [entry.name for entry in entries if entry.is_dir()
             or os.path.splitext(entry.name)[1].lower() not in IMAGE_SUFFIXES]
    if stray:
        raise DatasetError('{} holds what is no image: {}; expected {} alone'.format(
            folder, named(stray), ', '.join(IMAGE_SUFFIXES)))
    if not entries:
        raise DatasetError('the class folder {} is empty; add images, or remove the class from '
                           'every split'.format(folder))
    return [entry.name for entry in entries]


def _visible(folder: str) -> List[os.DirEntry]:
    """Return what a folder holds, without hidden files, by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if not entry.name.startswith('.')),
                          key=lambda entry: entry.name)
    except OSError as error:
        raise DatasetError('cannot read {}: {}; expected a folder for each split, in it one for '
                           'each class'.format(folder, error.strerror))


def _check_same(root: str, classes: Sequence[str], train: str) -> None:
    others = _classes(train)
    for having, lacking, where in ((classes, others, train), (others, classes, root)):
        missing = [name for name in having if name not in lacking]
        if missing:
            raise DatasetError('{} lacks {} of the {} classes: {}; every split needs a folder '
                               'with images for every class'.format(
                                   where, len(missing), len(having), named(missing)))


def _label_set(title: str, folders: Sequence[str]) -> LabelSet:
    if tuple(folders) == IMAGENET_WNIDS:
        return IMAGENET
    known = dict(zip(IMAGENET_WNIDS, IMAGENET.classes))
    if all(name in known for name in folders):
        folders = [known[name] for name in folders]
    return LabelSet(title, tuple(folders), distinct_palette(len(folders)))
