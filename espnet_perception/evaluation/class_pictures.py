# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""How the report draws the frames of a classifier."""

from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.evaluation.pictures import fit_width, labelled
from espnet_perception.evaluation.scenes import PANEL_WIDTH, Scene, TILE_WIDTH
from espnet_perception.evaluation.state import FrameRecord
from espnet_perception.pipeline.overlay import score_bars
import numpy as np

SHOWN_CLASSES = 5


class ClassLook(NamedTuple):
    """
    What is needed to draw the classes of frames.

    :param classes: names of the model's classes.
    :param frame_score: how well a frame went.
    """

    classes: Tuple[str, ...]
    frame_score: Callable[[FrameRecord], Optional[float]]

    def panels(self, scene: Scene) -> List[np.ndarray]:
        """Return the picture of a frame with its best classes, and the true ones below."""
        record = scene.record
        pictured = score_bars(fit_width(scene.image_bgr, 2 * PANEL_WIDTH),
                              [self.classes[class_id] for class_id in record.ids[:SHOWN_CLASSES]],
                              record.scores[:SHOWN_CLASSES])
        if record.truth_ids is None:
            return [pictured]
        true = ', '.join(self.classes[class_id] for class_id in record.truth_ids)
        below = labelled(np.full((26, pictured.shape[1], 3), 255, np.uint8),
                         'ground truth: ' + (true or 'no class'))
        return [np.vstack([pictured, below])]

    def tile(self, scene: Scene, caption: str) -> np.ndarray:
        """Return a small picture of a frame with its best class."""
        record = scene.record
        best = '{} {:.0f} %'.format(self.classes[record.ids[0]], 100 * record.scores[0]) \
            if record.ids else 'no class'
        return labelled(fit_width(scene.image_bgr, TILE_WIDTH), '{}  {}'.format(caption, best))

    def legend(self, scenes: Sequence[Scene], width: int) -> List[np.ndarray]:
        """Return no legend: the names are in the pictures."""
        return []

    def score_words(self, record: FrameRecord) -> str:
        """Say how well a frame went."""
        score = self.frame_score(record)
        return '' if score is None else '  score {:.1f} %'.format(100 * score)
