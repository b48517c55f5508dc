# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels of one engine against those of another."""

from espnet_perception.engines import EngineOutput
from espnet_perception.errors import EngineError
from espnet_perception.pipeline.agreement import Agreement, compare, require
import numpy as np
import pytest


class Fixed:
    """An engine whose answer is the image's first channel, changed in some pixels."""

    def __init__(self, changed=0, scores=False):
        self.changed, self.scores = changed, scores

    def infer(self, image):
        labels = image[..., 0].copy()
        labels.reshape(-1)[:self.changed] += 1
        if self.scores:
            return EngineOutput(None, None, np.eye(9, dtype=np.float32)[labels[0, 0]])
        return EngineOutput(labels, None, None)


IMAGES = [np.full((10, 10, 3), value, np.uint8) for value in (1, 2, 3)]


def test_share_and_worst():
    """Equal, two pixels of a hundred, and only in one of the images."""
    assert compare(Fixed(), Fixed(), IMAGES) == Agreement(1.0, 1.0, 3)
    assert compare(Fixed(), Fixed(2), IMAGES) == pytest.approx((0.98, 0.98, 3))

    class Sometimes(Fixed):
        def infer(self, image):
            self.changed = 30 if image[0, 0, 0] == 2 else 0
            return super().infer(image)
    assert compare(Fixed(), Sometimes(), IMAGES) == pytest.approx((0.9, 0.7, 3))


def test_classifiers():
    """The best class of each image."""
    assert compare(Fixed(scores=True), Fixed(scores=True), IMAGES).share == 1.0
    assert compare(Fixed(scores=True), Fixed(1, scores=True), IMAGES).share == 0.0


def test_too_little_is_refused():
    """The bound itself is enough; a share that is no number is not."""
    require(Agreement(0.99, 0.9, 4))
    with pytest.raises(EngineError, match=r'on 98.90% of 4 image.s., expected 99.00% at least'):
        require(Agreement(0.989, 0.9, 4))
    with pytest.raises(EngineError):
        require(Agreement(float('nan'), 0.9, 4))
    with pytest.raises(EngineError, match='there is no image to compare'):
        compare(Fixed(), Fixed(), [])
