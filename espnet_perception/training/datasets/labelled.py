# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Images with classes: what every classification data set comes down to."""

import os
from typing import Any, Sequence, Tuple

from espnet_perception.errors import DatasetError
from espnet_perception.label_sets import LabelSet
from espnet_perception.training.datasets.pairs import read_image, Rights, UNKNOWN_RIGHTS
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


def check_same_classes(one: LabelledDataset, other: LabelledDataset) -> None:
    """
    Refuse two parts of a data set that do not have the same classes in the same order.

    :raises DatasetError: they differ; names the first classes that only one of them has
    """
    first, second = one.label_set.classes, other.label_set.classes
    if first != second or one.multi_label != other.multi_label:
        lonely = [name for name in first + second if name not in first or name not in second]
        raise DatasetError('{} has {} classes and {} has {}{}; both parts need the same ones in '
                           'the same order'.format(
                               one.name, len(first), other.name, len(second),
                               ', ' + ', '.join(lonely[:3]) + ' in one alone' if lonely else ''))
