# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of COCO as images of any number of classes, on one made here."""

import json
import shutil

from espnet_perception.errors import DatasetError
from espnet_perception.label_sets import COCO
from espnet_perception.training.datasets import open_labelled
import pytest


@pytest.fixture
def spoilt(made_coco, tmp_path):
    """Return a copy, and a function that changes its annotations of val2017."""
    folder = shutil.copytree(made_coco, tmp_path / 'coco')
    path = folder / 'annotations' / 'instances_val2017.json'

    def change(how):
        content = json.loads(path.read_text())
        how(content)
        path.write_text(json.dumps(content))
    return folder, change


def test_an_image_has_every_class_of_its_objects_once(made_coco):
    opened = open_labelled('coco', str(made_coco), 'train2017')
    assert opened.label_set is COCO and opened.multi_label
    assert opened.targets.shape == (12, 80)
    present = [[COCO.classes[place] for place in row.nonzero()[0]] for row in opened.targets]
    assert present[:4] == [['person'], ['toothbrush'], ['person', 'toothbrush'], []]
    image_bgr, target = opened.read(2)
    assert image_bgr.shape == (40, 48, 3) and target.sum() == 2


def test_missing_images_are_named(spoilt):
    folder, _ = spoilt
    (folder / 'val2017' / '01.jpg').unlink()
    with pytest.raises(DatasetError, match=r'val2017 lacks 1 of 4 images: 01\.jpg; add them'):
        open_labelled('coco', str(folder), 'val2017')
    shutil.rmtree(folder / 'val2017')
    with pytest.raises(DatasetError, match=r'cannot read the images of COCO in .*val2017'):
        open_labelled('coco', str(folder), 'val2017')


def test_missing_or_foreign_annotations_are_named(spoilt):
    folder, change = spoilt
    with pytest.raises(DatasetError, match=r'cannot read the annotations .*instances_val2014'):
        open_labelled('coco', str(folder), 'val2014')
    change(lambda content: content['categories'][0].update(name='persn'))
    with pytest.raises(DatasetError, match="class of COCO 'persn'.*person"):
        open_labelled('coco', str(folder), 'val2017')
    change(lambda content: content.pop('categories'))
    with pytest.raises(DatasetError, match="no instance annotations of COCO .*'categories'"):
        open_labelled('coco', str(folder), 'val2017')
    (folder / 'annotations' / 'instances_val2017.json').write_text('{"images": [')
    with pytest.raises(DatasetError, match=r'instances_val2017\.json is no JSON'):
        open_labelled('coco', str(folder), 'val2017')
