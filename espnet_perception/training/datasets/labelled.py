# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Images with classes: what every classification data set comes down to."""

import os
from typing import Any, Sequence, Tuple

from espnet_perception.errors import DatasetError
from espnet_perception.label_sets import LabelSet
from espnet_perception.training.datasets.pairs import (
    named,
    read_image,
    Rights,
    UNKNOWN_RIGHTS,
)
import numpy as np


class LabelledDataset:
    """
    Images with one class each, or with any number of classes.

    :param name: name of the data set, for cards and messages
    :param label_set: names and colours of the classes
    :param targets: (N,) int64 class ids, or (N, classes) uint8, 1 where the image has the class
    :param rights: what may be done with the images
    """

    note = ''  # a sentence on how the split was made, where the user should know

    def __init__(self, name: str, label_set: LabelSet, targets: np.ndarray,
                 rights: Rights = UNKNOWN_RIGHTS) -> None:
        self.name, self.label_set, self.targets, self.rights = name, label_set, targets, rights
        if not len(targets):
            raise DatasetError('the data set {} holds no image; check its folder and split'.format(
                name))

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def multi_label(self) -> bool:
        """Whether an image may have any number of classes."""
        return self.targets.ndim == 2

    def image(self, index: int) -> np.ndarray:
        """
        Return one image.

        :param index: position in the data set
        :returns: (H, W, 3) uint8 blue-green-red
        :raises DatasetError: missing or damaged
        """
        raise NotImplementedError

    def read(self, index: int) -> Tuple[np.ndarray, Any]:
        """Return one image and its target: an int64, or (classes,) uint8; raises as ``image``."""
        return self.image(index), self.targets[index]


class LabelledFiles(LabelledDataset):
    """
    Images in files, decoded when they are asked for.

    :param folder: that the names are relative to
    :param names: of the files
    """

    def __init__(self, name: str, label_set: LabelSet, targets: np.ndarray, folder: str,
                 names: Sequence[str]) -> None:
        super().__init__(name, label_set, targets)
        self.folder, self.names = folder, tuple(names)

    def image(self, index: int) -> np.ndarray:
        """Decode one file, as LabelledDataset says."""
        return read_image(os.path.join(self.folder, self.names[index]))


def check_same_classes(learnt: LabelledDataset, check: LabelledDataset) -> None:
    """
    Refuse splits that do not have the same classes in the same order.

    :param learnt: split to learn from
    :param check: split that checks
    :raises DatasetError: they differ; names classes that only one of them has
    """
    first, second = learnt.label_set.classes, check.label_set.classes
    if first != second:
        lonely = [name for name in first + second if name not in first or name not in second]
        raise DatasetError('the split to learn from has {} classes, the one that checks {}{}; '
                           'both need the same in the same order'.format(
                               len(first), len(second),
                               ', only one of them ' + named(lonely) if lonely else ''))
