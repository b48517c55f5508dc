# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The demo from end to end, short."""

import json

import cv2
from espnet_perception.cli.main import main
from PIL import Image
import pytest


@pytest.fixture
def short(monkeypatch):
    """Draw small frames."""
    from espnet_perception.cli import demo
    monkeypatch.setattr(demo, 'WIDTH', 128)
    monkeypatch.setattr(demo, 'HEIGHT', 64)


def test_the_synthetic_drive(ros, short, city_model, tmp_path, capsys):
    """Film, animation, contact sheet and report, and a summary of them."""
    output = tmp_path / 'demo_out'
    assert main(['demo', '--model', city_model, '--frames', '6', '--output', str(output)]) == 0
    report = json.loads((output / 'report' / 'report.json').read_text())
    frames = report['overall']['frames']
    assert frames['total'] == 6 and frames['answered'] >= 1
    assert report['overall']['metrics'] is not None
    film = cv2.VideoCapture(str(output / 'demo.mp4'))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == frames['answered']
    with Image.open(output / 'demo.gif') as animation:
        assert animation.size[0] == 760
    assert cv2.imread(str(output / 'contact_sheet.png')) is not None
    text = capsys.readouterr().out
    for words in ('6 frames:', 'mIoU', 'demo.mp4', 'contact_sheet.png', 'report.html', 'done in'):
        assert words in text


def test_your_own_bag(ros, drive, tiny_model_dir, tmp_path):
    """Without ground truth; a model of any classes will do."""
    output = tmp_path / 'demo_out'
    assert main(['demo', '--bag', drive, '--topic', '/camera/image', '--model',
                 str(tiny_model_dir), '--output', str(output)]) == 0
    report = json.loads((output / 'report' / 'report.json').read_text())
    assert report['overall']['metrics'] is None
    assert report['overall']['mean_confidence'] > 0
    assert (output / 'demo.mp4').stat().st_size > 1000


def test_a_classifier_is_refused(tiny_classifier_dir, tmp_path, capsys):
    """At once, with the command that shows it."""
    assert main(['demo', '--model', str(tiny_classifier_dir), '--output', str(tmp_path)]) == 1
    assert 'use espnet-perception replay BAG --live --model' in capsys.readouterr().err
