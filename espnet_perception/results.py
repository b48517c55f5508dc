# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What pipelines give back."""

from typing import NamedTuple, Optional, Tuple

import numpy as np


class StageTimes(NamedTuple):
    """Duration of each stage of one call, integer nanoseconds of the monotonic clock."""

    preprocess_ns: int
    inference_ns: int
    postprocess_ns: int

    @property
    def total_ns(self) -> int:
        """Sum of the stages in nanoseconds."""
        return self.preprocess_ns + self.inference_ns + self.postprocess_ns


class Segmentation(NamedTuple):
    """
    Class of every pixel of one image.

    :param labels: (H, W) uint8 class ids at the input image's size; 255 = unlabelled.
    :param confidence: (H, W) uint8, 255 times the softmax probability of the label, at the
        input image's size; None where it was switched off.
    :param network_labels: (h, w) uint8 class ids at the network's own size, never thresholded.
    :param times: duration of each stage.
    :param logits: (classes, h, w) float32 at the network's size; None unless asked for.
    """

    labels: np.ndarray
    confidence: Optional[np.ndarray]
    network_labels: np.ndarray
    times: StageTimes
    logits: Optional[np.ndarray] = None


class Classification(NamedTuple):
    """
    What one image shows.

    :param ids: ids of the reported classes, best first.
    :param names: their names, as many as ids.
    :param scores: (k,) float32, their probabilities, descending, as many as ids.
    :param all_scores: (classes,) float32, the probability of every class in the order of ids.
    :param multi_label: every class is judged by itself; else all_scores adds up to 1.
    :param times: duration of each stage.
    """

    ids: Tuple[int, ...]
    names: Tuple[str, ...]
    scores: np.ndarray
    all_scores: np.ndarray
    multi_label: bool
    times: StageTimes
