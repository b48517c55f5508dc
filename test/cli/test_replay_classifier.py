# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The sub-command replay with a classifier, offline and against the real classification node."""

import json
from pathlib import Path

from espnet_perception.cli.main import main
from espnet_perception.evaluation.bags import open_bag
import pytest

CLASSES = ('street', 'forest', 'river', 'shop', 'night', 'snow', 'rain')


@pytest.fixture(scope='module')
def labels(drive, tmp_path_factory):
    """File of classes: all frames of the drive show a street, but the last one a river."""
    path = tmp_path_factory.mktemp('truth') / 'labels.csv'
    with open_bag(drive) as bag:
        topic = bag.choose_topic('/camera/image')
        stamps = [message.stamp_ns for message in bag.messages(topic)]
    path.write_text('stamp_ns,class\n' + ''.join(
        f'{stamp},{"river" if stamp == stamps[-1] else "street"}\n' for stamp in stamps))
    return str(path)


def command(drive, model, output, *more):
    """Run the replay."""
    return main(['replay', drive, '--topic', '/camera/image', '--model', str(model), '--output',
                 str(output), *more])


def rows_of(output):
    """Return what must not depend on how the bag was replayed."""
    lines = (Path(output) / 'drive' / 'frames.jsonl').read_text().splitlines()
    return [(row['stamp_ns'], row['status'], row['crc32'], row['ids'], row['scores'],
             row['truth_ids']) for row in map(json.loads, lines)]


def figures(output):
    """Return what report.json holds."""
    return json.loads((Path(output) / 'report.json').read_text())


@pytest.fixture(scope='module')
def replay(drive, tiny_classifier_dir):
    """Return a function that replays the drive through the classifier."""
    def run(output, *more):
        assert command(drive, tiny_classifier_dir, output, *more) == 0
        return output
    return run


@pytest.fixture(scope='module')
def offline(replay, labels, tmp_path_factory):
    """Output of an offline replay."""
    return replay(tmp_path_factory.mktemp('offline'), '--truth', labels)


def test_offline(offline):
    """Every frame has an answer and counts; the figures are those of the frames."""
    report, rows = figures(offline), rows_of(offline)
    assert report['task'] == 'classification'
    assert report['overall']['frames']['answered'] == len(rows) == 8
    truth = [row[5] for row in rows]
    assert truth == [[0]] * 7 + [[2]]
    metrics = report['overall']['metrics']
    assert metrics['top1'] == sum(row[3][:1] == row[5] for row in rows) / 8
    assert metrics['top5'] == sum(row[5][0] in row[3][:5] for row in rows) / 8
    assert (offline / 'report.html').stat().st_size > 50_000


def test_live_answers_equal_offline_answers(ros, replay, labels, offline, tmp_path, capsys):
    """Every frame gets its classes with its stamp, over DDS, with the same probabilities."""
    replay(tmp_path, '--live', '--rate', 'max', '--truth', labels)
    assert rows_of(tmp_path) == rows_of(offline)
    report = figures(tmp_path)
    assert report['overall']['metrics'] == figures(offline)['overall']['metrics']
    node = report['overall']['node']
    assert (node['sent'], node['received'], node['published'], node['answers']) == (8, 8, 8, 8)
    assert node['unaccounted'] == node['lost_to_node'] == node['lost_from_node'] == 0
    printed = capsys.readouterr().out
    for words in ('8 frames: 8 answered', '8 answers published', 'top-1 ', 'top-5 ', 'macro F1'):
        assert words in printed


def test_smoothed_live_answers_equal_smoothed_offline_answers(ros, replay, offline, tmp_path):
    """The smoothing is the pipeline's own in both; it changes the answers."""
    for folder, more in (('off', ()), ('live', ('--live', '--rate', 'max'))):
        replay(tmp_path / folder, '--smoothing-frames', '3', *more)
    smoothed = rows_of(tmp_path / 'off')
    assert smoothed == rows_of(tmp_path / 'live')
    plain = [row[:5] for row in rows_of(offline)]
    assert smoothed[0][:5] == plain[0] and [row[:5] for row in smoothed[1:]] != plain[1:]
    assert figures(tmp_path / 'off')['overall']['seen']


def test_several_classes(drive, make_classifier_dir, labels, tmp_path, capsys):
    """A model with a probability for each class is judged by F1."""
    model = make_classifier_dir(multi_label=True)
    assert command(drive, model, tmp_path, '--truth', labels) == 0
    assert 'class-wise F1 (C-F1)' in capsys.readouterr().out
    assert figures(tmp_path)['overall']['metrics']['images'] == 8


@pytest.mark.parametrize('arguments, sentence', [
    (['--truth', '/camera/labels'], 'of a classifier it is a file (.csv or .yaml)'),
    (['--truth-classes', 'camvid'], '--truth-classes is for segmentation, and the model is for'),
    (['--void', '3'], '--void is for segmentation'),
    (['--keep-masks'], '--keep-masks is for segmentation'),
    (['--confidence-threshold', '0.5'], '--confidence-threshold is for segmentation'),
])
def test_what_makes_no_sense_for_a_classifier(drive, tiny_classifier_dir, tmp_path, capsys,
                                              arguments, sentence):
    """One sentence each."""
    assert command(drive, tiny_classifier_dir, tmp_path, *arguments) == 1
    assert sentence in capsys.readouterr().err.strip().splitlines()[-1]


def test_smoothing_makes_no_sense_for_masks(drive, city_model, tmp_path, capsys):
    """The other way round."""
    assert command(drive, city_model, tmp_path, '--smoothing-frames', '5') == 1
    assert '--smoothing-frames is for classification' in capsys.readouterr().err
