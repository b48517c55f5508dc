# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the synthetic drive as a whole."""

from espnet_perception.label_sets import CITYSCAPES
from espnet_perception.synthetic import classes, SyntheticDrive
import numpy as np
import pytest


@pytest.fixture(scope='module')
def small_drive():
    """Return a small drive of 100 frames."""
    return SyntheticDrive(21, 256, 128, 100)


def test_the_same_seed_gives_the_same_pixels_in_any_order(small_drive):
    expected = {index: small_drive[index] for index in (0, 7, 60)}
    other = SyntheticDrive(21, 256, 128, 100)
    for index in (60, 0, 7):
        frame = other[index]
        assert np.array_equal(frame.image_bgr, expected[index].image_bgr)
        assert np.array_equal(frame.labels, expected[index].labels)


def test_the_length_does_not_change_the_frames(small_drive):
    first = next(iter(SyntheticDrive(21, 256, 128, 3)))
    assert np.array_equal(first.image_bgr, small_drive[0].image_bgr)


def test_another_seed_gives_another_street(small_drive):
    other = SyntheticDrive(22, 256, 128, 100)[0]
    assert (other.labels != small_drive[0].labels).mean() > 0.05


@pytest.mark.parametrize('size', [(512, 256), (130, 97), (64, 64)])
def test_shapes_and_camera_fit_the_size(size):
    width, height = size
    frame = SyntheticDrive(4, width, height, 2, rate_hz=20)[1]
    assert frame.image_bgr.shape == (height, width, 3)
    assert frame.image_bgr.dtype == frame.labels.dtype == np.uint8
    assert frame.labels.shape == (height, width)
    assert frame.labels.max() < 19
    assert frame.camera_matrix[0, 0] == pytest.approx(1.1 * width)
    assert frame.camera_matrix[0, 2] == (width - 1) / 2
    assert frame.index == 1


def test_stamps_follow_the_rate():
    drive = SyntheticDrive(4, 64, 64, 3, rate_hz=20)
    stamps = [frame.stamp_ns for frame in drive]
    assert np.diff(stamps).tolist() == [50_000_000, 50_000_000]
    assert all(isinstance(stamp, int) for stamp in stamps)


def pixels_per_class(seed):
    """Return the pixels of every class in each fifth frame of a drive."""
    drive = SyntheticDrive(seed, 512, 256, 100)
    labels = np.concatenate([drive[index].labels.ravel() for index in range(0, 100, 5)])
    return np.bincount(labels, minlength=19)


def test_every_class_is_seen():
    """A short drive may see a tram from afar only; two drives see much of every class."""
    drives = [pixels_per_class(seed) for seed in (5, 90001)]
    for pixels in drives:
        assert not [CITYSCAPES.classes[index] for index in np.flatnonzero(pixels < 500)], pixels
    pixels = sum(drives)
    assert not [CITYSCAPES.classes[index] for index in np.flatnonzero(pixels < 20000)], pixels


def test_frames_are_close_in_time():
    drive = SyntheticDrive(8, 256, 128, 40, rate_hz=30)
    near = (drive[10].labels != drive[11].labels).mean()
    far = (drive[10].labels != drive[39].labels).mean()
    assert near < 0.12
    assert near < far / 2


def test_the_road_lies_below_the_sky_and_both_are_seen():
    labels = SyntheticDrive(3, 256, 128, 1)[0].labels
    rows = np.arange(128)[:, None] * np.ones(256)
    assert (labels == classes.ROAD).mean() > 0.1
    assert rows[labels == classes.SKY].mean() < rows[labels == classes.ROAD].mean() - 30


@pytest.mark.parametrize('index', [-1, 100])
def test_an_index_out_of_range_is_refused(small_drive, index):
    with pytest.raises(IndexError, match='of a drive of 100'):
        small_drive[index]


@pytest.mark.parametrize('arguments', [(-1, 64, 64), (1, 8, 64), (1, 64, 64, -2),
                                       (1, 64, 64, 2, 0.0)])
def test_impossible_drives_are_refused(arguments):
    with pytest.raises(ValueError, match='a drive needs seed >= 0'):
        SyntheticDrive(*arguments)


def test_class_ids_agree_with_the_label_set():
    for index, name in enumerate(CITYSCAPES.classes):
        assert getattr(classes, name.upper().replace(' ', '_')) == index
