# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Whole replays of a classifier: figures, resuming, and the report."""

import json
import re

import cv2
from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.answers import Answer, ANSWERED, DROPPED, Ranking
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.classification_task import ClassificationTask
from espnet_perception.evaluation.mappings import ModelClasses
from espnet_perception.evaluation.offline import OfflineSource
from espnet_perception.evaluation.replay import Place, replay_bag, ReplaySettings
from espnet_perception.evaluation.report import write_report
from espnet_perception.evaluation.summary import Replays
from espnet_perception.frame import Frame
from espnet_perception.label_sets import voc_palette
from espnet_perception.pipeline import create_classifier
from espnet_perception.settings import ClassifierSettings
import numpy as np
import pytest

CLASSES = ('street', 'forest', 'river', 'shop', 'night', 'snow', 'rain')
MODEL = ModelClasses('told', CLASSES, voc_palette(7))
# Class ids best first, of six frames, and what the frames show.
RANKINGS = [[0, 1, 2, 3, 4, 5, 6], [1, 0, 2, 3, 4, 5, 6], [2, 1, 0, 3, 4, 5, 6],
            [3, 1, 0, 2, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]]
TRUTH = 'street\nstreet\nriver\nnight\nstreet\nrain\n'


class ToldSource:
    """Answers as told, with probabilities 0.6, 0.55, 0.2, 0.1 ... in the order of the ranking."""

    def __init__(self, fates=()):
        self._fates = dict(fates)

    def describe(self):
        """Which source this is."""
        return {'mode': 'offline', 'model': 'told', 'task': 'classification'}

    def answers(self, messages, skip):
        """Answer every frame."""
        scores = np.float32([0.6, 0.55, 0.2, 0.1, 0.05, 0.03, 0.01])
        for message in messages:
            if self._fates.get(message.index) == DROPPED:
                yield Answer(message.index, message.stamp_ns, message.recorded_ns, DROPPED)
                continue
            ranking = Ranking(np.int32(RANKINGS[message.index]), scores)
            yield Answer(message.index, message.stamp_ns, message.recorded_ns, ANSWERED, '', None,
                         0.6, {'total': 10 ** 6}, ranking)

    def session(self):
        """Nothing is counted."""


@pytest.fixture
def labels(tmp_path, make):
    """Write what the frames of a drive show into a CSV file, by stamp."""
    def write(text=TRUTH):
        path = tmp_path / 'labels.csv'
        path.write_text(''.join('{},{}\n'.format(make.START_NS + index * make.STEP_NS, row)
                                for index, row in enumerate(text.splitlines())))
        return str(path)
    return write


def replayed(bag_path, folder, truth='', several=False, source=None):
    """Replay a bag, write the report, and return its figures as a reader gets them."""
    task, settings = ClassificationTask(MODEL, several), ReplaySettings(truth=truth, worst=2,
                                                                        spread=3)
    with open_bag(str(bag_path)) as bag:
        done = replay_bag(bag, source or ToldSource(), task, settings, Place(folder / bag.name))
    write_report(Replays([done], ToldSource().describe(), task, MODEL), folder, truth)
    return json.loads((folder / 'report.json').read_text())


def test_one_class_for_each_frame(bags, labels, tmp_path):
    """Right: frames 0, 2, 4. Frame 1: second guess; 3: fifth; 5: seventh."""
    figures = replayed(bags.drive(), tmp_path, labels())
    metrics = figures['overall']['metrics']
    assert (metrics['images'], metrics['top1']) == (6, 0.5)
    assert metrics['top5'] == pytest.approx(5 / 6)
    rows = {row['name']: row for row in metrics['classes']}
    assert set(rows) == {'street', 'forest', 'river', 'shop', 'night', 'rain'}
    assert rows['street']['recall'] == rows['street']['precision'] == pytest.approx(2 / 3)
    assert rows['forest'] == {'name': 'forest', 'precision': 0, 'recall': None, 'f1': 0,
                              'truth_images': 0, 'predicted_images': 1}
    assert metrics['macro_f1'] == pytest.approx((2 / 3 + 0 + 1 + 0 + 0 + 0) / 6)
    assert metrics['class_average'] == pytest.approx((2 / 3 + 1 + 0 + 0) / 4)
    street = metrics['confusion_classes'].index('street')
    assert metrics['confusion'][street] == [2, 1, 0, 0, 0, 0, 0]
    assert figures['overall']['frames'] == {'total': 6, 'answered': 6, 'dropped': 0, 'rejected': 0,
                                            'with_truth': 6, 'drop_rate': 0}
    worst = figures['bags'][0]['worst']
    assert [(row['index'], row['score']) for row in worst] == [(5, 0.0), (3, pytest.approx(0.05))]


def test_several_classes_for_each_frame(bags, labels, tmp_path):
    """Each answer predicts its first two classes, for 0.6 and 0.55 are above 0.5."""
    truth = 'street,forest\nstreet\nriver\nnight\n\nstreet,forest,rain\n'
    figures = replayed(bags.drive(), tmp_path, labels(truth), several=True)
    metrics = figures['overall']['metrics']
    # right 2 + 1 + 1 + 0 + 0 + 2 of 12 predicted and 2 + 1 + 1 + 1 + 0 + 3 true labels
    assert metrics['overall_precision'] == pytest.approx(6 / 12)
    assert metrics['overall_recall'] == pytest.approx(6 / 8)
    assert metrics['overall_f1'] == pytest.approx(2 * 6 / 20)
    f1 = {'street': 2 * 3 / (3 + 4), 'forest': 2 * 2 / (2 + 6), 'river': 1, 'shop': 0, 'night': 0,
          'rain': 0}
    assert {row['name']: row['f1'] for row in metrics['classes']} == pytest.approx(f1)
    assert metrics['class_f1'] == pytest.approx(sum(f1.values()) / 6)
    assert [row['index'] for row in figures['bags'][0]['worst']] == [3, 4]
    page = (tmp_path / 'report.html').read_text()
    assert 'class-wise F1 (C-F1)' in page and 'Worst frames, by F1' in page


def test_without_ground_truth_it_tells_what_was_seen(bags, tmp_path):
    """Which class how often, latency, drops; no metrics."""
    figures = replayed(bags.drive(), tmp_path, source=ToldSource({3: DROPPED}))
    overall = figures['overall']
    assert overall['metrics'] is None
    assert overall['seen'] == [{'name': 'street', 'frames': 3}, {'name': 'forest', 'frames': 1},
                               {'name': 'river', 'frames': 1}]
    assert overall['frames']['drop_rate'] == pytest.approx(1 / 6)
    assert overall['latency_ms']['total']['p50_ms'] == pytest.approx(1)
    page = (tmp_path / 'report.html').read_text()
    assert 'Classes seen' in page and 'Least confident frames' in page


def test_the_report_is_one_page_with_pictures(bags, labels, tmp_path):
    """F1, confusion, fate, latency; over time, classes, sheet and the worst frames."""
    figures = replayed(bags.drive(), tmp_path, labels())
    worst = ['drive/worst_{:06d}.png'.format(row['index']) for row in figures['bags'][0]['worst']]
    for name in ['f1.png', 'confusion.png', 'latency.png', 'frames.png', 'drive/timeline.png',
                 'drive/classes.png', 'drive/contact_sheet.png'] + worst:
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None and picture.std() > 1, name
    page = (tmp_path / 'report.html').read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count('data:image/') == 4 + 3 + 2
    for words in ('top-1 accuracy', '50.0 %', 'top-5 accuracy', 'macro F1', 'predicted frames',
                  'Worst frames, by probability of the true class'):
        assert words in page


def test_a_truth_that_fits_no_frame_is_refused(bags, labels, tmp_path):
    """Fewer rows than frames, and none with a stamp of the bag."""
    path = tmp_path / 'labels.csv'
    path.write_text('a.png,street\n')
    with pytest.raises(DatasetError, match='tells of 1 frames and the bag has 6'):
        replayed(bags.drive(), tmp_path, str(path))


def rows_of(folder):
    """Return what must not depend on how the bag was replayed."""
    lines = (folder / 'drive' / 'frames.jsonl').read_text().splitlines()
    return [(row['crc32'], row['ids'], row['scores']) for row in map(json.loads, lines)]


def test_offline_smoothing_goes_on_after_an_interruption(bags, make, tmp_path,
                                                         tiny_classifier_dir):
    """Smoothed answers are those of the pipeline, resumed or not."""
    bag_path, task = bags.drive(), ClassificationTask(MODEL, False)
    settings = ClassifierSettings(top_k=0, smoothing_frames=4)

    def run(folder, stop_at=None):
        def progress(done, _total):
            if done == stop_at:
                raise KeyboardInterrupt
        with create_classifier(str(tiny_classifier_dir), 'torch', settings) as classifier, \
                open_bag(str(bag_path)) as bag:
            replay_bag(bag, OfflineSource(classifier), task, ReplaySettings(),
                       Place(folder / bag.name, progress=progress))

    run(tmp_path / 'whole')
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / 'parts', 3)
    assert len(rows_of(tmp_path / 'parts')) == 3
    run(tmp_path / 'parts')
    assert rows_of(tmp_path / 'parts') == rows_of(tmp_path / 'whole')
    with create_classifier(str(tiny_classifier_dir), 'torch', settings) as classifier:
        results = [classifier.follow(Frame(make.frame(index), make.START_NS + index * make.STEP_NS,
                                           'camera')) for index in range(6)]
    assert [row[1] for row in rows_of(tmp_path / 'whole')] == [
        list(result.ids[:5]) for result in results]
