# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Replay on two local workers, one of which is killed, against replay in this process."""

import json
import os
from pathlib import Path
import signal
import sys
import time

from espnet_perception.errors import DatasetError, SettingsError
from espnet_perception.evaluation import cluster as module
from espnet_perception.evaluation.answers import Answer, ANSWERED
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.cluster import connected, Opener, replay_bags
from espnet_perception.evaluation.mappings import mapping_for, ModelClasses
from espnet_perception.evaluation.replay import Place, replay_bag, ReplaySettings
from espnet_perception.evaluation.segmentation_task import SegmentationTask
from espnet_perception.evaluation.summary import Replays, summary
import numpy as np
import pytest

MODEL = ModelClasses('told', ('a', 'b', 'c', 'd', 'e'), ((200, 0, 0),) * 5)
SETTINGS = ReplaySettings(truth='/camera/labels', worst=3, spread=4)
CHUNK = 16
DEADLINE_S = 60.0
FACTS = {'mode': 'offline', 'model': 'told'}


class PixelSource:
    """Labels each pixel by its brightness; dies once, or fails always, as its words say."""

    def __init__(self, words):
        self._orders = json.loads(words)

    def describe(self):
        """Return its facts."""
        return dict(FACTS)

    def answers(self, messages, skip):
        """Answer every frame but the first ``skip``."""
        for message in messages:
            if message.index < skip:
                continue
            if message.index == self._orders.get('die_at') and not Path(
                    self._orders['died']).exists():
                Path(self._orders['died']).write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGKILL)
            if message.index == self._orders.get('fail_at'):
                wait_for(Path(self._orders['died']))
                raise DatasetError('frame {} cannot be judged'.format(message.index))
            labels = (message.decode()[:, :, 0] // 52).astype(np.uint8)
            yield Answer(message.index, message.stamp_ns, message.recorded_ns, ANSWERED, '',
                         labels, float(labels.mean()) / 255,
                         {'total': (1 + message.index) * 10 ** 6})

    def session(self):
        """Nothing is counted."""


def wait_for(path):
    """Wait until a file is there."""
    end_s = time.monotonic() + DEADLINE_S
    while not path.exists():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def open_told(words):
    """Return the source and its task; workers call this."""
    return PixelSource(words), SegmentationTask(mapping_for(MODEL))


@pytest.fixture
def start(monkeypatch):
    """Start a cluster of two workers whose source follows orders."""
    ray = pytest.importorskip('ray', reason='needs Ray: pip install ray')
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no module of the workers
    monkeypatch.setattr(module, 'CHUNK_FRAMES', CHUNK)
    for name in ('PYTHONPATH', 'RAY_USAGE_STATS_ENABLED', 'RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO'):
        monkeypatch.setenv(name, os.environ.get(name, ''))  # so that they are put back

    def started(**orders):
        return connected('2', Opener(open_told, json.dumps(orders)), 1)
    return started


def figures(replays):
    """Return what the report holds but for the moment of its making."""
    task = SegmentationTask(mapping_for(MODEL))
    return {**summary(Replays(replays, FACTS, task, MODEL)), 'created': ''}


def files(folder):
    """Return path and content of every file."""
    return {path.relative_to(folder): path.read_bytes()
            for path in sorted(folder.rglob('*')) if path.is_file()}


@pytest.mark.timeout(300)  # Ray itself may take three attempts to start where all is busy
def test_the_merged_result_is_that_of_one_process(bags, tmp_path, start):
    """Two bags; a worker is killed, the run is broken off, and goes on with the other one."""
    paths = [str(bags.drive('two', 24, storage='ros1')), str(bags.drive('one', 40))]
    task, alone = SegmentationTask(mapping_for(MODEL)), []
    for path in paths:
        with open_bag(path) as bag:
            alone.append(replay_bag(bag, PixelSource('{}'), task, SETTINGS,
                                    Place(tmp_path / 'alone' / bag.name)))
    progress = []
    places = {path: Place(tmp_path / 'many' / Path(path).stem, False,
                          lambda done, total: progress.append(done)) for path in paths}
    with start(die_at=20, died=str(tmp_path / 'died'), fail_at=37) as cluster:
        assert (cluster.workers, cluster.facts()) == (2, FACTS)
        with pytest.raises(DatasetError, match='frame 37 cannot be judged'):
            replay_bags(cluster, places, task, SETTINGS, FACTS, False)
        assert int((tmp_path / 'died').read_text()) != os.getpid()
        kept = {path.name for path in (tmp_path / 'many').glob('*/chunks/*.json')}
        assert kept and '00000032-00000040.json' not in kept
        cluster._opener = Opener(open_told, json.dumps({'again': True}))
        many = replay_bags(cluster, places, task, SETTINGS, FACTS, False)
    assert max(progress) == 40
    merged, expected = figures(many), figures(alone)
    assert merged['overall']['metrics']['confusion'] == \
        expected['overall']['metrics']['confusion']
    assert np.array(expected['overall']['metrics']['confusion']).sum() > 0
    assert merged == expected
    assert files(tmp_path / 'many') == files(tmp_path / 'alone')


def test_without_ray_it_says_what_to_install(monkeypatch):
    """The library is optional."""
    monkeypatch.setitem(sys.modules, 'ray', None)
    with pytest.raises(SettingsError, match='pip install ray, or leave out --cluster'):
        with connected('2', Opener(open_told, '{}'), 1):
            pass


@pytest.mark.parametrize('size, whole, expected', [
    (40, False, [(0, 16), (16, 32), (32, 40)]), (40, True, [(0, 40)]), (16, False, [(0, 16)])])
def test_chunks(bags, tmp_path, monkeypatch, size, whole, expected):
    """They cover a bag without gaps, and leave out those that are done."""
    monkeypatch.setattr(module, 'CHUNK_FRAMES', CHUNK)
    task = SegmentationTask(mapping_for(MODEL))
    with open_bag(str(bags.drive('one', size))) as bag:
        run = module.BagRun(bag, FACTS, task, SETTINGS, Place(tmp_path / 'out'))
        assert [chunk[1:] for chunk in module._chunks('one', run, whole)] == expected
        replay_bag(bag, PixelSource('{}'), task, SETTINGS, Place(tmp_path / 'out'))
        assert module._chunks('one', module.BagRun(bag, FACTS, task, SETTINGS,
                                                   Place(tmp_path / 'out')), whole) == []
