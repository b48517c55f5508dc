# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Names and colours of classes: those of the papers' data sets, and the user's own."""

from espnet_perception.label_sets.own import load_label_set
from espnet_perception.label_sets.published import (
    CAMVID,
    CAMVID_UNLABELLED,
    CITYSCAPES,
    CITYSCAPES_BACKGROUND,
    CITYSCAPES_CATEGORIES,
    CITYSCAPES_CATEGORY_OF,
    COCO,
    Colour,
    distinct_palette,
    IMAGENET,
    IMAGENET_WNIDS,
    LABEL_SETS,
    LabelSet,
    PASCAL_VOC,
    voc_palette,
)

__all__ = [
    'CAMVID', 'CAMVID_UNLABELLED', 'CITYSCAPES', 'CITYSCAPES_BACKGROUND', 'CITYSCAPES_CATEGORIES',
    'CITYSCAPES_CATEGORY_OF', 'COCO', 'Colour', 'IMAGENET', 'IMAGENET_WNIDS', 'LABEL_SETS',
    'LabelSet', 'PASCAL_VOC', 'distinct_palette', 'load_label_set', 'voc_palette',
]
