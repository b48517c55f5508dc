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


class CommandSlot(NamedTuple):
    """
    A role that a command fills.

    :param role: its name.
    :param value: of the site's vocabulary; what was said where it is open or on no list.
    :param start: index of its first character in the text.
    :param end: index after its last character.
    :param confidence: lowest probability of its words' labels.
    """

    role: str
    value: str
    start: int
    end: int
    confidence: float


class CommandReading(NamedTuple):
    """
    How a text was understood.

    :param text: as it came.
    :param accepted: whether it may be carried out.
    :param reason: ok, stop, or why not; one of REASONS.
    :param intent: its name; empty where none was looked for.
    :param slots: in the order of the text.
    :param confidence: probability of the intent.
    :param alternatives: further intents and their probabilities, likeliest first.
    :param perplexity: per word, under the command model; 0 where none was computed.
    :param out_of_domain: nat per word, higher is more foreign.
    """

    text: str
    accepted: bool
    reason: str
    intent: str = ''
    slots: Tuple[CommandSlot, ...] = ()
    confidence: float = 0.0
    alternatives: Tuple[Tuple[str, float], ...] = ()
    perplexity: float = 0.0
    out_of_domain: float = 0.0


REASONS = ('ok', 'stop', 'ood_perplexity', 'low_confidence', 'small_margin', 'unknown_words',
           'missing_slot', 'unlisted_value', 'stale', 'too_long', 'not_ready')
STOP_INTENT = 'stop'


def stop_reading(text: str) -> CommandReading:
    """Return the reading of a text with a stop word."""
    return CommandReading(text, True, 'stop', STOP_INTENT, confidence=1.0)


def refusal(text: str, reason: str) -> CommandReading:
    """Return the reading of a text that no model was asked about."""
    return CommandReading(text, False, reason)
