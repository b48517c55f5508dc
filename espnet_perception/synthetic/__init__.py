# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Procedural street scenes with exact labels in the 19 Cityscapes classes.

A drive is a sequence of frames:

    from espnet_perception.synthetic import SyntheticDrive
    for frame in SyntheticDrive(seed=7, frames=100):
        frame.image_bgr, frame.labels, frame.camera_matrix, frame.stamp_ns
"""

from espnet_perception.synthetic.drive import SyntheticDrive, SyntheticFrame

__all__ = ['SyntheticDrive', 'SyntheticFrame']
