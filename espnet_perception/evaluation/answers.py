# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What became of a frame of a bag, whether the pipeline or the live node had it."""

from typing import Dict, NamedTuple, Optional

import numpy as np

ANSWERED = 'answered'
DROPPED = 'dropped'
REJECTED = 'rejected'


class Ranking(NamedTuple):
    """
    What a classifier says of a frame, best class first.

    :param ids: (k,) int32 class ids.
    :param scores: (k,) float32, their probabilities.
    """

    ids: np.ndarray
    scores: np.ndarray


class Answer(NamedTuple):
    """
    What became of one frame.

    :param index: position of the frame in its topic.
    :param stamp_ns: the camera's stamp, nanoseconds.
    :param recorded_ns: time at which the frame was recorded, nanoseconds.
    :param status: ANSWERED, DROPPED (no answer came for it) or REJECTED (damaged image).
    :param reason: why it was rejected; empty otherwise.
    :param labels: (H, W) uint8 class ids of the model; None unless segmented.
    :param confidence: mean confidence of the frame, 0..1; None where it is not known.
    :param times_ns: stage name to nanoseconds of that stage for this frame.
    :param ranking: classes of the frame; None unless answered by a classifier.
    """

    index: int
    stamp_ns: int
    recorded_ns: int
    status: str
    reason: str = ''
    labels: Optional[np.ndarray] = None
    confidence: Optional[float] = None
    times_ns: Dict[str, int] = {}
    ranking: Optional[Ranking] = None
