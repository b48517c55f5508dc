# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
A replayed bag as a film: MP4 for players and browsers, GIF for pages that take only pictures.

The MP4 holds VP9, which browsers play; where OpenCV was built without it, MPEG-4 part 2, which
needs a player.
"""

from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple

import cv2
from espnet_perception.errors import OutputError
from espnet_perception.evaluation.pictures import (
    beside,
    blended,
    fit_width,
    labelled,
    legend_strip,
    stacked,
    title_bar,
)
from espnet_perception.evaluation.scenes import Look, Scene
from espnet_perception.evaluation.state import writing
import numpy as np
from PIL import Image

CODECS = ('vp09', 'mp4v')
PANEL_WIDTH = 560
GIF_COLOURS = 255


class Film(NamedTuple):
    """
    What all pictures of a film share.

    :param title: bold text of the title bar.
    :param facts: plain text of the title bar.
    :param look: classes and colours.
    :param present: ids of the classes in the legend.
    """

    title: str
    facts: str
    look: Look
    present: List[int]


def film_frames(shown: Iterable[Scene], film: Film) -> Iterator[np.ndarray]:
    """
    Draw each frame: the camera's picture, and the classes laid over it.

    :param shown: the frames, in order.
    :param film: title, classes and colours.
    :return: (H, W, 3) uint8 each, blue first, of one even size.
    """
    legend = None
    for scene in shown:
        image_bgr = fit_width(scene.image_bgr, PANEL_WIDTH)
        row = beside([labelled(image_bgr, 'camera'),
                      labelled(blended(image_bgr, scene.labels, film.look.model), 'classes')])
        if legend is None:
            legend = legend_strip(film.look.model, row.shape[1], film.present)
        picture = stacked([title_bar(row.shape[1], film.title, film.facts, 34), row, legend])
        height, width = picture.shape[:2]
        yield np.ascontiguousarray(picture[:height // 2 * 2, :width // 2 * 2])


def classes_shown(masks: Iterable[np.ndarray], class_count: int) -> List[int]:
    """
    Return the classes that cover at least one pixel in five hundred of some mask.

    :param masks: (H, W) uint8 class ids each.
    :param class_count: number of classes of the model.
    """
    present = set()
    for labels in masks:
        counts = np.bincount(labels.ravel(), minlength=256)[:class_count]
        present.update(np.flatnonzero(counts * 500 >= labels.size).tolist())
    return sorted(present)


def write_mp4(path: Path, pictures: Iterable[np.ndarray], rate_hz: float) -> str:
    """
    Write a film.

    :param path: the .mp4 file.
    :param pictures: (H, W, 3) uint8 each, blue first, of one even size.
    :param rate_hz: frames per second.
    :return: the four letters of the codec.
    :raises OutputError: no encoder, or it cannot be written.
    """
    writer, codec, expected = None, '', 0
    for picture in pictures:
        if writer is None:
            writer, codec = _writer(path, picture.shape[1::-1], rate_hz)
        writer.write(picture)
        expected += 1
    if writer is None:
        raise OutputError('there is no frame to put into {}'.format(path))
    writer.release()
    if not path.exists() or path.stat().st_size < 100 * expected:
        raise OutputError('cannot write {}; is the disk full?'.format(path))
    return codec


def write_gif(path: Path, pictures: Iterable[np.ndarray], rate_hz: float, width: int) -> None:
    """
    Write an animation that repeats for ever.

    :param path: the .gif file.
    :param pictures: (H, W, 3) uint8 each, blue first.
    :param rate_hz: frames per second.
    :param width: pixels.
    :raises OutputError: no frame, or it cannot be written.
    """
    frames = [Image.fromarray(cv2.cvtColor(fit_width(picture, width), cv2.COLOR_BGR2RGB))
              for picture in pictures]
    if not frames:
        raise OutputError('there is no frame to put into {}'.format(path))
    # one palette for all frames keeps still regions still
    sample = np.vstack([np.asarray(frame) for frame in frames[::max(1, len(frames) // 6)]])
    palette = Image.fromarray(sample).quantize(GIF_COLOURS, Image.Quantize.MEDIANCUT)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    with writing(path):
        frames[0].save(path, save_all=True, append_images=frames[1:], loop=0,
                       duration=round(1000 / rate_hz), optimize=False)


def _writer(path: Path, size: tuple, rate_hz: float) -> tuple:
    for codec in CODECS:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate_hz, size)
        if writer.isOpened():
            return writer, codec
    raise OutputError('cannot write {}: no space or permission, or OpenCV was built without {}'
                      .format(path, ' and '.join(CODECS)))
