# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The accuracy of a model comes from its card or from a report, with its origin."""

import json

from espnet_perception import model_card
from espnet_perception.benchmark.accuracy import of_card, of_reports, read_reports
from espnet_perception.errors import SettingsError
import pytest

SOURCE = {'model': 'tiny', 'sha256': 'ab', 'network_width': 96, 'network_height': 64}
EVALUATION = {'model': 'tiny', 'sha256': 'ab', 'source': SOURCE, 'dataset': 'camvid',
              'split': 'test', 'metrics': {'miou': 0.5, 'pixel_accuracy': 0.9}}
REPLAY = {'source': SOURCE, 'overall': {'metrics': {'top1': 0.75}}, 'bags': [{'name': 'drive'}]}


@pytest.fixture()
def written(tmp_path):
    """Return a function that writes a report and returns its path."""
    def write(values):
        (tmp_path / 'report.json').write_text(json.dumps(values))
        return str(tmp_path / 'report.json')
    return write


def test_of_a_card(tiny_model_dir):
    card = model_card.load(str(tiny_model_dir))
    assert of_card(card) is None
    rows = ({'name': 'loss', 'value': 3.2}, {'name': 'mIoU', 'value': 0.805, 'dataset': 'streets',
                                             'split': 'val', 'size': [480, 352]})
    found = of_card(card._replace(metrics=rows))
    assert found == ('mIoU', 80.5, 'streets val', 'card', (480, 352))
    assert found.holds_at((480, 352)) and not found.holds_at((96, 64))
    assert of_card(card._replace(metrics=({'name': 'mIoU', 'value': 0.5},))).size == (96, 64)


def test_of_an_evaluation(written):
    reports = read_reports([written(EVALUATION)])
    found = of_reports(reports, 'another name', 'ab')
    assert found == ('mIoU', 50, 'camvid test', 'evaluated', (96, 64))
    assert of_reports(reports, 'tiny', 'cd') is None


def test_of_a_replay(written):
    found = of_reports(read_reports([written(REPLAY)]), 'tiny', 'ab')
    assert found[:3] == ('top-1', 75, 'drive')


@pytest.mark.parametrize('values', [{}, [], dict(EVALUATION, metrics={})])
def test_what_is_no_report_is_refused(written, values):
    with pytest.raises(SettingsError, match='is no report with a figure of accuracy; give a file'):
        read_reports([written(values)])


def test_a_report_that_is_not_there_is_refused():
    with pytest.raises(SettingsError, match='cannot read the report /nowhere'):
        read_reports(['/nowhere'])
