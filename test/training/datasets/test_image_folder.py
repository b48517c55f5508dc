# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of images in a folder for each class."""

import shutil

from espnet_perception.errors import DatasetError
from espnet_perception.label_sets import IMAGENET, IMAGENET_WNIDS
from espnet_perception.training.datasets import open_labelled
import numpy as np
import pytest


@pytest.fixture
def things(tiny_image_folder, tmp_path):
    """Return a copy of the tiny data set that a test may spoil."""
    return shutil.copytree(tiny_image_folder, tmp_path / 'things')


def test_classes_and_images_come_in_the_order_of_their_names(tiny_image_folder):
    opened = open_labelled('image_folder', str(tiny_image_folder), 'train')
    assert opened.label_set.classes == ('blue', 'green', 'red')
    assert opened.targets.tolist() == [0] * 8 + [1] * 8 + [2] * 8
    assert list(opened.names[:2]) == ['blue/00.jpg', 'blue/01.jpg'] and len(opened) == 24
    image_bgr, target = opened.read(23)
    assert image_bgr.shape == (40, 48, 3) and image_bgr.dtype == np.uint8
    assert target == 2 and not opened.multi_label


def test_folders_of_synset_ids_get_the_names_of_imagenet(tmp_path, tiny_image_folder):
    for wnid in ('n01443537', 'n01440764'):
        shutil.copytree(tiny_image_folder / 'val' / 'red', tmp_path / 'some' / 'train' / wnid)
    opened = open_labelled('image_folder', str(tmp_path / 'some'), 'train')
    assert opened.label_set.classes == IMAGENET.classes[:2] and opened.label_set.name == 'some'
    assert opened.rights.frames_may_be_shown is False


def test_all_of_imagenet_has_the_label_set_of_imagenet(tmp_path):
    for wnid in IMAGENET_WNIDS:
        (tmp_path / 'val' / wnid).mkdir(parents=True)
        (tmp_path / 'val' / wnid / 'one.JPEG').touch()
    opened = open_labelled('image_folder', str(tmp_path), 'val')
    assert opened.label_set is IMAGENET and opened.targets.tolist() == list(range(1000))


def test_a_missing_split_is_named(things):
    with pytest.raises(DatasetError, match=r'cannot read .*things/test: No such file'):
        open_labelled('image_folder', str(things), 'test')


def test_an_empty_class_is_named(things):
    (things / 'train' / 'amber').mkdir()
    with pytest.raises(DatasetError, match=r'train/amber is empty; add images'):
        open_labelled('image_folder', str(things), 'train')


def test_a_class_that_a_split_lacks_is_named(things):
    shutil.rmtree(things / 'val' / 'green')
    with pytest.raises(DatasetError, match=r'things/val lacks 1 of the 3 classes: green'):
        open_labelled('image_folder', str(things), 'val')
    (things / 'val' / 'green').mkdir()
    (things / 'val' / 'pink').mkdir()
    with pytest.raises(DatasetError, match=r'things/train lacks 1 of the 4 classes: pink'):
        open_labelled('image_folder', str(things), 'val')


def test_stray_files_are_named_and_hidden_ones_ignored(things):
    (things / 'train' / '.DS_Store').touch()
    (things / 'train' / 'red' / '.DS_Store').touch()
    assert len(open_labelled('image_folder', str(things), 'train')) == 24
    (things / 'train' / 'red' / 'notes.txt').touch()
    with pytest.raises(DatasetError, match=r'train/red holds what is no image: notes\.txt'):
        open_labelled('image_folder', str(things), 'train')
    (things / 'train' / 'loose.jpg').touch()
    with pytest.raises(DatasetError, match=r'beside the folders of classes: loose\.jpg'):
        open_labelled('image_folder', str(things), 'train')


def test_a_folder_of_images_without_classes_is_refused(tmp_path):
    (tmp_path / 'train').mkdir()
    with pytest.raises(DatasetError, match='train holds no folder; expected one for each class'):
        open_labelled('image_folder', str(tmp_path), 'train')


def test_unknown_data_sets_and_options_are_refused(tiny_image_folder):
    with pytest.raises(DatasetError, match="data set 'image_foldr'.*image_folder"):
        open_labelled('image_foldr', str(tiny_image_folder), 'train')
    with pytest.raises(DatasetError, match="'image_folder' has no options, got 'size'"):
        open_labelled('image_folder', str(tiny_image_folder), 'train', {'size': 3})
