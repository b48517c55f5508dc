# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Whole replays: figures, resuming, and the report."""

import json
import re

import cv2
from espnet_perception.errors import DatasetError, OutputError
from espnet_perception.evaluation.answers import Answer, ANSWERED, DROPPED, REJECTED
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.mappings import mapping_for, ModelClasses
from espnet_perception.evaluation.metrics import ConfusionMatrix
from espnet_perception.evaluation.offline import OfflineSource
from espnet_perception.evaluation.replay import Place, replay_bag, ReplaySettings
from espnet_perception.evaluation.report import write_report
from espnet_perception.evaluation.segmentation_task import SegmentationTask
from espnet_perception.evaluation.summary import Replays
from espnet_perception.pipeline import create_segmenter
import numpy as np
import pytest

PALETTE = ((200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200))
MODEL = ModelClasses('told', ('a', 'b', 'c', 'd', 'e'), PALETTE)
TRUTH = ReplaySettings(truth='/camera/labels', worst=2, spread=3)


class ToldSource:
    """Answers as told: the right labels shifted by the frame's number of columns."""

    def __init__(self, make, stop_at=None, fates=()):
        self._make = make
        self._stop_at = stop_at
        self._fates = dict(fates)
        self.answered = []

    def describe(self):
        """Which source this is."""
        return {'mode': 'offline', 'model': 'told'}

    def predicted(self, index):
        """Return the label image that it gives for a frame."""
        labels = np.roll(self._make.labels(index), index, axis=1)
        return np.where(labels == 255, 0, labels).astype(np.uint8)

    def answers(self, messages, skip):
        """Answer every frame; break off at the one told."""
        for message in messages:
            if message.index < skip:
                continue
            if message.index == self._stop_at:
                raise KeyboardInterrupt
            self.answered.append(message.index)
            status = self._fates.get(message.index, ANSWERED)
            yield Answer(message.index, message.stamp_ns, message.recorded_ns, status,
                         'as told' if status == REJECTED else '',
                         self.predicted(message.index) if status == ANSWERED else None,
                         0.5, {'total': (1 + message.index) * 10 ** 6}
                         if status == ANSWERED else {})

    def session(self):
        """Nothing is counted."""


def run(bag_path, source, folder, settings=TRUTH, restart=False):
    """Replay a bag with mapping and place."""
    with open_bag(str(bag_path)) as bag:
        return replay_bag(bag, source, SegmentationTask(mapping_for(MODEL)), settings,
                          Place(folder / bag.name, restart))


def report(replays, folder, truth='/camera/labels'):
    """Write the report; return its figures as a reader gets them."""
    task = SegmentationTask(mapping_for(MODEL))
    write_report(Replays(replays, {'mode': 'offline', 'model': 'told'}, task, MODEL), folder,
                 truth)
    return json.loads((folder / 'report.json').read_text())


def test_figures_are_those_of_one_confusion_matrix(bags, make, tmp_path):
    """Counted again here, straight from the label images."""
    source = ToldSource(make, fates={2: DROPPED, 4: REJECTED})
    figures = report([run(bags.drive(frames=8), source, tmp_path)], tmp_path)
    expected = ConfusionMatrix(5)
    for index in (0, 1, 3, 5, 6, 7):
        expected.add(make.labels(index), source.predicted(index))
    overall = figures['overall']
    assert overall['metrics']['confusion'] == expected.counts.tolist()
    assert overall['metrics']['miou'] == pytest.approx(expected.scores().miou)
    assert overall['frames'] == {'total': 8, 'answered': 6, 'dropped': 1, 'rejected': 1,
                                 'with_truth': 6, 'drop_rate': 0.125}
    assert overall['latency_ms']['total']['max_ms'] == pytest.approx(8.0)
    assert figures['bags'][0]['rejected'] == [
        {'index': 4, 'stamp_ns': make.START_NS + 4 * make.STEP_NS, 'reason': 'as told'}]


def test_an_interrupted_replay_goes_on_with_identical_results(bags, make, tmp_path):
    """Broken off twice, it asks for no frame twice and ends with the same report."""
    bag = bags.drive(frames=10)
    whole = report([run(bag, ToldSource(make), tmp_path / 'whole')], tmp_path / 'whole')
    parts = [ToldSource(make, stop_at=3), ToldSource(make, stop_at=7), ToldSource(make)]
    for source in parts[:2]:
        with pytest.raises(KeyboardInterrupt):
            run(bag, source, tmp_path / 'parts')
    resumed = report([run(bag, parts[2], tmp_path / 'parts')], tmp_path / 'parts')
    assert [source.answered for source in parts] == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9]]
    for figures in (whole, resumed):
        del figures['created']
    assert resumed == whole
    names = [sorted(path.name for path in (tmp_path / folder / 'drive' / 'masks').iterdir())
             for folder in ('whole', 'parts')]
    assert names[0] == names[1] and 3 <= len(names[0]) <= 5


def test_a_finished_replay_is_only_reported_again(bags, make, tmp_path):
    """No frame is asked for; with restart all are."""
    bag = bags.drive()
    run(bag, ToldSource(make), tmp_path)
    again = ToldSource(make)
    run(bag, again, tmp_path)
    assert again.answered == []
    run(bag, again, tmp_path, restart=True)
    assert again.answered == [0, 1, 2, 3, 4, 5]


def test_other_settings_are_not_mixed_in(bags, make, tmp_path):
    """The sentence names what differs."""
    bag = bags.drive()
    run(bag, ToldSource(make), tmp_path)
    with pytest.raises(OutputError, match='truth: /camera/labels there,  now'):
        run(bag, ToldSource(make), tmp_path, ReplaySettings(worst=2, spread=3))


def test_at_most_so_many_frames_and_every_mask(bags, make, tmp_path):
    """For a first look, or for a film."""
    done = run(bags.drive(), ToldSource(make), tmp_path,
               TRUTH._replace(frames=4, keep_masks=True))
    assert len(done.state.records) == 4
    assert [np.array_equal(done.state.mask(index), ToldSource(make).predicted(index))
            for index in range(4)] == [True] * 4


def test_truth_of_another_size_is_compared_at_its_own(bags, make, tmp_path):
    """Twice the size, nearest pixel: the same share of right pixels."""
    folder = tmp_path / 'labels'
    folder.mkdir()
    for index in range(6):
        large = np.kron(make.labels(index), np.ones((2, 2), np.uint8))
        cv2.imwrite(str(folder / '{}.png'.format(index)), large)
    bag = bags.drive()
    small = report([run(bag, ToldSource(make), tmp_path / 'a')], tmp_path / 'a')
    done = run(bag, ToldSource(make), tmp_path / 'b', TRUTH._replace(truth=str(folder)))
    large = report([done], tmp_path / 'b', str(folder))
    assert large['overall']['metrics']['miou'] == pytest.approx(
        small['overall']['metrics']['miou'])
    assert np.array_equal(np.array(large['overall']['metrics']['confusion']),
                          4 * np.array(small['overall']['metrics']['confusion']))


def test_no_common_stamp_is_refused(bags, make, tmp_path):
    """Metrics over nothing would mislead."""
    rows = [('/camera/image', make.IMAGE, 5, make.image(5, make.frame(0))),
            ('/camera/labels', make.IMAGE, 6, make.image(6, make.labels(0)))]
    with pytest.raises(DatasetError, match='no stamps in common'):
        run(bags.write('apart', rows), ToldSource(make), tmp_path)


def test_the_report_of_several_bags(bags, make, tmp_path):
    """One page without links, all pictures beside it, worst frame first."""
    replays = [run(bags.drive('one'), ToldSource(make), tmp_path),
               run(bags.drive('two', storage='ros1'), ToldSource(make, fates={1: DROPPED}),
                   tmp_path)]
    figures = report(replays, tmp_path)
    assert figures['overall']['frames']['total'] == 12
    assert [bag['name'] for bag in figures['bags']] == ['one', 'two']
    scores = [row['score'] for row in figures['bags'][0]['worst']]
    assert scores == sorted(scores) and len(scores) == 2
    for name in ('iou.png', 'confusion.png', 'latency.png', 'frames.png', 'one/timeline.png',
                 'one/contact_sheet.png', 'two/contact_sheet.png',
                 'one/worst_{:06d}.png'.format(figures['bags'][0]['worst'][0]['index'])):
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None and picture.std() > 1, name
    page = (tmp_path / 'report.html').read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count('data:image/') == 4 + 2 * (1 + 1 + 2)
    for words in ('Replay of one, two', '/camera/image', '1 dropped', 'Worst frames'):
        assert words in page
    assert '{:.1f} %'.format(100 * figures['overall']['metrics']['miou']) in page


def test_a_report_without_truth_or_answered_frames(bags, make, tmp_path):
    """No metrics and hardly any picture, but a page."""
    source = ToldSource(make, fates=dict.fromkeys(range(6), DROPPED))
    done = run(bags.drive(truth=False), source, tmp_path, ReplaySettings())
    figures = report([done], tmp_path, '')
    assert figures['overall']['metrics'] is None
    assert figures['overall']['frames']['drop_rate'] == 1.0
    assert 'Worst frames' not in (tmp_path / 'report.html').read_text()


def test_offline_replay_gives_what_the_pipeline_gives(bags, make, tmp_path, tiny_model_dir):
    """The labels of every frame, and rejection of a damaged one."""
    path = bags.drive(frames=3)
    odd = bags.write('odd', [('/cam', make.IMAGE, 5, make.image(5, make.frame(0), 'bgr9'))])
    with create_segmenter(str(tiny_model_dir), 'torch') as segmenter:
        source = OfflineSource(segmenter)
        done = run(path, source, tmp_path, ReplaySettings(keep_masks=True))
        for index in range(3):
            assert np.array_equal(done.state.mask(index),
                                  segmenter.segment(make.frame(index)).labels)
        records = run(odd, source, tmp_path, ReplaySettings()).state.records
    assert set(done.state.records[0].times_ns) == {'decode', 'preprocess', 'inference',
                                                   'postprocess', 'total'}
    assert records[0].status == REJECTED and "image encoding 'bgr9'" in records[0].reason
