# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads the frames that a report shows back from the bag and draws them."""

from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Set

from espnet_perception.errors import PerceptionError
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.mappings import ClassMapping
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
from espnet_perception.evaluation.replay import BagReplay, fit_to, truth_of
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
    :param labels: (H, W) uint8 class ids of the model.
    :param truth: (h, w) uint8 evaluation ids, 255 without ground truth; or None.
    """

    record: FrameRecord
    image_bgr: np.ndarray
    labels: np.ndarray
    truth: Optional[np.ndarray]


class Look(NamedTuple):
    """
    What is needed to draw predictions.

    :param model: names and colours of the model's classes.
    :param mapping: from them to the classes of the evaluation.
    """

    model: Style
    mapping: ClassMapping

    @property
    def evaluation(self) -> Style:
        """Names and colours of the classes of the evaluation."""
        return Style(self.mapping.label_set.classes, self.mapping.label_set.palette)


def scenes(bag: BagReplay, indices: Set[int], truth_place: str, mapping: ClassMapping
           ) -> Iterator[Scene]:
    """
    Read frames back from a bag.

    :param bag: the replayed bag; the label images of these frames were kept.
    :param indices: positions of the frames.
    :param truth_place: topic or folder of the label images, or empty.
    :param mapping: the classes of the evaluation.
    :return: the frames in the order of the bag; those that cannot be drawn are left out.
    """
    if not indices:
        return
    with open_bag(str(bag.path)) as opened:
        truth = truth_of(opened, bag.topic, truth_place)
        for message in opened.messages(bag.topic):
            if message.index > max(indices):
                return
            labels = bag.state.mask(message.index) if message.index in indices else None
            if labels is None:
                continue
            record = bag.state.records[message.index]
            truth_labels = None
            try:
                if record.cells is not None:
                    truth_labels = truth.labels(message.index, message.stamp_ns)
                if truth_labels is not None:
                    truth_labels = mapping.map_truth(truth_labels)
                yield Scene(record, message.decode(), labels, truth_labels)
            except PerceptionError:  # it changed since it was replayed
                continue


def worst_picture(scene: Scene, look: Look, bag_name: str) -> np.ndarray:
    """
    Draw a frame as input, prediction, ground truth and mistakes, with a legend.

    :param scene: the frame.
    :param look: classes and colours.
    :param bag_name: for the title.
    :return: (H, W, 3) uint8, blue first.
    """
    image_bgr = fit_width(scene.image_bgr, PANEL_WIDTH)
    panels = [labelled(image_bgr, 'input')]
    if scene.truth is None:
        style, present = look.model, classes_in(scene.labels,
                                                class_count=len(look.model.classes))
        panels.append(labelled(blended(image_bgr, scene.labels, style), 'prediction'))
    else:
        style = look.evaluation
        prediction = fit_to(look.mapping.map_prediction(scene.labels), scene.truth.shape)
        present = classes_in(prediction, scene.truth, class_count=len(style.classes))
        wrong = mistakes(scene.truth, prediction, scene.image_bgr)
        panels += [labelled(blended(image_bgr, prediction, style), 'prediction'),
                   labelled(blended(image_bgr, scene.truth, style), 'ground truth'),
                   labelled(fit_width(wrong, PANEL_WIDTH), 'mistakes')]
    grid = contact_sheet(panels, 2)
    return stacked([title_bar(grid.shape[1], title_of(scene.record, bag_name, look)), grid,
                    legend_strip(style, grid.shape[1], present)])


def sheet_picture(chosen: Sequence[Scene], look: Look, title: str, right: str = '') -> np.ndarray:
    """
    Draw frames with their predictions laid over them as one picture.

    :param chosen: the frames.
    :param look: classes and colours.
    :param title: bold text of the title bar.
    :param right: plain text of the title bar.
    :return: (H, W, 3) uint8, blue first.
    """
    tiles = []  # type: List[np.ndarray]
    for scene in chosen:
        image_bgr = fit_width(scene.image_bgr, TILE_WIDTH)
        start_ns = chosen[0].record.recorded_ns
        caption = '{:.1f} s'.format((scene.record.recorded_ns - start_ns) / 1e9)
        tiles.append(labelled(blended(image_bgr, scene.labels, look.model), caption))
    grid = contact_sheet(tiles, min(SHEET_COLUMNS, len(tiles)))
    present = classes_in(*[scene.labels for scene in chosen],
                         class_count=len(look.model.classes))
    return stacked([title_bar(grid.shape[1], title, right, height=40), grid,
                    legend_strip(look.model, grid.shape[1], present)])


def title_of(record: FrameRecord, bag_name: str, look: Look) -> str:
    """Return bag, frame number and score of a frame."""
    title = '{}  frame {}'.format(bag_name, record.index)
    if record.cells:
        class_count = len(look.mapping.label_set.classes)
        title += '  mIoU {:.1f} %'.format(100 * frame_miou(record.cells, class_count))
    elif record.confidence is not None:
        title += '  confidence {:.1f} %'.format(100 * record.confidence)
    return title


def by_index(found: Sequence[Scene]) -> Dict[int, Scene]:
    """Return the scenes by the position of their frame."""
    return {scene.record.index: scene for scene in found}
