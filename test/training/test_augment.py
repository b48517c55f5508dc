# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the random views: image and labels stay together, labels are never mixed."""

from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.training.augment import (
    change_colours,
    classification_view,
    random_part,
    segmentation_view,
    Window,
)
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


def test_a_part_keeps_to_the_bounds_of_area_and_shape():
    rng = np.random.default_rng(4)
    parts = [random_part((300, 400), 0.08, rng) for _ in range(500)]
    sizes = np.array([(rows.stop - rows.start, columns.stop - columns.start)
                      for rows, columns in parts])
    assert all(0 <= rows.start and rows.stop <= 300 and 0 <= columns.start
               and columns.stop <= 400 for rows, columns in parts)
    areas, shapes = sizes.prod(axis=1) / 120000, sizes[:, 1] / sizes[:, 0]
    assert 0.075 < areas.min() < 0.12 and 0.8 < areas.max() <= 1
    assert 0.72 < shapes.min() < 0.8 and 1.25 < shapes.max() < 1.36
    assert abs(np.log(shapes[areas < 0.3]).mean()) < 0.05  # as often upright as lying


@pytest.mark.parametrize('shape, expected', [((20, 400), (20, 27)), ((400, 20), (27, 20)),
                                             ((1, 1), (1, 1))])
def test_of_a_narrow_image_the_middle_is_seen(shape, expected):
    rows, columns = random_part(shape, 1.0, np.random.default_rng(0))
    assert (rows.stop - rows.start, columns.stop - columns.start) == expected
    assert abs(rows.start - (shape[0] - rows.stop)) <= 1
    assert abs(columns.start - (shape[1] - columns.stop)) <= 1


def test_a_view_for_classification_depends_on_its_seed_and_is_mirrored_half_the_time():
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None] * 3, 48, axis=0)
    image = np.ascontiguousarray(np.repeat(ramp, 3, axis=2))
    views = [classification_view(image, (24, 16), 0.5, np.random.default_rng(seed))
             for seed in range(60)]
    assert all(view.shape == (16, 24, 3) and view.dtype == np.uint8 for view in views)
    again = classification_view(image, (24, 16), 0.5, np.random.default_rng(7))
    assert np.array_equal(views[7], again)
    mirrored = sum(bool(view[0, 0, 0] > view[0, -1, 0]) for view in views)
    assert 18 < mirrored < 42
    assert all(view.max() <= 189 for view in views)  # without a change of colours


def test_colours_change_where_that_is_asked_for():
    image = np.full((32, 32, 3), 100, np.uint8)
    view = classification_view(image, (32, 32), 0.5, np.random.default_rng(1), photometric=1.0)
    assert len(np.unique(view.reshape(-1, 3), axis=0)) == 1 and not np.array_equal(view, image)
