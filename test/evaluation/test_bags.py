# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags of every kind, whole and damaged."""

import struct

from espnet_perception.errors import BagError, ImageError
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.salvage import zstd
import lz4.frame
import numpy as np
import pytest
from rosbags.typesys import get_typestore, Stores


def read(path, topic=''):
    """Return (topic, [(stamp, pixels)], notes) of a bag."""
    with open_bag(str(path)) as bag:
        chosen = bag.choose_topic(topic)
        return chosen, [(message.stamp_ns, message.decode())
                        for message in bag.messages(chosen)], bag.notes


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3', 'ros1'])
@pytest.mark.parametrize('compressed', [False, True])
def test_every_kind_of_bag_gives_the_same_pixels(bags, make, storage, compressed):
    """PNG is lossless, so the compressed bag holds the same pixels."""
    topic, messages, notes = read(bags.drive(storage=storage, compressed=compressed))
    assert topic.name == '/camera/image' and topic.count == 6 and notes == []
    assert [stamp for stamp, _ in messages] == [make.START_NS + index * make.STEP_NS
                                                for index in range(6)]
    for index, (_, image_bgr) in enumerate(messages):
        assert np.array_equal(image_bgr, make.frame(index))


@pytest.mark.parametrize('storage, suffix', [('mcap', '.mcap'), ('sqlite3', '.db3')])
def test_a_bare_file_and_a_folder_without_metadata(bags, storage, suffix):
    """The file alone will do; of the folder a note says what is missing."""
    path = bags.drive(storage=storage)
    assert len(read(path / ('drive' + suffix))[1]) == 6
    (path / 'metadata.yaml').unlink()
    _, messages, notes = read(path)
    assert len(messages) == 6
    assert len(notes) == 1 and 'no metadata.yaml' in notes[0]


@pytest.mark.parametrize('storage, suffix', [('mcap', '.mcap'), ('sqlite3', '.db3')])
@pytest.mark.parametrize('alone', [False, True])
def test_a_truncated_bag_is_read_up_to_the_damage(bags, make, storage, suffix, alone):
    """What comes before the damage is whole, and a note tells of the rest."""
    path = bags.drive(frames=150, storage=storage, truth=False)
    file = path / ('drive' + suffix)
    file.write_bytes(file.read_bytes()[:file.stat().st_size * 6 // 10])
    topic, messages, notes = read(file if alone else path)
    assert 0 < len(messages) < 150 and topic.count == len(messages)
    for index, (stamp, image_bgr) in enumerate(messages):
        assert stamp == make.START_NS + index * make.STEP_NS
        assert np.array_equal(image_bgr, make.frame(index))
    assert any('is damaged' in note and file.name in note for note in notes)


def test_a_torn_chunk_gives_its_whole_messages(bags, make):
    """A short recording is one chunk, which may be torn as well."""
    path = bags.drive(truth=False)
    file = path / 'drive.mcap'
    file.write_bytes(file.read_bytes()[:3 * make.frame(0).size])
    messages = read(path)[1]
    assert len(messages) == 2
    assert np.array_equal(messages[1][1], make.frame(1))


@pytest.mark.parametrize('mode', ['zstd', 'lz4'])
def test_compressed_chunks(bags, make, tmp_path, mode):
    """Chunks before the damage come out of a compressed file too."""
    path = bags.drive(frames=150, truth=False)
    file = tmp_path / 'packed.mcap'
    file.write_bytes(packed_copy((path / 'drive.mcap').read_bytes(), mode))
    messages = read(file)[1]
    assert len(messages) == 150
    file.write_bytes(file.read_bytes()[:file.stat().st_size * 6 // 10])
    topic, messages, _ = read(file)
    assert 0 < topic.count == len(messages) < 150
    assert np.array_equal(messages[-1][1], make.frame(len(messages) - 1))


def packed_copy(content, mode):
    """Return an mcap file with its chunks compressed, without an index."""
    pack = {'zstd': zstd.compress, 'lz4': lz4.frame.compress}[mode]
    result, position = content[:8], 8
    while position < len(content) - 8:
        code, length = struct.unpack_from('<BQ', content, position)
        record = content[position + 9:position + 9 + length]
        position += 9 + length
        if code == 6:  # a chunk: times, size, checksum, compression, size, records
            unpacked = record[40:]
            name = mode.encode()
            packed = pack(unpacked)
            record = (record[:28] + struct.pack('<I', len(name)) + name
                      + struct.pack('<Q', len(packed)) + packed)
        if code in (1, 3, 4, 6):
            result += struct.pack('<BQ', code, len(record)) + record
        if code == 15:  # the end of the data
            break
    footer = struct.pack('<BQQQI', 2, 20, 0, 0, 0)
    return result + struct.pack('<BQI', 15, 4, 0) + footer + content[:8]


@pytest.mark.parametrize('storage, suffix', [('mcap', '.mcap'), ('sqlite3', '.db3'),
                                             ('ros1', '.bag')])
@pytest.mark.parametrize('size', [0, 40])
def test_a_bag_of_which_nothing_is_left_is_refused(bags, storage, suffix, size):
    """In one sentence that names the file."""
    path = bags.drive(storage=storage)
    file = path if storage == 'ros1' else path / ('drive' + suffix)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(BagError) as caught:
        read(path)
    sentence = str(caught.value)
    assert file.name in sentence and '\n' not in sentence
    assert 'cannot be read' in sentence or 'nothing in it can be read' in sentence


def test_a_truncated_ros1_bag_is_refused_with_the_cure(bags):
    """Its index is at its end; rosbag reindex writes a new one."""
    path = bags.drive(storage='ros1')
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BagError, match='drive.bag cannot be read.*rosbag reindex'):
        read(path)


def test_no_images(bags, make):
    """The topics that there are are listed with their types."""
    path = bags.write('talk', [('/chatter', 'std_msgs/msg/String', 5, make.text('hello'))])
    with pytest.raises(BagError, match=r'holds no camera images.*/chatter \(std_msgs/msg/String, '
                                       r'1 messages\)'):
        read(path)


def test_two_cameras_must_be_told_apart(bags, make):
    """Both are listed; --topic chooses."""
    rows = [(topic, make.IMAGE, 5, make.image(5, make.frame(0))) for topic in ('/left', '/right')]
    path = bags.write('stereo', rows)
    with pytest.raises(BagError, match='--topic: /left .*, /right '):
        read(path)
    assert read(path, '/right')[0].name == '/right'
    assert read(path, 'left')[0].name == '/left'


def test_raw_wins_over_compressed_of_the_same_camera(bags, make):
    """image_transport records both; they are one camera."""
    path = bags.write('both', [
        ('/cam/image', make.IMAGE, 5, make.image(5, make.frame(0))),
        ('/cam/image/compressed', make.COMPRESSED, 5, make.compressed(5, make.frame(0)))])
    assert read(path)[0].name == '/cam/image'


@pytest.mark.parametrize('topic, sentence', [
    ('/nothing', "has no topic '/nothing'; its topics are: /camera/image"),
    ('/chatter', '/chatter of .* is a std_msgs/msg/String, expected sensor_msgs/msg/Image')])
def test_a_wrong_topic_is_refused(bags, topic, sentence):
    """With what there is, or what it is."""
    with pytest.raises(BagError, match=sentence):
        read(bags.drive(), topic)


@pytest.mark.parametrize('name, sentence', [
    ('missing', 'there is no bag at'), ('notes.txt', 'is not a bag'),
    ('folder', 'neither metadata.yaml nor .mcap nor .db3')])
def test_what_is_no_bag_is_refused(tmp_path, name, sentence):
    """With what is expected."""
    (tmp_path / 'notes.txt').write_text('hello')
    (tmp_path / 'folder').mkdir()
    with pytest.raises(BagError, match=sentence):
        read(tmp_path / name)


def test_a_damaged_image_is_one_sentence(bags, make):
    """The message is there, but its pixels are not."""
    raw = make.image(make.START_NS, make.frame(0))
    path = bags.write('short', [('/cam', make.IMAGE, 5, raw[:200])])
    with open_bag(str(path)) as bag:
        message = next(bag.messages(bag.choose_topic()))
        with pytest.raises(ImageError, match='message 0 of /cam is damaged'):
            message.decode()


@pytest.mark.parametrize('storage', ['mcap', 'ros1'])
def test_a_message_can_be_sent_with_another_stamp(bags, make, storage):
    """Only the stamp differs, also out of a ROS 1 bag."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    with open_bag(str(bags.drive(storage=storage))) as bag:
        message = next(bag.messages(bag.choose_topic()))
        same = store.deserialize_cdr(message.cdr(message.stamp_ns), make.IMAGE)
        other = store.deserialize_cdr(message.cdr(7_000_000_009), make.IMAGE)
    assert (same.header.stamp.sec, same.header.stamp.nanosec) == divmod(make.START_NS, 10 ** 9)
    assert (other.header.stamp.sec, other.header.stamp.nanosec) == (7, 9)
    assert other.header.frame_id == 'camera' and other.encoding == 'bgr8'
    assert np.array_equal(other.data, make.frame(0).ravel())
