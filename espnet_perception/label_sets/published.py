# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Names and colours of the classes of the data sets that the papers use."""

import os
from typing import Iterable, NamedTuple, Tuple

Colour = Tuple[int, int, int]


class LabelSet(NamedTuple):
    """
    Classes of a data set.

    :param name: name of the set.
    :param classes: class names; the position is the class id.
    :param palette: one (red, green, blue) colour per class, 0..255.
    """

    name: str
    classes: Tuple[str, ...]
    palette: Tuple[Colour, ...]


def voc_palette(count: int) -> Tuple[Colour, ...]:
    """
    Return the PASCAL VOC colours: the bits of the class id spread over red, green, blue.

    :param count: number of classes.
    """
    colours = []
    for class_id in range(count):
        colour, rest = [0, 0, 0], class_id
        for shift in range(7, -1, -1):
            for channel in range(3):
                colour[channel] |= (rest >> channel & 1) << shift
            rest >>= 3
        colours.append(tuple(colour))
    return tuple(colours)


def distinct_palette(count: int, taken: Iterable[Colour] = ()) -> Tuple[Colour, ...]:
    """
    Return colours for classes that have none: those of PASCAL VOC from its class 1 on.

    :param count: number of colours.
    :param taken: colours that are in use already; black is never given.
    """
    refused = set(taken) | {(0, 0, 0)}
    enough = voc_palette(count + len(refused))
    return tuple(colour for colour in enough if colour not in refused)[:count]


def _read_imagenet() -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Return the synset ids (the names of ImageNet's folders) and the names of the classes."""
    with open(os.path.join(os.path.dirname(__file__), 'imagenet.txt'), encoding='utf-8') as stream:
        rows = [line.rstrip('\n').split(' ', 1) for line in stream if line[0] != '#']
    return tuple(row[0] for row in rows), tuple(row[1] for row in rows)


def _from_rows(name: str, rows: Tuple[Tuple[str, Colour], ...]) -> LabelSet:
    return LabelSet(name, tuple(row[0] for row in rows), tuple(row[1] for row in rows))


CITYSCAPES = _from_rows('cityscapes', (
    ('road', (128, 64, 128)),
    ('sidewalk', (244, 35, 232)),
    ('building', (70, 70, 70)),
    ('wall', (102, 102, 156)),
    ('fence', (190, 153, 153)),
    ('pole', (153, 153, 153)),
    ('traffic light', (250, 170, 30)),
    ('traffic sign', (220, 220, 0)),
    ('vegetation', (107, 142, 35)),
    ('terrain', (152, 251, 152)),
    ('sky', (70, 130, 180)),
    ('person', (220, 20, 60)),
    ('rider', (255, 0, 0)),
    ('car', (0, 0, 142)),
    ('truck', (0, 0, 70)),
    ('bus', (0, 60, 100)),
    ('train', (0, 80, 100)),
    ('motorcycle', (0, 0, 230)),
    ('bicycle', (119, 11, 32)),
))

CITYSCAPES_BACKGROUND = LabelSet('cityscapes20', CITYSCAPES.classes + ('background',),
                                 CITYSCAPES.palette + ((0, 0, 0),))

# The official grouping of the 19 classes, in the order of its category ids (1 to 7; 0 is void).
# A category has the colour of its first class.
CITYSCAPES_CATEGORIES = _from_rows('cityscapes_categories', (
    ('flat', (128, 64, 128)),
    ('construction', (70, 70, 70)),
    ('object', (153, 153, 153)),
    ('nature', (107, 142, 35)),
    ('sky', (70, 130, 180)),
    ('human', (220, 20, 60)),
    ('vehicle', (0, 0, 142)),
))

# Category id of each of the 19 classes.
CITYSCAPES_CATEGORY_OF = (0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 6, 6, 6, 6, 6, 6)

CAMVID = _from_rows('camvid', (
    ('sky', (128, 128, 128)),
    ('building', (128, 0, 0)),
    ('pole', (192, 192, 128)),
    ('road', (128, 64, 128)),
    ('pavement', (60, 40, 222)),
    ('tree', (128, 128, 0)),
    ('sign', (192, 128, 128)),
    ('fence', (64, 64, 128)),
    ('car', (64, 0, 128)),
    ('pedestrian', (64, 64, 0)),
    ('bicyclist', (0, 128, 192)),
))

CAMVID_UNLABELLED = LabelSet('camvid12', CAMVID.classes + ('unlabelled',),
                             CAMVID.palette + ((0, 0, 0),))

_VOC_CLASSES = (
    'background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair',
    'cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
    'train', 'tvmonitor')

PASCAL_VOC = LabelSet('pascal_voc', _VOC_CLASSES, voc_palette(len(_VOC_CLASSES)))

# In the order of the category ids of instances_val, whose 80 ids have gaps up to 90.
_COCO_CLASSES = (
    'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck', 'boat',
    'traffic light', 'fire hydrant', 'stop sign', 'parking meter', 'bench', 'bird', 'cat', 'dog',
    'horse', 'sheep', 'cow', 'elephant', 'bear', 'zebra', 'giraffe', 'backpack', 'umbrella',
    'handbag', 'tie', 'suitcase', 'frisbee', 'skis', 'snowboard', 'sports ball', 'kite',
    'baseball bat', 'baseball glove', 'skateboard', 'surfboard', 'tennis racket', 'bottle',
    'wine glass', 'cup', 'fork', 'knife', 'spoon', 'bowl', 'banana', 'apple', 'sandwich',
    'orange', 'broccoli', 'carrot', 'hot dog', 'pizza', 'donut', 'cake', 'chair', 'couch',
    'potted plant', 'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote',
    'keyboard', 'cell phone', 'microwave', 'oven', 'toaster', 'sink', 'refrigerator', 'book',
    'clock', 'vase', 'scissors', 'teddy bear', 'hair drier', 'toothbrush')

COCO = LabelSet('coco', _COCO_CLASSES, distinct_palette(len(_COCO_CLASSES)))

IMAGENET_WNIDS, _IMAGENET_CLASSES = _read_imagenet()

IMAGENET = LabelSet('imagenet', _IMAGENET_CLASSES, distinct_palette(len(_IMAGENET_CLASSES)))

LABEL_SETS = {label_set.name: label_set for label_set in (
    CITYSCAPES, CITYSCAPES_BACKGROUND, CITYSCAPES_CATEGORIES, CAMVID, CAMVID_UNLABELLED,
    PASCAL_VOC, COCO, IMAGENET)}
