# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads the frames that a report shows back from the bag and draws them."""

from contextlib import suppress
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set

from espnet_perception.errors import PerceptionError
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.mappings import ClassMapping, fit_to
from espnet_perception.evaluation.pictures import (
    blended,
    classes_in,
    contact_sheet,
    fit_width,
    labelled,
    legend_strip,
    mistakes,
    stacked,
    Style,
    title_bar,
)
from espnet_perception.evaluation.replay import BagReplay
from espnet_perception.evaluation.selection import frame_miou
from espnet_perception.evaluation.state import FrameRecord
import numpy as np

PANEL_WIDTH = 540
TILE_WIDTH = 400
SHEET_COLUMNS = 3


class Scene(NamedTuple):
    """
    A frame with its prediction and, where there is one, its ground truth.

    :param record: what became of it.
    :param image_bgr: (H, W, 3) uint8.
    :param labels: (H, W) uint8 class ids of the model; None of a classifier.
    :param truth: (h, w) uint8 evaluation ids, 255 without ground truth; or None.
    """

    record: FrameRecord
    image_bgr: np.ndarray
    labels: Optional[np.ndarray]
    truth: Optional[np.ndarray]


class Look(NamedTuple):
    """
    What is needed to draw label images.

    :param model: names and colours of the model's classes.
    :param mapping: from them to the classes of the evaluation.
    """

    model: Style
    mapping: ClassMapping

    @property
    def evaluation(self) -> Style:
        """Names and colours of the classes of the evaluation."""
        return Style(self.mapping.label_set.classes, self.mapping.label_set.palette)

    def panels(self, scene: Scene) -> List[np.ndarray]:
        """Return pictures of a frame: input, prediction and, where it is, truth and mistakes."""
        image_bgr = fit_width(scene.image_bgr, PANEL_WIDTH)
        panels = [labelled(image_bgr, 'input')]
        if scene.truth is None:
            panels.append(labelled(blended(image_bgr, scene.labels, self.model), 'prediction'))
            return panels
        prediction = self._prediction(scene)
        wrong = mistakes(scene.truth, prediction, scene.image_bgr)
        style = self.evaluation
        return panels + [labelled(blended(image_bgr, prediction, style), 'prediction'),
                         labelled(blended(image_bgr, scene.truth, style), 'ground truth'),
                         labelled(fit_width(wrong, PANEL_WIDTH), 'mistakes')]

    def tile(self, scene: Scene, caption: str) -> np.ndarray:
        """Return a small picture of a frame with its prediction laid over it."""
        image_bgr = fit_width(scene.image_bgr, TILE_WIDTH)
        return labelled(blended(image_bgr, scene.labels, self.model), caption)

    def legend(self, shown: Sequence[Scene], width: int) -> List[np.ndarray]:
        """Return the legend of the classes that occur in the panels of frames, as one strip."""
        if shown[0].truth is None:
            style, planes = self.model, [scene.labels for scene in shown]
        else:
            style, planes = self.evaluation, [plane for scene in shown for plane in (
                self._prediction(scene), scene.truth)]
        return [legend_strip(style, width, classes_in(*planes, class_count=len(style.classes)))]

    def score_words(self, record: FrameRecord) -> str:
        """Say how well a frame went."""
        if record.cells:
            class_count = len(self.mapping.label_set.classes)
            return '  mIoU {:.1f} %'.format(100 * frame_miou(record.cells, class_count))
        return '' if record.confidence is None else '  confidence {:.1f} %'.format(
            100 * record.confidence)

    def _prediction(self, scene: Scene) -> np.ndarray:
        return fit_to(self.mapping.map_prediction(scene.labels), scene.truth.shape)


def scenes(bag: BagReplay, indices: Set[int], truth_place: str, task: Any) -> Iterator[Scene]:
    """
    Read frames back from a bag.

    :param bag: the replayed bag; the label images of these frames were kept.
    :param indices: positions of the frames.
    :param truth_place: where the ground truth is, or empty.
    :param task: turns a message back into a Scene.
    :return: the frames in the order of the bag; those that cannot be drawn are left out.
    """
    if not indices:
        return
    with open_bag(str(bag.path)) as opened:
        truth = task.open_truth(opened, bag.topic, truth_place)
        for message in opened.messages(bag.topic):
            if message.index > max(indices):
                return
            if message.index in indices:
                with suppress(PerceptionError):  # it changed since it was replayed
                    yield from task.scenes(message, bag.state, truth)


def worst_picture(scene: Scene, look: Any, bag_name: str) -> np.ndarray:
    """
    Draw a frame with all that is known of it.

    :param scene: the frame.
    :param look: how frames of the task are drawn.
    :param bag_name: for the title.
    :return: (H, W, 3) uint8, blue first.
    """
    grid = contact_sheet(look.panels(scene), 2)
    return stacked([title_bar(grid.shape[1], title_of(scene.record, bag_name, look)), grid]
                   + look.legend([scene], grid.shape[1]))


def sheet_picture(chosen: Sequence[Scene], look: Any, title: str, right: str = '') -> np.ndarray:
    """
    Draw frames with their predictions as one picture.

    :param chosen: the frames.
    :param look: how frames of the task are drawn.
    :param title: bold text of the title bar.
    :param right: plain text of the title bar.
    :return: (H, W, 3) uint8, blue first.
    """
    start_ns = chosen[0].record.recorded_ns
    tiles = [look.tile(scene, '{:.1f} s'.format((scene.record.recorded_ns - start_ns) / 1e9))
             for scene in chosen]
    grid = contact_sheet(tiles, min(SHEET_COLUMNS, len(tiles)))
    predictions = [scene._replace(truth=None) for scene in chosen]
    return stacked([title_bar(grid.shape[1], title, right, height=40), grid]
                   + look.legend(predictions, grid.shape[1]))


def title_of(record: FrameRecord, bag_name: str, look: Any) -> str:
    """Return bag, frame number and score of a frame."""
    return '{}  frame {}{}'.format(bag_name, record.index, look.score_words(record))


def by_index(found: Sequence[Scene]) -> Dict[int, Scene]:
    """Return the scenes by the position of their frame."""
    return {scene.record.index: scene for scene in found}
