# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Colours of labels."""

from espnet_perception.pipeline.overlay import colour_mask, overlay
import numpy as np

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
