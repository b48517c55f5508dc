# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A tiny CamVid made here, and settings of a run on it that takes seconds."""

import os

import cv2
from espnet_perception.training import segmentation, settings_file
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
