# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The label sets of the papers' data sets."""

import json

from espnet_perception import label_sets
from espnet_perception.label_sets import LABEL_SETS
import pytest


@pytest.mark.parametrize('name, count', [
    ('cityscapes', 19), ('cityscapes20', 20), ('cityscapes_categories', 7), ('camvid', 11),
    ('camvid12', 12), ('pascal_voc', 21), ('coco', 80), ('imagenet', 1000)])
def test_every_class_has_its_name_and_its_colour(name, count):
    """Counts as published; nothing appears twice."""
    label_set = LABEL_SETS[name]
    assert len(label_set.classes) == len(label_set.palette) == count
    assert len({text.lower() for text in label_set.classes}) == count
    assert len(set(label_set.palette)) == count
    assert all(text == text.strip() != '' for text in label_set.classes)
    assert all(len(colour) == 3 and 0 <= min(colour) and max(colour) <= 255
               for colour in label_set.palette)


def test_there_is_no_other_set():
    """The table above is complete."""
    assert len(LABEL_SETS) == 8
    assert all(name == label_set.name for name, label_set in LABEL_SETS.items())


def test_released_palettes(shared_dir):
    """The names and colours of the released code."""
    path = shared_dir / 'reference/golden/classes_palettes.json'
    released = json.loads(path.read_text(encoding='utf-8'))
    for label_set, rows in ((label_sets.CITYSCAPES_BACKGROUND, released['cityscapes']),
                            (label_sets.PASCAL_VOC, released['pascal_voc'])):
        assert [tuple(row['rgb']) for row in rows] == list(label_set.palette)
    assert tuple(row['name'] for row in released['cityscapes']) == \
        label_sets.CITYSCAPES_BACKGROUND.classes


@pytest.mark.parametrize('category, classes', [
    ('flat', 'road, sidewalk'),
    ('construction', 'building, wall, fence'),
    ('object', 'pole, traffic light, traffic sign'),
    ('nature', 'vegetation, terrain'),
    ('sky', 'sky'),
    ('human', 'person, rider'),
    ('vehicle', 'car, truck, bus, train, motorcycle, bicycle'),
])
def test_categories_of_cityscapes(category, classes):
    """The official grouping."""
    category_id = label_sets.CITYSCAPES_CATEGORIES.classes.index(category)
    members = [name for name, its_category in zip(label_sets.CITYSCAPES.classes,
                                                  label_sets.CITYSCAPES_CATEGORY_OF)
               if its_category == category_id]
    assert ', '.join(members) == classes
    assert (label_sets.CITYSCAPES_CATEGORIES.palette[category_id]
            == label_sets.CITYSCAPES.palette[label_sets.CITYSCAPES.classes.index(members[0])])


def test_every_class_of_cityscapes_has_a_category():
    """One for each of the 19."""
    assert len(label_sets.CITYSCAPES_CATEGORY_OF) == len(label_sets.CITYSCAPES.classes)


@pytest.mark.parametrize('class_id, name', [
    (0, 'person'), (1, 'bicycle'), (9, 'traffic light'), (11, 'stop sign'), (24, 'backpack'),
    (39, 'bottle'), (56, 'chair'), (60, 'dining table'), (79, 'toothbrush')])
def test_coco(class_id, name):
    """Around the gaps of the official ids (12, 26, 29, 45, 66, 68 and others)."""
    assert label_sets.COCO.classes[class_id] == name


@pytest.mark.parametrize('class_id, wnid, name', [
    (0, 'n01440764', 'tench'), (1, 'n01443537', 'goldfish'),
    (134, 'n02012849', 'crane (bird)'), (264, 'n02113186', 'Cardigan Welsh corgi'),
    (281, 'n02123045', 'tabby'), (283, 'n02123394', 'Persian cat'),
    (474, 'n02963159', 'cardigan'), (517, 'n03126707', 'crane (machine)'),
    (638, 'n03710637', 'maillot (tights)'), (639, 'n03710721', 'maillot (tank suit)'),
    (654, 'n03769881', 'minibus'), (817, 'n04285008', 'sports car'),
    (999, 'n15075141', 'toilet tissue')])
def test_imagenet(class_id, wnid, name):
    """Names and synset ids of the common order."""
    assert label_sets.IMAGENET_WNIDS[class_id] == wnid
    assert label_sets.IMAGENET.classes[class_id] == name


def test_imagenet_is_in_the_order_of_its_folders():
    """Sorted synset ids are what every reader of ImageNet's folders numbers them by."""
    wnids = label_sets.IMAGENET_WNIDS
    assert list(wnids) == sorted(set(wnids)) and len(wnids) == 1000
    assert all(len(wnid) == 9 and wnid[0] == 'n' and wnid[1:].isdigit() for wnid in wnids)


def test_distinct_palette_avoids_what_is_taken():
    """Neither black nor a colour in use."""
    plain = label_sets.distinct_palette(4)
    assert plain == label_sets.PASCAL_VOC.palette[1:5]
    assert label_sets.distinct_palette(3, plain[:2]) == label_sets.PASCAL_VOC.palette[3:6]
    assert label_sets.distinct_palette(0) == ()
