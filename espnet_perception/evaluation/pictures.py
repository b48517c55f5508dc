# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Pictures of segmented frames: panels side by side, a legend, a contact sheet.

Text is drawn with Pillow, for OpenCV's strokes are hard to read in small sizes.
"""

from functools import lru_cache
from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.pipeline.overlay import colour_mask, overlay
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = Tuple[int, int, int]

BACKGROUND: Colour = (247, 248, 250)
INK: Colour = (33, 37, 41)
FAINT: Colour = (108, 117, 125)
BAR: Colour = (30, 41, 59)
BAR_INK: Colour = (241, 245, 249)
OPACITY = 0.55
GAP = 8


class Style(NamedTuple):
    """
    Names and colours of the classes in a picture.

    :param classes: class names in id order.
    :param palette: (red, green, blue) of each.
    """

    classes: Sequence[str]
    palette: Sequence[Sequence[int]]


@lru_cache(maxsize=None)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """
    Return the font of all pictures, the one that comes with matplotlib.

    :param size: height in pixels.
    :param bold: heavy strokes.
    """
    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    return ImageFont.truetype('{}/fonts/ttf/{}'.format(matplotlib.get_data_path(), name), size)


def fit_width(image_bgr: np.ndarray, width: int) -> np.ndarray:
    """
    Resize an image to a width, keeping its shape.

    :param image_bgr: (H, W, 3) uint8.
    :param width: pixels.
    """
    height = max(1, round(image_bgr.shape[0] * width / image_bgr.shape[1]))
    shrinking = width < image_bgr.shape[1]
    return cv2.resize(image_bgr, (width, height),
                      interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)


def blended(image_bgr: np.ndarray, labels: np.ndarray, style: Style,
            opacity: float = OPACITY) -> np.ndarray:
    """
    Lay the colours of the labels over an image of perhaps another size.

    :param image_bgr: (H, W, 3) uint8.
    :param labels: (h, w) uint8 class ids.
    :param style: colours of the classes.
    :param opacity: 0 shows the image, 1 the colours.
    """
    size = image_bgr.shape[1::-1]
    if labels.shape != image_bgr.shape[:2]:
        labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return overlay(image_bgr, labels, style.palette, opacity)


def mistakes(truth: np.ndarray, prediction: np.ndarray, image_bgr: np.ndarray) -> np.ndarray:
    """
    Mark wrong pixels red over the darkened grey image; what has no truth stays dark.

    :param truth: (H, W) uint8 evaluation ids, 255 without ground truth.
    :param prediction: (H, W) uint8 evaluation ids.
    :param image_bgr: (h, w, 3) uint8.
    """
    grey = cv2.cvtColor(cv2.resize(image_bgr, truth.shape[::-1]), cv2.COLOR_BGR2GRAY)
    canvas = cv2.cvtColor(grey // 2 + 20, cv2.COLOR_GRAY2BGR)
    wrong = (truth != prediction) & (truth != NO_CLASS)
    canvas[wrong] = (60, 60, 235)
    return canvas


def legend_strip(style: Style, width: int, present: Sequence[int]) -> np.ndarray:
    """
    Draw colour and name of classes, in as many lines as they need.

    :param style: names and colours.
    :param width: pixels.
    :param present: ids of the classes to list.
    :return: (h, width, 3) uint8, blue first.
    """
    face, line_height, x, y = font(13), 22, GAP, 6
    places = []
    for class_id in present:
        needed = 18 + int(face.getlength(style.classes[class_id])) + 16
        if x + needed > width and x > GAP:
            x, y = GAP, y + line_height
        places.append((class_id, x, y))
        x += needed
    canvas = Image.new('RGB', (width, y + line_height + 4), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for class_id, x, y in places:
        draw.rectangle((x, y + 2, x + 12, y + 14), fill=tuple(style.palette[class_id]),
                       outline=FAINT)
        draw.text((x + 18, y + 1), style.classes[class_id], font=face, fill=INK)
    return _to_bgr(canvas)


def title_bar(width: int, left: str, right: str = '', height: int = 30) -> np.ndarray:
    """
    Draw a dark bar with text at its two ends.

    :param width: pixels.
    :param left: bold text.
    :param right: plain text; cut where both do not fit.
    :param height: pixels.
    :return: (height, width, 3) uint8, blue first.
    """
    canvas = Image.new('RGB', (width, height), BAR)
    draw = ImageDraw.Draw(canvas)
    bold, plain = font(height // 2, True), font(height * 13 // 30)
    middle = height // 2
    draw.text((GAP + 2, middle), left, font=bold, fill=BAR_INK, anchor='lm')
    room = width - 4 * GAP - bold.getlength(left)
    while right and plain.getlength(right) > room:
        right = right[:-2].rstrip('…') + '…' if len(right) > 3 else ''
    draw.text((width - GAP - 2, middle), right, font=plain, fill=BAR_INK, anchor='rm')
    return _to_bgr(canvas)


def labelled(image_bgr: np.ndarray, caption: str) -> np.ndarray:
    """
    Write a caption into the upper left corner of a copy of an image.

    :param image_bgr: (H, W, 3) uint8.
    :param caption: short text.
    """
    canvas = Image.fromarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB))
    draw = ImageDraw.Draw(canvas, 'RGBA')
    face = font(13)
    draw.rectangle((0, 0, face.getlength(caption) + 12, 21), fill=BAR + (205,))
    draw.text((6, 10), caption, font=face, fill=BAR_INK, anchor='lm')
    return _to_bgr(canvas)


def beside(panels: Sequence[np.ndarray]) -> np.ndarray:
    """
    Put images of one height side by side with a gap.

    :param panels: (H, W, 3) uint8 each; brought to the height of the first.
    """
    height = panels[0].shape[0]
    row = []  # type: List[np.ndarray]
    for panel in panels:
        if panel.shape[0] != height:
            panel = cv2.resize(panel, (round(panel.shape[1] * height / panel.shape[0]), height))
        row += [panel, _blank(height, GAP)]
    return np.hstack(row[:-1])


def stacked(rows: Sequence[np.ndarray], gap: int = 0) -> np.ndarray:
    """
    Put images of one width on top of each other; narrower ones are padded.

    :param rows: (H, W, 3) uint8 each.
    :param gap: pixels between them.
    """
    width = max(row.shape[1] for row in rows)
    padded = []  # type: List[np.ndarray]
    for row in rows:
        padded.append(np.hstack([row, _blank(row.shape[0], width - row.shape[1])]))
        padded.append(_blank(gap, width))
    return np.vstack(padded[:-1])


def contact_sheet(tiles: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """
    Arrange images of one size in a grid.

    :param tiles: (H, W, 3) uint8 each.
    :param columns: images in a row.
    """
    height, width = tiles[0].shape[:2]
    tiles = [tile if tile.shape[:2] == (height, width) else cv2.resize(tile, (width, height))
             for tile in tiles]
    rows = [beside(tiles[start:start + columns]) for start in range(0, len(tiles), columns)]
    return stacked(rows, GAP)


def classes_in(*images: Optional[np.ndarray], class_count: int) -> List[int]:
    """Return the ids below class_count that occur in label images, ascending."""
    found = np.zeros(256, dtype=np.int64)
    for labels in images:
        if labels is not None:
            found += np.bincount(labels.ravel(), minlength=256)
    return [int(class_id) for class_id in np.flatnonzero(found[:class_count])]


def mask_panel(labels: np.ndarray, style: Style, size: Tuple[int, int]) -> np.ndarray:
    """
    Paint labels at a size.

    :param labels: (h, w) uint8 class ids.
    :param style: colours of the classes.
    :param size: (width, height) in pixels.
    """
    return colour_mask(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT),
                       style.palette)


def _blank(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), BACKGROUND[::-1], dtype=np.uint8)


def _to_bgr(canvas: Image.Image) -> np.ndarray:
    return cv2.cvtColor(np.asarray(canvas.convert('RGB')), cv2.COLOR_RGB2BGR)
