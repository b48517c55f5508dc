# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Films and pictures."""

import cv2
from espnet_perception.errors import OutputError
from espnet_perception.evaluation.mappings import mapping_for, ModelClasses
from espnet_perception.evaluation.pictures import classes_in, legend_strip, Style, title_bar
from espnet_perception.evaluation.scenes import Look, Scene
from espnet_perception.evaluation.state import FrameRecord
from espnet_perception.evaluation.video import (
    classes_shown,
    Film,
    film_frames,
    write_gif,
    write_mp4,
)
import numpy as np
from PIL import Image
import pytest

MODEL = ModelClasses('told', ('road', 'sky'), ((200, 0, 0), (0, 0, 200)))
STYLE = Style(MODEL.classes, MODEL.palette)


@pytest.fixture
def pictures():
    """Eight frames: the upper class grows from frame to frame."""
    scenes = []
    for index in range(8):
        labels = np.zeros((60, 120), np.uint8)
        labels[:5 + 5 * index] = 1
        scenes.append(Scene(FrameRecord(index, index, index, 'answered'),
                            np.full((60, 120, 3), 120, np.uint8), labels, None))
    film = Film('title', 'facts', Look(STYLE, mapping_for(MODEL)), [0, 1])
    return list(film_frames(scenes, film))


def test_an_mp4_plays(tmp_path, pictures):
    """Every frame is there, with both panels: grey camera, coloured classes."""
    write_mp4(tmp_path / 'a.mp4', pictures, 10.0)
    film = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    frames = []
    while True:
        there, frame = film.read()
        if not there:
            break
        frames.append(frame)
    assert len(frames) == 8 and film.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    assert frames[0].shape == pictures[0].shape
    middle = frames[4].shape[0] // 2
    camera, sky, road = frames[4][middle, 280], frames[4][80, 850], frames[4][250, 850]
    assert np.ptp(camera.astype(int)) < 25
    assert sky[0] > sky[2] + 40 and road[2] > road[0] + 40


def test_a_gif_repeats(tmp_path, pictures):
    """Scaled, all frames, for ever."""
    write_gif(tmp_path / 'a.gif', pictures, 5.0, 300)
    with Image.open(tmp_path / 'a.gif') as animation:
        assert animation.size[0] == 300
        assert animation.n_frames == 8
        assert animation.info['duration'] == 200 and animation.info['loop'] == 0


def test_a_film_of_nothing_or_to_nowhere_is_refused(tmp_path, pictures):
    """In one sentence each."""
    for write in (lambda frames, path: write_mp4(path, frames, 10.0),
                  lambda frames, path: write_gif(path, frames, 10.0, 100)):
        with pytest.raises(OutputError, match='no frame to put into'):
            write([], tmp_path / 'a.mp4')
        with pytest.raises(OutputError, match='cannot write'):
            write(pictures, tmp_path / 'nowhere' / 'a.gif')


def test_the_legend_shows_the_colours_of_the_classes():
    """One swatch for each class asked for, wrapped where the width ends."""
    wide, narrow = legend_strip(STYLE, 400, [0, 1]), legend_strip(STYLE, 70, [0, 1])
    assert narrow.shape[0] > wide.shape[0] and wide.shape[1] == 400
    assert (wide == (0, 0, 200)).all(axis=2).any()  # road is red, and OpenCV has blue first
    assert not (legend_strip(STYLE, 400, [1]) == (0, 0, 200)).all(axis=2).any()


def test_a_long_text_in_the_title_is_cut():
    """The bar keeps its size."""
    assert title_bar(200, 'title', 'facts ' * 50).shape == (30, 200, 3)


def test_only_classes_that_can_be_seen_are_in_the_legend():
    """A speck of a class is not; ids that the model has not are not either."""
    labels = np.zeros((50, 50), np.uint8)
    labels[0, 0], labels[1] = 1, 200
    assert classes_in(labels, class_count=2) == [0, 1]
    assert classes_shown([labels], 2) == [0]
