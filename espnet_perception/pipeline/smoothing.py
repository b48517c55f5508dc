# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Exponential smoothing of class probabilities over the frames of one camera."""


import numpy as np

# A gap between two frames longer than that, and what was seen before says nothing any more.
LONGEST_GAP_NS = 2 * 10 ** 9


class Smoother:
    """
    Mean of the probabilities of the latest frames, newer ones weighing more.

    Over n frames a new frame weighs 2 / (n + 1), and the mean before it the rest. The mean begins
    anew with the first frame after a jump of the stamps back (a bag that is played again), a gap
    of more than LONGEST_GAP_NS, or a change of the frame_id (another camera).
    """

    def __init__(self) -> None:
        self._mean = None  # type: Optional[np.ndarray]
        self._stamp_ns = 0
        self._frame_id = ''

    def add(self, probabilities: np.ndarray, stamp_ns: int, frame_id: str, frames: int
            ) -> np.ndarray:
        """
        Add a frame and return the mean.

        :param probabilities: (classes,) float32 of the frame.
        :param stamp_ns: the camera's stamp, nanoseconds.
        :param frame_id: the camera's frame of reference.
        :param frames: over about how many frames; 0 and 1 return the probabilities as they are.
        :return: (classes,) float32.
        """
        gap_ns = stamp_ns - self._stamp_ns
        anew = (self._mean is None or frames <= 1 or frame_id != self._frame_id
                or not 0 <= gap_ns <= LONGEST_GAP_NS)
        if anew:
            self._mean = probabilities.astype(np.float64)
        else:
            self._mean = self._mean + 2.0 / (frames + 1) * (probabilities - self._mean)
        self._stamp_ns, self._frame_id = stamp_ns, frame_id
        return self._mean.astype(np.float32)
