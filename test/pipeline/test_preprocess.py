# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Resizing as the released networks were trained."""

from espnet_perception.pipeline.preprocess import resize_antialiased, resize_nearest
import numpy as np
import pytest


@pytest.mark.parametrize('size', ['32x16', '30x22', '96x64'])
def test_resize_equals_the_official_one(shared_dir, size):
    """Down, odd and up: every pixel equal."""
    golden = np.load(shared_dir / 'reference/golden/preprocess.npz')
    width, height = (int(side) for side in size.split('x'))
    image_bgr = golden['img_rgb'][:, :, ::-1]
    resized_bgr = resize_antialiased(image_bgr, (height, width))
    assert np.array_equal(resized_bgr[:, :, ::-1], golden[f'pil_bilinear_{size}'])


def test_nearest_takes_the_value_under_the_centre():
    """Three pixels out of two and two out of four."""
    assert resize_nearest(np.uint8([[1, 2]]), (1, 3)).tolist() == [[1, 2, 2]]
    assert resize_nearest(np.uint8([[1, 2, 3, 4]]), (1, 2)).tolist() == [[2, 4]]


def test_same_size_is_not_copied():
    """A camera of the network's size costs nothing."""
    image_bgr = np.zeros((16, 32, 3), np.uint8)
    assert resize_antialiased(image_bgr, (16, 32)) is image_bgr
