# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tiny data sets made here, and settings of runs on them that take seconds."""

import json
import os

import cv2
from espnet_perception.training import classification, segmentation, settings_file
import numpy as np
import pytest

COUNTS = {'train': 6, 'val': 3, 'test': 3}
WIDTH, HEIGHT = 64, 48
TINY = {
    'dataset': 'camvid', 'arguments': {'width': 0.5}, 'input_width': 64, 'input_height': 48,
    'windows': [[0, 48, 32, 0.7, 1.4], [2, 64, 48, 1.0, 1.0]], 'epochs': 3, 'batch_size': 2,
    'learning_rate': 0.005, 'threads': 1, 'check_every': 1, 'save_every': 2, 'device': 'cpu',
}


def draw_scene(seed):
    """Return an image and labels of sky above road, with a car and some unlabelled pixels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[int(rng.integers(16, 30)):] = 3
    left = int(rng.integers(4, 40))
    labels[24:36, left:left + 16] = 8
    labels[:2] = 11
    colours = np.zeros((12, 3), np.uint8)
    colours[[0, 3, 8, 11]] = [(230, 180, 140), (90, 90, 90), (30, 30, 200), (0, 0, 0)]
    noise = rng.integers(-12, 13, (HEIGHT, WIDTH, 3))
    return np.clip(colours[labels].astype(int) + noise, 0, 255).astype(np.uint8), labels


@pytest.fixture(scope='session')
def tiny_camvid(tmp_path_factory):
    """Folder of a tiny data set in CamVid's layout."""
    folder = tmp_path_factory.mktemp('tiny_camvid')
    seed = 0
    for split, count in COUNTS.items():
        for part in (split, split + 'annot'):
            (folder / part).mkdir()
        stems = ['{}_{:02d}'.format(split, index) for index in range(count)]
        (folder / (split + '.txt')).write_text('\n'.join(stems) + '\n')
        for stem in stems:
            image, labels = draw_scene(seed)
            cv2.imwrite(str(folder / split / (stem + '.png')), image)
            cv2.imwrite(str(folder / (split + 'annot') / (stem + '.png')), labels)
            seed += 1
    return folder


@pytest.fixture(scope='session')
def settings_in(tiny_camvid):
    """Return a function that gives tiny settings with a run folder and changes."""
    def make(run_folder, **changes):
        values = dict(TINY, run_folder=os.fspath(run_folder), folder=os.fspath(tiny_camvid))
        return settings_file.from_dict(segmentation.Settings, {**values, **changes})
    return make


CLASSES = {'blue': (200, 60, 40), 'green': (50, 190, 60), 'red': (40, 50, 210)}
PER_CLASS = {'train': 8, 'val': 4}
TINY_CLASSIFICATION = {
    'arguments': {'width': 0.5}, 'input_width': 32, 'input_height': 32, 'epochs': 3,
    'batch_size': 8, 'learning_rate': 0.02, 'smallest_area': 0.5, 'threads': 1, 'device': 'cpu',
    'save_every': 2,
}


def draw_thing(name, rng, size=(40, 48)):
    """Return an image with a disc of the colour of a class on a grey, noisy ground."""
    image = np.full(size + (3,), 110, np.uint8)
    centre = tuple(int(rng.integers(16, side - 16)) for side in size[::-1])
    cv2.circle(image, centre, 14, CLASSES[name], -1)
    noise = rng.integers(-12, 13, image.shape)
    return np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope='session')
def tiny_image_folder(tmp_path_factory):
    """Folder of train and val with a folder of images for each of three classes."""
    folder = tmp_path_factory.mktemp('things')
    rng = np.random.default_rng(3)
    for split, count in PER_CLASS.items():
        for name in CLASSES:
            (folder / split / name).mkdir(parents=True)
            for index in range(count):
                cv2.imwrite(str(folder / split / name / '{:02d}.jpg'.format(index)),
                            draw_thing(name, rng))
    return folder


@pytest.fixture(scope='session')
def classification_in(tiny_image_folder):
    """Return a function that gives tiny settings with a run folder and changes."""
    def make(run_folder, **changes):
        values = dict(TINY_CLASSIFICATION, run_folder=os.fspath(run_folder),
                      folder=os.fspath(tiny_image_folder))
        return settings_file.from_dict(classification.Settings, {**values, **changes})
    return make


@pytest.fixture(scope='session')
def made_coco(tmp_path_factory):
    """Folder in the layout of COCO: red discs are persons, green ones toothbrushes."""
    folder = tmp_path_factory.mktemp('coco')
    (folder / 'annotations').mkdir()
    rng = np.random.default_rng(5)
    kinds = [['red'], ['green'], ['red', 'green'], []]
    ids = {'red': 1, 'green': 90}
    for split, count in (('train2017', 12), ('val2017', 4)):
        (folder / split).mkdir()
        content = {'images': [], 'annotations': [], 'categories': [
            {'id': 1, 'name': 'person', 'supercategory': 'person'},
            {'id': 90, 'name': 'toothbrush'}]}
        for index in range(count):
            image = np.full((40, 48, 3), 110, np.uint8)
            for name in kinds[index % 4]:
                cv2.circle(image, (14 if name == 'red' else 34, 20), 10, CLASSES[name], -1)
                content['annotations'] += 2 * [{  # two objects of a kind count once
                    'image_id': 100 + index, 'category_id': ids[name], 'iscrowd': 0,
                    'segmentation': [[1.0, 2.0, 3.0, 4.0]]}]
            noise = rng.integers(-8, 9, image.shape)
            name = '{:02d}.jpg'.format(index)
            cv2.imwrite(str(folder / split / name),
                        np.clip(image + noise, 0, 255).astype(np.uint8))
            content['images'].append({'id': 100 + index, 'file_name': name, 'license': 3})
        path = folder / 'annotations' / 'instances_{}.json'.format(split)
        path.write_text(json.dumps(content))
    return folder
