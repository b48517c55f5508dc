# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Power and energy of a replay, from sensors and out of bags, without waiting for real time."""

import json

import cv2
from espnet_perception.errors import BagError
from espnet_perception.evaluation import power_trace
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.live import NodeMeter
from espnet_perception.evaluation.mappings import mapping_for, ModelClasses
from espnet_perception.evaluation.player import PowerTold
from espnet_perception.evaluation.power_trace import (
    NoMeter,
    power_figures,
    PowerRow,
    PowerTrace,
    Reading,
    RecorderMeter,
)
from espnet_perception.evaluation.replay import Place, replay_bag, ReplaySettings
from espnet_perception.evaluation.report import write_report
from espnet_perception.evaluation.segmentation_task import SegmentationTask
from espnet_perception.evaluation.summary import Replays
from espnet_perception.telemetry.power import discover
from espnet_perception.telemetry.recorder import PowerRecorder
import fake_machines
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

SECOND = 10 ** 9
MODEL = ModelClasses('told', ('a', 'b'), ((200, 0, 0), (0, 200, 0)))
NAN = float('nan')


class ToldMeter:
    """Tells what it is told to, once."""

    lag_s = 0.0

    def __init__(self):
        self.next = []

    def readings(self):
        """Return what was told since the last call."""
        readings, self.next = self.next, []
        return readings

    def words(self):
        """Say who tells."""
        return 'told'


@pytest.fixture
def clock(monkeypatch):
    """Return the moment of the trace, in a list."""
    now = [0]
    monkeypatch.setattr(power_trace, 'monotonic_ns', lambda: now[0])
    return now


def reading(start_s, end_s, power_mw):
    """Return a while at a constant power."""
    return Reading(int(start_s * SECOND), int(end_s * SECOND), power_mw * (end_s - start_s),
                   end_s - start_s)


def test_readings_are_laid_on_the_time_of_the_bag(clock):
    """Half a second of the replay is a tenth of the bag; what came before is cut off."""
    meter = ToldMeter()
    trace = PowerTrace(meter)
    clock[0], meter.next = SECOND, [reading(0.0, 0.9, 1000)]
    rows = trace.frame(100 * SECOND, True, SECOND // 4)
    assert rows == [PowerRow(100 * SECOND, pytest.approx(0.15), pytest.approx(0.15),
                             pytest.approx(150.0), 1)]
    clock[0], meter.next = 3 * SECOND // 2, [reading(0.9, 1.25, 2000), reading(1.25, 1.5, 4000)]
    rows = trace.frame(100 * SECOND + SECOND // 10, True, SECOND // 4)
    assert [row.recorded_ns for row in rows] == [100 * SECOND + SECOND // 20,
                                                 100 * SECOND + SECOND // 10]
    assert [row.power_mw for row in rows] == [pytest.approx(2000), pytest.approx(4000)]
    assert sum(row.frames for row in rows) == 1
    meter.next = [reading(1.5, 2.0, 9999)]
    assert trace.finish() == []  # after the last frame


def test_figures_and_their_limits():
    """Energy per frame counts the time between frames, and wants nearly all of it measured."""
    rows = [PowerRow(0, 1.0, 1.0, 5000.0, 2), PowerRow(1, 1.0, 0.9, 2700.0, 2)]
    figures = power_figures(rows)
    assert figures['mean_mw'] == pytest.approx(7700 / 1.9)
    assert (figures['max_mw'], figures['frames']) == (5000.0, 4)
    assert figures['energy_per_frame_mj'] == pytest.approx(7700 / 1.9 * 2.0 / 4)
    gap = power_figures(rows + [PowerRow(2, 2.0, 0.0, 0.0, 4)])
    assert (gap['energy_mj'], gap['energy_per_frame_mj']) == (7700.0, None)
    assert rows[0]._replace(measured_s=0.0).power_mw is None
    assert power_figures([]) is None
    assert power_figures([PowerRow(0, 1.0, 0.0, 0.0, 1)]) is None


def test_the_recorder_as_meter(tmp_path):
    """A rail that disappears for a while leaves a gap, not a made-up power."""
    fake_machines.tx2(tmp_path)
    now = [SECOND]
    recorder = PowerRecorder(discover(str(tmp_path)), 50.0, clock=lambda: now[0])
    meter = RecorderMeter(recorder)

    def run(samples):
        for _number in range(samples):
            recorder.sample()
            now[0] += SECOND // 50
        return meter.readings()
    run(1)
    found = run(50)
    assert sum(one.energy_mj for one in found) == pytest.approx(5389.0)
    assert (len(found), meter.words()) == (50, 'sensors of this machine: VDD_IN')
    path = tmp_path / fake_machines.JETPACK4 / '0-0041/iio:device1/in_power0_input'
    path.unlink()
    assert [one.measured_s for one in run(5)] == [0.0] * 5
    path.write_text('1000\n')
    assert sum(one.energy_mj for one in run(51)) == pytest.approx(1000.0)


def test_the_power_node_as_meter():
    """A message is the mean over its period; one without a total is a gap."""
    class Player:
        def powers(self):
            return [PowerTold(SECOND, 0.5, 6000.0, ('VDD_IN',)),
                    PowerTold(2 * SECOND, 0.5, None, ())]
    meter = NodeMeter(Player(), '/power/power')
    assert meter.readings() == [Reading(SECOND // 2, SECOND, 3000.0, 0.5),
                                Reading(3 * SECOND // 2, 2 * SECOND, 0.0, 0.0)]
    assert meter.words() == 'the power node on /power/power: VDD_IN'


class PowerBag:
    """Writes bags of the power node, each value a total in milliwatts, five a second."""

    def __init__(self, repository, folder):
        self.folder, self.store = folder, get_typestore(Stores.ROS2_HUMBLE)
        for name in ('FrameEnergy', 'PowerRail', 'PowerReading'):
            text = (repository / 'espnet_msgs/msg' / (name + '.msg')).read_text()
            self.store.register(get_types_from_msg(text, 'espnet_msgs/msg/' + name))

    def message(self, total_mw):
        """Return a serialised reading."""
        kinds = self.store.types
        header = kinds['std_msgs/msg/Header'](kinds['builtin_interfaces/msg/Time'](0, 0), '')
        cost = kinds['espnet_msgs/msg/FrameEnergy']('segmentation', 10, 1.0, 540.0, NAN)
        singles, doubles = np.zeros(0, np.float32), np.zeros(0)
        return self.store.serialize_cdr(kinds['espnet_msgs/msg/PowerReading'](
            header, 'board', 0.2, [], total_mw, NAN, ['VDD_IN'], NAN, [cost],
            [], singles, [], [], singles, doubles, doubles, [], singles, singles, ''),
            'espnet_msgs/msg/PowerReading')

    def write(self, totals_mw, storage=StoragePlugin.MCAP):
        """Write a bag and return its path."""
        path = self.folder / 'power_{}'.format(storage.name.lower())
        with Writer(path, version=8, storage_plugin=storage) as writer:
            connection = writer.add_connection('/power/power', 'espnet_msgs/msg/PowerReading',
                                               typestore=self.store)
            for number, total_mw in enumerate(totals_mw):
                writer.write(connection, (10 + number) * SECOND // 5, self.message(total_mw))
        return path


@pytest.fixture
def power_bag(repository, tmp_path):
    """Write bags of the power node."""
    return PowerBag(repository, tmp_path)


class NoSource:
    """Answers nothing, for there is nothing to answer."""

    def describe(self):
        """Return its facts."""
        return {'mode': 'offline'}


def replay(path, folder):
    """Replay a bag that holds power alone; return the report."""
    task = SegmentationTask(mapping_for(MODEL))
    with open_bag(str(path)) as bag:
        done = replay_bag(bag, NoSource(), task, ReplaySettings(), Place(folder / bag.name),
                          NoMeter('nothing to read'))
    write_report(Replays([done], {'mode': 'offline'}, task, MODEL, 'nothing to read'), folder, '')
    return json.loads((folder / 'report.json').read_text())


@pytest.mark.parametrize('storage', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_bag_of_the_power_node_is_plotted(power_bag, tmp_path, storage):
    """Ten readings, one of them a gap."""
    path = power_bag.write([5000.0] * 5 + [NAN] + [7000.0] * 4, storage)
    figures = replay(path, tmp_path / 'out')
    power = figures['bags'][0]['recorded_power']
    assert (power['topic'], power['rails']) == ('/power/power', ['VDD_IN'])
    assert power['energy_mj'] == pytest.approx(5000.0 + 5600.0)
    assert (power['measured_s'], power['elapsed_s']) == (pytest.approx(1.8), pytest.approx(2.0))
    assert power['frame_energies_mj'] == {'segmentation': pytest.approx(540.0)}
    picture = cv2.imread(str(tmp_path / 'out' / path.name / 'recorded_power.png'))
    assert picture is not None and picture.std() > 1
    page = (tmp_path / 'out/report.html').read_text()
    assert 'as recorded' in page and 'segmentation: 540' in page and 'nothing to read' in page


def test_a_bag_without_a_definition_takes_that_of_the_package(power_bag, tmp_path, monkeypatch):
    """Bags of Humble with sqlite3 hold no definitions; without the package that is a note."""
    from espnet_perception.evaluation import power_bag as module
    from espnet_perception.evaluation.bags import Bag
    path = power_bag.write([5000.0] * 3)
    monkeypatch.setattr(Bag, 'definition', lambda self, topic: '')
    with open_bag(str(path)) as bag:
        assert module.recorded_power(bag).figures()['mean_mw'] == pytest.approx(5000.0)
    monkeypatch.setattr(module, '_own_definition', lambda: '')
    with open_bag(str(path)) as bag:
        assert module.recorded_power(bag) is None
        assert 'holds no definition of its messages' in bag.notes[0]


def test_a_bag_without_images_and_power_is_refused(bags, make, tmp_path):
    """A report of nothing helps nobody."""
    rows = [('/chatter', 'std_msgs/msg/String', 1, make.text('hello'))]
    with pytest.raises(BagError, match='holds no camera images'):
        replay(bags.write('chatter', rows), tmp_path / 'out')
