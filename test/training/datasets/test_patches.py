# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of patches cut from images with masks."""

from espnet_perception.errors import DatasetError
from espnet_perception.training.datasets import open_labelled, open_pairs
from espnet_perception.training.datasets.patches import Cut, cut_patches, find_windows
import numpy as np
import pytest


def cut(folder, split='train', share=0.3, seed=1):
    return cut_patches(open_pairs('camvid', str(folder), split),
                       Cut(count=30, side=24, share=share, seed=seed))


def test_classes_give_equal_shares(tiny_camvid):
    patches = cut(tiny_camvid)
    assert patches.images_bgr.shape == (len(patches), 24, 24, 3)
    counts = np.bincount(patches.targets, minlength=11)
    assert counts[[0, 3]].tolist() == [15, 15] and counts.sum() == 30  # a car fills no window
    assert patches.label_set.classes[:4] == ('sky', 'building', 'pole', 'road')
    assert not patches.multi_label


def test_a_patch_shows_its_class(tiny_camvid):
    patches = cut(tiny_camvid, share=0.6)
    colours = {0: (230, 180, 140), 3: (90, 90, 90)}
    for index in range(len(patches)):
        image_bgr, target = patches.read(index)
        close = np.abs(image_bgr.astype(int) - colours[int(target)]).max(axis=-1) < 40
        assert close.mean() > 0.5


def test_the_same_seed_gives_the_same_patches_and_another_one_others(tiny_camvid):
    one, again, other = (cut(tiny_camvid, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.images_bgr, again.images_bgr)
    assert np.array_equal(one.targets, again.targets)
    assert not np.array_equal(one.images_bgr, other.images_bgr)


def test_splits_are_cut_from_different_frames(tiny_camvid):
    one, other = cut(tiny_camvid), cut(tiny_camvid, 'test')
    assert one.name == other.name == 'patches of camvid'
    assert not {patch.tobytes() for patch in one.images_bgr} & {
        patch.tobytes() for patch in other.images_bgr}


def test_windows_lie_in_the_frame_and_are_covered():
    rng, labels = np.random.default_rng(0), np.zeros((48, 64), np.uint8)
    labels[20:23, 30:33] = 5
    assert find_windows(labels, 5, 0.5, 20, rng) == []  # none of 24 pixels is half covered
    windows = find_windows(labels, 0, 0.5, 20, rng)
    assert len(windows) == 20
    for rows, columns in windows:
        assert rows.stop - rows.start == columns.stop - columns.start >= 24
        assert 0 <= rows.start and rows.stop <= 48 and 0 <= columns.start and columns.stop <= 64


def test_patches_are_a_data_set_of_their_own_name(tiny_camvid):
    opened = open_labelled('patches', str(tiny_camvid), 'train', {'count': 30, 'side': 16})
    assert opened.images_bgr.shape == (30, 16, 16, 3)


@pytest.mark.parametrize('options, message', [
    ({'count': 0}, '0 patches of 72 pixels .* cannot be cut'),
    ({'of': 'camvd'}, "unknown data set 'camvd'"),
    ({'options': {'drives': 3}}, "'camvid' has no options, got 'drives'"),
    ({'cout': 3}, "option of the data set 'patches' 'cout'.*count")])
def test_what_cannot_be_cut_is_refused(tiny_camvid, options, message):
    with pytest.raises(DatasetError, match=message):
        open_labelled('patches', str(tiny_camvid), 'train', options)


def test_a_share_that_no_window_has_is_refused(tiny_camvid):
    with pytest.raises(DatasetError, match='share of 1.5 cannot be cut'):
        cut(tiny_camvid, share=1.5)
    with pytest.raises(DatasetError, match='no window of camvid is covered by one class to 100%'):
        cut_patches(Speckled(open_pairs('camvid', str(tiny_camvid), 'train')),
                    Cut(side=24, share=1.0))


class Speckled:
    """Pairs whose every other pixel has no class."""

    def __init__(self, pairs):
        self.pairs, self.name, self.label_set = pairs, pairs.name, pairs.label_set

    def __len__(self):
        return len(self.pairs)

    def read_labels(self, index):
        labels = self.pairs.read_labels(index)
        labels[::2, ::2] = 255
        return labels
