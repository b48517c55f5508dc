# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Colours of labels."""

from espnet_perception.pipeline.overlay import BAR_BGR, colour_mask, overlay, score_bars
import numpy as np
import pytest

PALETTE = ((10, 20, 30), (200, 100, 50))


def test_colour_mask():
    """Red and blue are in OpenCV's order; unlabelled is black."""
    labels = np.uint8([[0, 1, 255]])
    assert colour_mask(labels, PALETTE).tolist() == [[[30, 20, 10], [50, 100, 200], [0, 0, 0]]]


def test_overlay_blends_and_leaves_unlabelled_pixels():
    """Opacity 0.5 is the mean; 255 keeps the image."""
    image_bgr = np.full((1, 3, 3), 100, np.uint8)
    blended = overlay(image_bgr, np.uint8([[0, 1, 255]]), PALETTE, 0.5)
    assert blended.tolist() == [[[65, 60, 55], [75, 100, 150], [100, 100, 100]]]
    assert overlay(image_bgr, np.uint8([[0, 1, 1]]), PALETTE, 0.0).tolist() == image_bgr.tolist()


def test_bars_are_as_long_as_the_probabilities():
    """Twice the score, twice the bar; the image below it stays as it is, and so does the input."""
    image_bgr = np.full((300, 400, 3), 120, np.uint8)
    pictured = score_bars(image_bgr, ('street', 'Fl\u00fcsse'), (0.8, 0.4))
    bars = (pictured == BAR_BGR).all(axis=2)
    lengths = sorted({int(row.sum()) for row in bars if row.any()})
    assert lengths == pytest.approx([81, 161], abs=1)
    assert (pictured[100:] == 120).all() and (image_bgr == 120).all()


@pytest.mark.parametrize('size', [(1, 1), (40, 60), (3, 500), (500, 3)])
def test_bars_on_any_image(size):
    """As many lines as there is room for."""
    image_bgr = np.full((*size, 3), 9, np.uint8)
    assert score_bars(image_bgr, ('a',) * 50, (0.5,) * 50).shape == image_bgr.shape
    assert np.array_equal(score_bars(image_bgr, (), ()), image_bgr)
