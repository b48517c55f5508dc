# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Label sets from a file of the user."""

import json

from espnet_perception import model_card
from espnet_perception.errors import DatasetError
from espnet_perception.label_sets import CAMVID, CITYSCAPES, load_label_set, PASCAL_VOC
import pytest

ROAD, SKY = (128, 64, 128), (70, 130, 180)
WITH_VOID = json.dumps({'classes': [
    {'index': 0, 'name': 'road', 'colour': ROAD}, {'index': 1, 'name': 'sky', 'colour': SKY},
    {'index': 2, 'name': 'void', 'colour': (0, 0, 0), 'ignore': True}]})


def written(tmp_path, name, text):
    """Write a file and return its path."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode('utf-8'))
    return str(path)


def test_by_name():
    """A published set."""
    assert load_label_set('cityscapes') is CITYSCAPES


@pytest.mark.parametrize('name, text', [
    ('own.yaml', '[road, sky]'),
    ('own.yaml', 'classes:\n- road\n- name: sky\n'),
    ('own.yml', 'road:\nsky:\n'),
    ('own.json', '["road", "sky"]'),
    ('own.txt', '\ufeffroad\r\n\r\n# far away\r\n  sky\r\n'),
    ('own.names', 'road\nsky'),
])
def test_names_alone(tmp_path, name, text):
    """The colours are the first of PASCAL VOC."""
    label_set = load_label_set(written(tmp_path, name, text))
    assert label_set == ('own', ('road', 'sky'), PASCAL_VOC.palette[1:3])


@pytest.mark.parametrize('name, text', [
    ('own.yaml', '- {name: road, color: [128, 64, 128]}\n- {name: sky, colour: [70, 130, 180]}'),
    ('own.yaml', 'road: [128, 64, 128]\nsky: [70, 130, 180]'),
    ('own.yaml', 'classes: [road, sky]\npalette: [[128, 64, 128], [70, 130, 180]]'),
    ('own.txt', 'road 128 64 128\nsky, 70, 130, 180'),
    ('own.json', WITH_VOID),
])
def test_with_colours(tmp_path, name, text):
    """Every form gives the same set."""
    label_set = load_label_set(written(tmp_path, name, text))
    assert label_set == ('own', ('road', 'sky'), (ROAD, SKY))


def test_missing_colours_differ_from_the_given(tmp_path):
    """The first spare colour is taken by a class, so the next is given."""
    taken = PASCAL_VOC.palette[1]
    path = written(tmp_path, 'own.txt', 'a\nb {} {} {}\nc 1\n'.format(*taken))
    assert load_label_set(path) == ('own', ('a', 'b', 'c 1'),
                                    (PASCAL_VOC.palette[2], taken, PASCAL_VOC.palette[3]))


def test_classes_of_a_model_card(tiny_model_dir):
    """A card holds classes and palette too."""
    card = model_card.load(str(tiny_model_dir))
    label_set = load_label_set(str(tiny_model_dir / model_card.CARD_FILE))
    assert (label_set.classes, label_set.palette) == (card.classes, card.palette)


def test_classes_of_a_data_set(shared_dir):
    """The description of CamVid gives the set that is built in, up to the names' spelling."""
    path = shared_dir / 'data/camvid/classes.json'
    label_set = load_label_set(str(path))
    assert label_set.palette == CAMVID.palette
    named = [row['name'] for row in json.loads(path.read_text(encoding='utf-8'))['classes']]
    assert list(label_set.classes) == named[:11]


@pytest.mark.parametrize('name, text, sentence', [
    ('a.yaml', '[road, sky, road]', "a.yaml: the classes 0 and 2 are both called 'road'; give"),
    ('a.yaml', '[]', 'a.yaml: holds no class; list one name'),
    ('a.txt', '\n# nothing\n', 'a.txt: holds no class'),
    ('a.json', '[', 'a.json: is not valid JSON: .*line 1'),
    ('a.yaml', 'a: [', 'a.yaml: is not valid YAML'),
    ('a.yaml', '17', 'a.yaml: holds int, expected a list of classes or a mapping'),
    ('a.yaml', '', 'a.yaml: holds NoneType, expected'),
    ('a.yaml', 'classes: road', 'a.yaml: holds str, expected a list'),
    ('a.yaml', '[no, yes]', 'class 0 has the name False, expected text; put it into quotes'),
    ('a.yaml', "['']", "class 0 has the name '', expected text"),
    ('a.yaml', '- {color: [1, 2, 3]}', 'class 0 has the name None'),
    ('a.yaml', 'road: [0, 0, 256]', r"class 'road' has colour \[0, 0, 256\], expected \[red"),
    ('a.yaml', 'road: [0, 0]', 'expected .red, green, blue. of 0 to 255'),
    ('a.yaml', 'road: red', "has colour 'red', expected"),
    ('a.yaml', 'road: [0.5, 0, 0]', 'has colour .0.5, 0, 0., expected'),
    ('a.txt', 'road 1 2 999', 'has colour .1, 2, 999., expected'),
    ('a.yaml', 'classes: [a, b]\npalette: [[1, 2, 3]]', "'palette' must be a list of 2 colours"),
    ('a.json', '[{"name": "b", "index": 1}]', "class 'b' has index 1 but stands at position 0"),
    ('a.txt', b'road\n\xff\xfe', r'a.txt is not UTF-8 text \(byte 5\); save it'),
])
def test_wrong_files(tmp_path, name, text, sentence):
    """One sentence each, with the file."""
    with pytest.raises(DatasetError, match=sentence):
        load_label_set(written(tmp_path, name, text))


def test_missing_files_and_unknown_names(tmp_path):
    """The nearest name, and what else may be given."""
    with pytest.raises(DatasetError, match='cannot read the classes of .*none.yaml: No such'):
        load_label_set(str(tmp_path / 'none.yaml'))
    with pytest.raises(DatasetError, match='cannot read the classes of .*Is a directory'):
        (tmp_path / 'folder.txt').mkdir()
        load_label_set(str(tmp_path / 'folder.txt'))
    with pytest.raises(DatasetError, match="unknown label set 'cityscape'; did you mean "
                                           r"'cityscapes'\?.*or give a file \(.json, .yaml"):
        load_label_set('cityscape')
