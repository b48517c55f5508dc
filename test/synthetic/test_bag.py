# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of bags written from synthetic drives."""

from espnet_perception.errors import BagError
from espnet_perception.synthetic import SyntheticDrive
from espnet_perception.synthetic.bag import CAMERA_INFO_TOPIC, IMAGE_TOPIC, LABELS_TOPIC, write_bag
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import get_typestore, Stores


@pytest.fixture(scope='module')
def drive():
    """Return a drive of three small frames."""
    return SyntheticDrive(3, 96, 64, 3)


def messages_of(path, topic):
    """Return the deserialised messages of a topic with their times."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    with AnyReader([path], default_typestore=store) as reader:
        chosen = [one for one in reader.connections if one.topic == topic]
        return [(time_ns, reader.deserialize(raw, one.msgtype))
                for one, time_ns, raw in reader.messages(connections=chosen)]


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_bag_holds_what_the_drive_rendered(tmp_path, drive, storage):
    seen = []
    path = tmp_path / 'drive'
    write_bag(str(path), drive, storage, seen.append)
    assert seen == [1, 2, 3]
    for topic, encoding, channels in ((IMAGE_TOPIC, 'bgr8', 3), (LABELS_TOPIC, 'mono8', 1)):
        rows = messages_of(path, topic)
        assert len(rows) == 3
        for (time_ns, message), frame in zip(rows, drive):
            stamp = message.header.stamp
            assert stamp.sec * 10 ** 9 + stamp.nanosec == frame.stamp_ns == time_ns
            assert message.header.frame_id == 'camera'
            assert message.encoding == encoding
            assert (message.height, message.width, message.step) == (64, 96, 96 * channels)
            pixels = frame.image_bgr if channels == 3 else frame.labels
            assert np.array_equal(message.data, pixels.reshape(-1))
    info = messages_of(path, CAMERA_INFO_TOPIC)[1][1]
    assert np.array_equal(info.k.reshape(3, 3), drive[1].camera_matrix)
    assert np.array_equal(info.p.reshape(3, 4)[:, :3], drive[1].camera_matrix)
    assert [entry.name for entry in tmp_path.iterdir()] == ['drive']


def test_an_existing_bag_is_not_overwritten(tmp_path, drive):
    (tmp_path / 'drive').mkdir()
    with pytest.raises(BagError, match='exists already; remove it'):
        write_bag(str(tmp_path / 'drive'), drive)


def test_an_unknown_storage_is_refused_by_name(tmp_path, drive):
    with pytest.raises(BagError, match="unknown bag storage 'rar', expected one of mcap, sqlite3"):
        write_bag(str(tmp_path / 'drive'), drive, 'rar')


def test_a_full_disk_leaves_nothing_behind(tmp_path, drive):
    def fill(done):
        if done == 2:
            raise OSError(28, 'No space left on device')
    with pytest.raises(BagError, match='No space left on device; check the free space'):
        write_bag(str(tmp_path / 'drive'), drive, 'mcap', fill)
    assert list(tmp_path.iterdir()) == []


def test_a_stop_leaves_nothing_behind(tmp_path, drive):
    def stop(done):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        write_bag(str(tmp_path / 'drive'), drive, 'sqlite3', stop)
    assert list(tmp_path.iterdir()) == []
