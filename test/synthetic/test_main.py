# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the synthetic command line."""

import cv2
from espnet_perception.synthetic.__main__ import main


def test_a_picture_shows_frames_above_their_labels(tmp_path):
    path = tmp_path / 'sheets' / 'two.png'
    assert main(['--seed', '1', '2', '3', '--width', '64', '--height', '32', '--index', '1',
                 '--picture', str(path)]) == 0
    assert cv2.imread(str(path)).shape == (128, 128, 3)


def test_a_bag_is_written(tmp_path):
    path = tmp_path / 'drive'
    assert main(['--frames', '2', '--width', '64', '--height', '32', '--bag', str(path)]) == 0
    assert (path / 'metadata.yaml').is_file()


def test_an_error_is_one_line(tmp_path, capsys):
    assert main(['--frames', '2', '--bag', str(tmp_path)]) == 1
    text = capsys.readouterr().err
    assert 'error: the bag {} exists already'.format(tmp_path) in text
    assert 'Traceback' not in text
