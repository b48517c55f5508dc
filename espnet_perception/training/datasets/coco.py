# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
MS-COCO as images of any number of its 80 classes (ESPNetv2, section 4.1, "Generalizability").

    annotations/instances_val2017.json   val2017/000000000139.jpg ...

Images without any object belong to it: a network has to learn to say nothing, too.
"""

import json
import os
from typing import Any, Dict, Sequence

from espnet_perception.errors import DatasetError, unknown_key_sentence
from espnet_perception.label_sets import COCO
from espnet_perception.training.datasets.labelled import LabelledFiles
from espnet_perception.training.datasets.pairs import named, Rights
import numpy as np

FIELDS = {'id', 'name', 'file_name', 'image_id', 'category_id', 'images', 'annotations',
          'categories'}
RIGHTS = Rights('COCO: images of Flickr under the terms of their owners',
                frames_may_be_shown=False)


def open_coco(folder: str, split: str) -> LabelledFiles:
    """
    Open COCO for multi-label classification.

    :param folder: holds annotations/ and a folder of images for each split
    :param split: such as train2017 or val2017
    :raises DatasetError: the annotations cannot be read or are none of COCO, or images are missing
    """
    path = os.path.join(folder, 'annotations', 'instances_{}.json'.format(split))
    content = _read(path)
    try:
        class_ids = {row['id']: _class_id(row['name'], path) for row in content['categories']}
        rows = {row['id']: position for position, row in enumerate(content['images'])}
        names = [row['file_name'] for row in content['images']]
        targets = np.zeros((len(rows), len(COCO.classes)), np.uint8)
        for row in content['annotations']:
            targets[rows[row['image_id']], class_ids[row['category_id']]] = 1
    except (KeyError, TypeError) as error:
        raise DatasetError('{} holds no instance annotations of COCO ({} {}); download it again'
                           .format(path, type(error).__name__, error))
    images = os.path.join(folder, split)
    _check_present(images, names)
    opened = LabelledFiles('coco', COCO, targets, images, names)
    opened.rights = RIGHTS
    return opened


def _read(path: str) -> Any:
    try:
        with open(path, encoding='utf-8') as stream:
            return json.load(stream, object_hook=_trimmed)
    except OSError as error:
        raise DatasetError('cannot read the annotations {}: {}'.format(path, error.strerror))
    except ValueError as error:
        raise DatasetError('{} is no JSON: {}'.format(path, error))


def _trimmed(mapping: Dict[str, Any]) -> Dict[str, Any]:
    """Drop what is not needed, the outlines above all, while the file is being read."""
    return {key: value for key, value in mapping.items() if key in FIELDS}


def _class_id(name: str, path: str) -> int:
    if name not in COCO.classes:
        raise DatasetError('{}: {}'.format(path, unknown_key_sentence(
            'class of COCO', name, COCO.classes)))
    return COCO.classes.index(name)


def _check_present(images: str, names: Sequence[str]) -> None:
    try:
        present = set(os.listdir(images))
    except OSError as error:
        raise DatasetError('cannot read the images of COCO in {}: {}'.format(
            images, error.strerror))
    missing = [name for name in names if name not in present]
    if missing:
        raise DatasetError('{} lacks {} of {} images: {}; add them'.format(
            images, len(missing), len(names), named(missing)))
