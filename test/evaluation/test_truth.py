# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Ground truth from topics and folders."""

from espnet_perception.errors import BagError, DatasetError
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.truth import FolderTruth, read_label_image, TopicTruth, truth_of
import numpy as np
from PIL import Image
import pytest


def write(path, labels, palette=None):
    """Write a label image, with a palette if one is given."""
    picture = Image.fromarray(labels)
    if palette:
        picture.putpalette(palette)
    picture.save(path)


def test_a_topic_is_matched_by_stamp(bags, make):
    """A label image that came earlier or later in the bag still finds its frame."""
    rows = [('/camera/image', make.IMAGE, 5, make.image(5, make.frame(0)))]
    for stamp_ns in (30, 40, 50):
        rows.append(('/truth', make.IMAGE, 100 - stamp_ns,
                     make.image(stamp_ns, np.full((4, 4), stamp_ns, np.uint8))))
    with open_bag(str(bags.write('late', sorted(rows, key=lambda row: row[2])))) as bag:
        truth = TopicTruth(bag, '/truth')
        assert truth.labels(0, 30)[0, 0] == 30
        assert truth.labels(1, 35) is None
        assert truth.labels(2, 50)[0, 0] == 50
        assert truth.labels(3, 60) is None


@pytest.mark.parametrize('storage', ['mcap', 'ros1'])
def test_label_images_of_a_drive(bags, make, storage):
    """Every frame gets its own ids."""
    with open_bag(str(bags.drive(storage=storage))) as bag:
        truth = TopicTruth(bag, '/camera/labels')
        for index in range(6):
            labels = truth.labels(index, make.START_NS + index * make.STEP_NS)
            assert np.array_equal(labels, make.labels(index))


def test_compressed_label_images_must_be_grey(bags, make):
    """A PNG of ids is fine; a picture in colour is no label image."""
    rows = [('/ids', make.COMPRESSED, 5, make.compressed(5, make.labels(0))),
            ('/colours', make.COMPRESSED, 5, make.compressed(5, make.frame(0))),
            ('/raw', make.IMAGE, 5, make.image(5, make.frame(0)))]
    with open_bag(str(bags.write('kinds', rows))) as bag:
        assert np.array_equal(TopicTruth(bag, '/ids').labels(0, 5), make.labels(0))
        with pytest.raises(DatasetError, match='/colours are in colour'):
            TopicTruth(bag, '/colours').labels(0, 5)
        with pytest.raises(DatasetError, match='/raw are bgr8, expected mono8 or 8UC1'):
            TopicTruth(bag, '/raw').labels(0, 5)


def test_a_folder_by_stamp(tmp_path, make):
    """The file's name is the stamp in nanoseconds; frames without a file have no truth."""
    write(tmp_path / '200.png', make.labels(1))
    write(tmp_path / '300.png', make.labels(2))
    truth = FolderTruth(str(tmp_path), [100, 200, 300])
    assert truth.labels(0, 100) is None
    assert np.array_equal(truth.labels(1, 200), make.labels(1))


def test_a_folder_by_order(tmp_path, make):
    """Names that are no stamps are taken in order, with numbers in their natural order."""
    write(tmp_path / 'frame_10.png', make.labels(1))
    write(tmp_path / 'frame_9.png', make.labels(0))
    truth = FolderTruth(str(tmp_path), [100, 200])
    assert np.array_equal(truth.labels(0, 100), make.labels(0))
    assert np.array_equal(truth.labels(1, 200), make.labels(1))
    with pytest.raises(DatasetError, match='holds 2 label images for 3 frames'):
        FolderTruth(str(tmp_path), [100, 200, 300])


def test_a_palette_is_read_as_ids(tmp_path):
    """As PASCAL VOC stores its label images."""
    labels = np.array([[0, 1], [2, 255]], np.uint8)
    write(tmp_path / 'a.png', labels, palette=list(range(256)) * 3)
    assert np.array_equal(read_label_image(tmp_path / 'a.png'), labels)


@pytest.mark.parametrize('content, sentence', [
    (np.zeros((2, 2, 3), np.uint8), 'has mode RGB, expected one 8-bit channel'),
    (np.zeros((2, 2), np.uint16), 'has mode I;16, expected one 8-bit channel'),
    (b'no picture', 'cannot read the label image')])
def test_what_is_no_label_image_is_refused(tmp_path, content, sentence):
    """With what was expected."""
    path = tmp_path / 'a.png'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        Image.fromarray(content).save(path)
    with pytest.raises(DatasetError, match=sentence):
        read_label_image(path)


def test_a_wrong_place_is_refused(bags, tmp_path):
    """A missing topic lists the topics, a missing or empty folder says so."""
    (tmp_path / 'empty').mkdir()
    with open_bag(str(bags.drive())) as bag:
        topic = bag.choose_topic()
        with pytest.raises(BagError, match="no topic '/camera/lables'; its topics are: /camera/"):
            truth_of(bag, topic, '/camera/lables')
        with pytest.raises(DatasetError, match='no folder of label images at nowhere'):
            truth_of(bag, topic, 'nowhere')
        with pytest.raises(DatasetError, match='holds no label images'):
            truth_of(bag, topic, str(tmp_path / 'empty'))
