# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Files that say which classes a frame shows."""

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.class_truth import ClassTruth, read_class_truth
import pytest

CLASSES = ('street', 'forest, dense', '7', 'shop')


@pytest.fixture
def read(tmp_path):
    """Write a file of a name and read it back."""
    def write_and_read(name, text, several=True):
        (tmp_path / name).write_text(text)
        return read_class_truth(str(tmp_path / name), CLASSES, several)
    return write_and_read


def test_rows_of_a_csv(read):
    """Names with commas, ids, several classes, none, a heading, blank lines and spaces."""
    text = 'stamp,classes\n100,street\n\n200.png, "forest, dense", 3\n300,\n400,0\n'
    assert read('a.csv', text) == [('100', [0]), ('200.png', [1, 3]), ('300', []), ('400', [0])]


def test_a_name_that_is_a_number_goes_before_an_id(read):
    """The class called 7 is the third one."""
    assert read('a.csv', '1,7\n2,2\n') == [('1', [2]), ('2', [2])]


def test_entries_of_a_yaml(read):
    """Numbers and names as keys; one class or a list; the same class twice is once."""
    text = '100: street\nb.png: [3, street, shop]\n300: []\n400: 1\n'
    assert read('a.yaml', text) == [('100', [0]), ('b.png', [0, 3]), ('300', []), ('400', [1])]


@pytest.mark.parametrize('name, text, sentence', [
    ('a.csv', '1,stret\n', "names the class 'stret'; did you mean 'street'. the model has 4"),
    ('a.csv', '1,9\n', "names the class '9'; the model has 4 classes"),
    ('a.csv', '1,street,shop\n', "gives frame '1' 2 classes, expected one"),
    ('a.csv', '1,\n', "gives frame '1' 0 classes, expected one"),
    ('a.csv', 'stamp,class\n', 'tells of no frame'),
    ('a.yaml', '- 1\n', 'holds list, expected a mapping of frames'),
    ('a.yaml', 'a: [', 'is not valid YAML'),
    ('a.txt', '1,street\n', 'of a classifier it is a file .*csv or .yaml'),
])
def test_what_cannot_be_used_is_one_sentence(read, name, text, sentence):
    """It names file and entry."""
    with pytest.raises(DatasetError, match=sentence):
        read(name, text, several=False)


def test_a_folder_or_topic_is_no_file_of_classes(tmp_path):
    """As a user of segmentation might give it."""
    for place in (str(tmp_path), '/camera/labels'):
        with pytest.raises(DatasetError, match='of a classifier it is a file'):
            read_class_truth(place, CLASSES, True)


def test_frames_are_matched_by_stamp_or_by_order():
    """Stamps with and without a suffix; what has no row has no truth."""
    truth = ClassTruth([('20', [1]), ('30.png', [2])], [10, 20, 30], 'a.csv')
    assert [truth.ids(index, 10 + 10 * index) for index in range(3)] == [None, [1], [2]]
    truth = ClassTruth([('b.png', [1]), ('a.png', [2])], [10, 20], 'a.csv')
    assert [truth.ids(0, 10), truth.ids(1, 20)] == [[1], [2]]
    with pytest.raises(DatasetError, match='tells of 1 frames and the bag has 2'):
        ClassTruth([('b.png', [1])], [10, 20], 'a.csv')
