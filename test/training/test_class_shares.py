# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of counting classes once, and of the pairs that are counted."""

from concurrent.futures import ThreadPoolExecutor
import json
import shutil
import threading

import cv2
from espnet_perception.errors import DatasetError
from espnet_perception.training.class_shares import class_shares, never_seen
from espnet_perception.training.datasets import open_pairs
import numpy as np
import pytest


@pytest.fixture
def folder(tiny_camvid, tmp_path):
    """Return a copy of the tiny data set that a test may change."""
    return shutil.copytree(tiny_camvid, tmp_path / 'data')


def test_shares_are_those_of_the_labelled_pixels(tiny_camvid, tmp_path):
    data = open_pairs('camvid', str(tiny_camvid), 'train')
    shares = class_shares(data, str(tmp_path), quiet=True)
    labels = np.stack([data.read(index)[1] for index in range(len(data))])
    expected = [(labels == class_id).sum() / (labels != 255).sum() for class_id in range(11)]
    assert shares == pytest.approx(expected)
    assert never_seen(data, shares) == ['building', 'pole', 'pavement', 'tree', 'sign', 'fence',
                                        'pedestrian', 'bicyclist']


def test_the_count_is_kept_until_a_mask_changes(folder, tmp_path):
    data = open_pairs('camvid', str(folder), 'train')
    first = class_shares(data, str(tmp_path), quiet=True)
    data.read_labels = None  # would fail if it were read again
    assert (class_shares(data, str(tmp_path), quiet=True) == first).all()
    cv2.imwrite(str(folder / 'trainannot' / 'train_00.png'), np.full((48, 64), 2, np.uint8))
    fresh = open_pairs('camvid', str(folder), 'train')
    assert class_shares(fresh, str(tmp_path), quiet=True)[2] == pytest.approx(
        48 * 64 / sum((fresh.read(index)[1] != 255).sum() for index in range(6)))


def test_processes_may_count_at_the_same_time(tiny_camvid, tmp_path, monkeypatch):
    barrier, dump = threading.Barrier(2, timeout=30), json.dump

    def dump_together(*given):
        dump(*given)
        barrier.wait()
    monkeypatch.setattr(json, 'dump', dump_together)
    data = open_pairs('camvid', str(tiny_camvid), 'train')
    with ThreadPoolExecutor(2) as pool:
        shares = list(pool.map(lambda _: class_shares(data, str(tmp_path), quiet=True), range(2)))
    assert (shares[0] == shares[1]).all()


def test_a_damaged_count_is_made_anew(tiny_camvid, tmp_path):
    (tmp_path / 'class_shares.json').write_text('{"key": ')
    data = open_pairs('camvid', str(tiny_camvid), 'train')
    assert class_shares(data, str(tmp_path), quiet=True).sum() == pytest.approx(1)


def test_a_damaged_mask_is_left_to_the_training(folder, tmp_path):
    (folder / 'trainannot' / 'train_01.png').write_bytes(b'\x89PNG no')
    data = open_pairs('camvid', str(folder), 'train')
    assert class_shares(data, str(tmp_path), quiet=True).sum() == pytest.approx(1)


def test_masks_without_any_label_are_refused(folder, tmp_path):
    for path in (folder / 'trainannot').iterdir():
        cv2.imwrite(str(path), np.full((48, 64), 11, np.uint8))
    with pytest.raises(DatasetError, match='no pixel of 6 masks of camvid has a class'):
        class_shares(open_pairs('camvid', str(folder), 'train'), str(tmp_path), quiet=True)


def test_splits_can_be_joined(tiny_camvid):
    assert len(open_pairs('camvid', str(tiny_camvid), 'train+val')) == 9


@pytest.mark.parametrize('name, split, match', [
    ('camvit', 'train', "did you mean 'camvid'"), ('camvid', 'holdout', 'holdout.txt: No such')])
def test_what_is_not_there_is_named(tiny_camvid, name, split, match):
    with pytest.raises(DatasetError, match=match):
        open_pairs(name, str(tiny_camvid), split)


def test_a_mask_of_another_size_is_refused(folder):
    cv2.imwrite(str(folder / 'trainannot' / 'train_00.png'), np.zeros((40, 64), np.uint8))
    with pytest.raises(DatasetError, match='train_00.png is 64 x 48 pixels and its mask 64 x 40'):
        open_pairs('camvid', str(folder), 'train').read(0)


def test_a_coloured_mask_is_refused(folder):
    cv2.imwrite(str(folder / 'trainannot' / 'train_00.png'), np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(DatasetError, match='has pixels of RGB, expected one channel of class ids'):
        open_pairs('camvid', str(folder), 'train').read(0)


def test_real_camvid_is_read_whole(shared_dir, tmp_path):
    data = open_pairs('camvid', str(shared_dir / 'data' / 'camvid'), 'train')
    assert len(data) == 367
    image, labels = data.read(5)
    assert image.shape == (360, 480, 3)
    assert set(np.unique(labels)) <= set(range(11)) | {255}
    shares = class_shares(data, str(tmp_path), quiet=True)
    assert not never_seen(data, shares)
    assert shares[3] == pytest.approx(0.33, abs=0.05)  # road
