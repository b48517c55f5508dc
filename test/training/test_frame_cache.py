# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of rendered frames and the batches drawn from them."""

from espnet_perception.errors import DatasetError
from espnet_perception.synthetic import SyntheticDrive
from espnet_perception.training import frame_cache
import numpy as np
import pytest


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return the folder of a cache of two drives of two frames."""
    path = tmp_path_factory.mktemp('cache') / 'frames'
    frame_cache.render(str(path), [1, 2], 2, (96, 64), workers=2)
    return str(path)


def test_the_cache_holds_the_drives_in_order(folder):
    cache = frame_cache.render(folder, [1, 2], 2, (96, 64))
    assert cache.images_bgr.shape == (4, 64, 96, 3)
    frame = SyntheticDrive(2, 96, 64, 2, 1 / frame_cache.SECONDS_BETWEEN_FRAMES)[1]
    assert np.array_equal(cache.images_bgr[3], frame.image_bgr)
    assert np.array_equal(cache.labels[3], frame.labels)


def test_a_cache_of_other_settings_is_refused(folder):
    with pytest.raises(DatasetError, match='was made with other settings; remove it'):
        frame_cache.render(folder, [1, 3], 2, (96, 64))


def test_a_batch_depends_on_seed_and_step_alone(folder):
    cache = frame_cache.render(folder, [1, 2], 2, (96, 64))
    first = frame_cache.batch(cache, 3, (64, 48), 5, 7)
    again = frame_cache.batch(cache, 3, (64, 48), 5, 7)
    other = frame_cache.batch(cache, 3, (64, 48), 5, 8)
    assert first[0].shape == (3, 48, 64, 3)
    assert first[1].shape == (3, 48, 64)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_augmentation_keeps_image_and_labels_together():
    labels = np.tile(np.arange(48, dtype=np.uint8)[None, :, None] // 4, (32, 1, 1))[..., 0]
    image_bgr = np.repeat(labels[..., None] * 20, 3, axis=2)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        image, changed = frame_cache.augment(image_bgr, labels, (48, 32), rng, photometric=0.0)
        assert np.abs(image[..., 0] / 20 - changed).max() <= 1.01
        assert set(np.unique(changed)) <= set(range(12))


def test_shares_count_labelled_pixels_only():
    labels = np.zeros((2, 4, 4), np.uint8)
    labels[:, :2] = 255
    labels[:, 3] = 1
    assert frame_cache.class_shares(labels, 3, stride=1).tolist() == [0.5, 0.5, 0.0]
