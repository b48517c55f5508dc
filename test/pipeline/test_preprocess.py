# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Resizing as the released networks were trained."""

from espnet_perception.model_card import ModelCard, RESIZE_RULES
from espnet_perception.pipeline.preprocess import (
    resize_antialiased,
    resize_linear_float,
    resize_nearest,
    RESIZERS,
)
from espnet_perception.releases import CITYSCAPES_PREPROCESSING
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


@pytest.mark.parametrize('size', ['32x16', '30x22', '96x64'])
def test_float_resize_equals_the_official_one(shared_dir, size):
    """Normalised after resizing instead of before: the same but for rounding."""
    golden = np.load(shared_dir / 'reference/golden/preprocess.npz')
    width, height = (int(side) for side in size.split('x'))
    resized_bgr = resize_linear_float(golden['img_rgb'][:, :, ::-1], (height, width))
    assert resized_bgr.dtype == np.float32
    mean, std = CITYSCAPES_PREPROCESSING.mean, CITYSCAPES_PREPROCESSING.std
    normalised = (resized_bgr - np.float32(mean)) / np.float32(std)
    difference = normalised.transpose(2, 0, 1) - golden[f'bgr_norm_{size}']
    assert np.abs(difference).max() < 1e-7


def test_every_rule_of_a_card_has_a_resizer():
    """And it leaves the type of pixels that the card tells."""
    assert set(RESIZERS) == set(RESIZE_RULES)
    for rule, resize in RESIZERS.items():
        card = ModelCard('', '', '', {}, (), (), 0, 0, '', '', resize=rule)
        for size in ((16, 32), (5, 7)):
            resized = resize(np.zeros((16, 32, 3), np.uint8), size)
            assert resized.shape == (*size, 3)
            assert resized.dtype == card.input_type
