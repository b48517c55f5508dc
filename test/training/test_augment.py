# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the random views: image and labels stay together, labels are never mixed."""

from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.training.augment import change_colours, segmentation_view, Window
import numpy as np
import pytest

VALUES = (0, 90, 180)


@pytest.fixture
def pair():
    """Return an image whose grey value tells the class of every pixel, in large blocks."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.repeat(rng.integers(0, 3, (6, 8)), 20, 0), 20, 1).astype(np.uint8)
    image = np.asarray(VALUES, np.uint8)[labels]
    return np.repeat(image[..., None], 3, 2), labels


def view(pair, window, seed=3, photometric=0.0):
    return segmentation_view(*pair, window, np.random.default_rng(seed), photometric)


@pytest.mark.parametrize('window', [
    Window(64, 48), Window(64, 48, 0.5, 2.0), Window(160, 120, 0.3, 0.4), Window(97, 33, 3, 4)])
def test_image_and_labels_have_the_size_of_the_window(pair, window):
    for seed in range(8):
        image, labels = view(pair, window, seed)
        assert image.shape == (window.height, window.width, 3)
        assert image.dtype == labels.dtype == np.uint8
        assert labels.shape == (window.height, window.width)
        assert set(np.unique(labels)) <= {0, 1, 2, NO_CLASS}


@pytest.mark.parametrize('window', [Window(64, 48), Window(96, 80, 0.6, 1.7)])
def test_labels_stay_with_their_pixels(pair, window):
    for seed in range(8):
        image, labels = view(pair, window, seed)
        known = labels != NO_CLASS
        expected = np.asarray(VALUES)[np.minimum(labels, 2)]
        right = np.abs(image[..., 0].astype(int) - expected) < 40  # edges of the blocks blend
        assert right[known].mean() > 0.9


def test_what_lies_beside_a_small_image_is_unlabelled(pair):
    _, labels = view(pair, Window(160, 120, 0.5, 0.5))
    assert (labels != NO_CLASS).sum() == 80 * 60


def test_a_view_depends_on_its_seed_alone(pair):
    window = Window(64, 48, 0.5, 2.0)
    first, second = view(pair, window, 5, 1.0), view(pair, window, 5, 1.0)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], view(pair, window, 6, 1.0)[0])


def test_half_of_the_views_are_mirrored():
    image = np.tile(np.arange(40, dtype=np.uint8)[None, :, None], (40, 1, 3))
    labels = np.zeros((40, 40), np.uint8)
    mirrored = [view((image, labels), Window(40, 40), seed)[0][0, 0, 0] > 20
                for seed in range(200)]
    assert 70 < sum(mirrored) < 130


def test_colours_change_and_strength_zero_changes_nothing(pair):
    image = pair[0]
    assert change_colours(image, np.random.default_rng(0), 0.0) is image
    assert not np.array_equal(change_colours(image, np.random.default_rng(0), 1.0), image)
