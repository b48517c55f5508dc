# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Mappings between the classes of models and of ground truths."""

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.mappings import mapping_for, ModelClasses
from espnet_perception.label_sets import CAMVID, CITYSCAPES, CITYSCAPES_BACKGROUND
import numpy as np
import pytest


def model_of(label_set):
    """Return what the labels of a model of these classes mean."""
    return ModelClasses('net', label_set.classes, label_set.palette)


def mapped(mapping, name):
    """Return the evaluation class that a Cityscapes class becomes, or None."""
    class_id = CITYSCAPES_BACKGROUND.classes.index(name)
    result = int(mapping.map_prediction(np.array([[class_id]], np.uint8))[0, 0])
    return None if result == 255 else mapping.label_set.classes[result]


@pytest.mark.parametrize('source, target', [
    ('road', 'road'), ('sidewalk', 'pavement'), ('wall', 'building'), ('fence', 'fence'),
    ('traffic light', 'sign'), ('terrain', 'tree'), ('person', 'pedestrian'),
    ('rider', 'bicyclist'), ('motorcycle', 'bicyclist'), ('truck', 'car'), ('train', 'car'),
    ('background', None)])
def test_cityscapes_onto_camvid(source, target):
    """The grouping of CamVid's own 32 classes decides."""
    assert mapped(mapping_for(model_of(CITYSCAPES_BACKGROUND), 'camvid'), source) == target


def test_camvid_calls_its_void_11():
    """11 and 255 are void, 12 is a mistake."""
    mapping = mapping_for(model_of(CITYSCAPES), 'camvid')
    truth = mapping.map_truth(np.array([[0, 10, 11, 255]], np.uint8))
    assert truth.tolist() == [[0, 10, 255, 255]]
    with pytest.raises(DatasetError, match=r'holds the ids \[12\].*0 to 10.*--void'):
        mapping.map_truth(np.array([[12]], np.uint8))


def test_the_released_networks_are_judged_in_19_classes():
    """Their 20th class was never trained; predicting it is wrong."""
    mapping = mapping_for(model_of(CITYSCAPES_BACKGROUND))
    assert mapping.label_set == CITYSCAPES
    assert mapping.unmapped == ('background',)
    assert mapping.map_prediction(np.array([[0, 18, 19, 255]], np.uint8)).tolist() == [
        [0, 18, 255, 255]]


def test_a_void_id_of_the_user_counts():
    """As in label images that call it 30."""
    mapping = mapping_for(model_of(CITYSCAPES), void_id=30)
    assert mapping.map_truth(np.array([[30]], np.uint8)).tolist() == [[255]]


def test_classes_of_the_same_name_find_each_other():
    """No table is needed where names agree."""
    model = ModelClasses('own', ('pole', 'lawn', 'car'), ((0, 0, 0),) * 3)
    mapping = mapping_for(model, 'camvid')
    assert mapping.unmapped == ('lawn',)
    assert mapping.map_prediction(np.array([[0, 2]], np.uint8)).tolist() == [
        [CAMVID.classes.index('pole'), CAMVID.classes.index('car')]]


@pytest.mark.parametrize('label_set', [CITYSCAPES, CITYSCAPES_BACKGROUND])
def test_categories_of_cityscapes(label_set):
    """A bus is a vehicle, a rider human; the untrained 20th class is none."""
    mapping = mapping_for(model_of(label_set), 'cityscapes_categories')
    ids = [[CITYSCAPES.classes.index(name) for name in ('road', 'rider', 'bus')]]
    assert mapping.map_prediction(np.array(ids, np.uint8)).tolist() == [[0, 5, 6]]
    assert mapping.unmapped == label_set.classes[19:]


def test_nothing_in_common_is_refused():
    """Rather than measured as 0."""
    with pytest.raises(DatasetError, match='no class of the model'):
        mapping_for(ModelClasses('own', ('a', 'b'), ((0, 0, 0),) * 2), 'camvid')


def test_an_unknown_label_set_names_the_nearest():
    """As everywhere."""
    with pytest.raises(DatasetError, match="did you mean 'camvid'"):
        mapping_for(model_of(CITYSCAPES), 'camvit')


FILE = """
classes: [drivable, not drivable]
palette: [[0, 200, 0], [200, 0, 0]]
void_id: 7
map: {road: drivable, sidewalk: not drivable, car: not drivable}
"""


def test_a_mapping_file(tmp_path):
    """Classes, colours, void id and map of the user's own."""
    path = tmp_path / 'drivable.yaml'
    path.write_text(FILE)
    mapping = mapping_for(model_of(CITYSCAPES), str(path))
    assert mapping.label_set.classes == ('drivable', 'not drivable')
    assert mapping.label_set.palette[1] == (200, 0, 0)
    assert mapping.map_prediction(np.array([[0, 1, 10]], np.uint8)).tolist() == [[0, 1, 255]]
    assert mapping.map_truth(np.array([[7]], np.uint8)).tolist() == [[255]]


def test_a_mapping_file_without_colours(tmp_path):
    """A class that Cityscapes has too looks as it does there, whatever other sets call so."""
    path = tmp_path / 'own.yaml'
    path.write_text('classes: [car, puddle]\nmap: {car: car, truck: car}')
    palette = mapping_for(model_of(CITYSCAPES), str(path)).label_set.palette
    assert palette[0] == CITYSCAPES.palette[CITYSCAPES.classes.index('car')]
    assert palette[1] == (230, 230, 230)


@pytest.mark.parametrize('change, sentence', [
    (('map:', 'mapp:'), "unknown key 'mapp'; did you mean 'map'"),
    (('road:', 'rode:'), "unknown class of the model 'rode'; did you mean 'road'"),
    (('car: not drivable', 'car: drivible'),
     "unknown class of the ground truth 'drivible'; did you mean 'drivable'"),
    (('[[0, 200, 0], [200, 0, 0]]', '[[0, 200, 0]]'), "'palette' needs one"),
    (('classes: [drivable, not drivable]', 'classes: 3'), "needs 'classes'"),
    ((FILE, '[1, 2]'), 'holds list, expected a mapping'),
    ((FILE, '{'), 'is not valid YAML')])
def test_a_wrong_mapping_file_is_refused_by_name(tmp_path, change, sentence):
    """With the file, the wrong word and the nearest right one."""
    path = tmp_path / 'drivable.yaml'
    path.write_text(FILE.replace(*change))
    with pytest.raises(DatasetError, match=sentence) as caught:
        mapping_for(model_of(CITYSCAPES), str(path))
    assert 'drivable.yaml' in str(caught.value)


def test_a_missing_mapping_file_is_refused():
    """With the reason of the operating system."""
    with pytest.raises(DatasetError, match='cannot read.*No such file'):
        mapping_for(model_of(CITYSCAPES), 'nowhere.yaml')
