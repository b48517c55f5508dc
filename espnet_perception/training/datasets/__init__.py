# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Data sets by name.

``open_pairs`` is the front door for images with masks, ``open_labelled`` for images with classes.
"""

import inspect
import os
from typing import Any, Callable, Dict, Optional

from espnet_perception.errors import DatasetError, unknown_key_sentence
from espnet_perception.training.datasets.camvid import open_camvid
from espnet_perception.training.datasets.cityscapes import open_cityscapes
from espnet_perception.training.datasets.coco import open_coco
from espnet_perception.training.datasets.folder import open_folder
from espnet_perception.training.datasets.image_folder import open_image_folder
from espnet_perception.training.datasets.labelled import LabelledDataset
from espnet_perception.training.datasets.pairs import PairDataset
from espnet_perception.training.datasets.pascal_voc import open_pascal_voc
from espnet_perception.training.datasets.patches import Cut, cut_patches, Patches
from espnet_perception.training.datasets.synthetic import open_synthetic

SEGMENTATION: Dict[str, Callable[..., PairDataset]] = {
    'camvid': open_camvid,
    'cityscapes': open_cityscapes,
    'pascal_voc': open_pascal_voc,
    'folder': open_folder,
    'synthetic': open_synthetic,
}
NO_OPTIONS: Dict[str, Any] = {}


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
    return _open(SEGMENTATION, name, folder, split, options or {})


def open_labelled(name: str, folder: str, split: str, options: Optional[Dict[str, Any]] = None
                  ) -> LabelledDataset:
    """
    Open a data set of images and classes.

    :param name: a key of CLASSIFICATION
    :param folder: where the data set lies
    :param split: part of it, such as train, val or test
    :param options: further arguments of the data set, such as count of patches
    :raises DatasetError: unknown name, folder, split or option, or files that do not fit
    """
    return _open(CLASSIFICATION, name, folder, split, options or {})


def open_patches(folder: str, split: str, of: str = 'camvid', count: int = Cut().count,
                 side: int = Cut().side, options: Dict[str, Any] = NO_OPTIONS) -> Patches:
    """
    Cut a small classification data set from a split of images with masks.

    :param folder: of the data set with masks
    :param split: of the data set with masks
    :param of: a key of SEGMENTATION
    :param count: see Cut
    :param side: see Cut
    :param options: of the data set with masks
    :raises DatasetError: as ``open_pairs``; or there is no patch
    """
    return cut_patches(open_pairs(of, folder, split, options), Cut(count, side))


CLASSIFICATION: Dict[str, Callable[..., LabelledDataset]] = {
    'image_folder': open_image_folder,
    'coco': open_coco,
    'patches': open_patches,
}


def _open(openers: Dict[str, Callable[..., Any]], name: str, folder: str, split: str,
          options: Dict[str, Any]) -> Any:
    if name not in openers:
        raise DatasetError(unknown_key_sentence('data set', name, list(openers)))
    _check_options(name, openers[name], options)
    return openers[name](os.path.expandvars(os.path.expanduser(folder)), split, **options)


def _check_options(name: str, opener: Callable[..., Any], options: Dict[str, Any]) -> None:
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
