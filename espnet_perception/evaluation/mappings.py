# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
From the classes of a model to the classes of a ground truth.

A mapping says for every class of the model which class of the ground truth it stands for. A
class that stands for none counts as wrong wherever the ground truth has a class.
"""

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

import cv2
from espnet_perception.errors import DatasetError, unknown_key_sentence
from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.label_sets import (
    CAMVID,
    CITYSCAPES,
    CITYSCAPES_BACKGROUND,
    CITYSCAPES_CATEGORIES,
    CITYSCAPES_CATEGORY_OF,
    LABEL_SETS,
    LabelSet,
)
import numpy as np
import yaml

# CamVid's 11 classes are groups of its original 32; the Cityscapes classes are put where those
# groups have them. Walls, bridges and tunnels are in CamVid's building; traffic lights in sign;
# grass and bushes (VegetationMisc) in tree, so terrain is too; trucks, buses and trains in car
# (Truck_Bus, Train, OtherMoving); motor scooters and bicycles with their riders in bicyclist.
CITYSCAPES_TO_CAMVID = {
    'road': 'road',
    'sidewalk': 'pavement',
    'building': 'building',
    'wall': 'building',
    'fence': 'fence',
    'pole': 'pole',
    'traffic light': 'sign',
    'traffic sign': 'sign',
    'vegetation': 'tree',
    'terrain': 'tree',
    'sky': 'sky',
    'person': 'pedestrian',
    'rider': 'bicyclist',
    'car': 'car',
    'truck': 'car',
    'bus': 'car',
    'train': 'car',
    'motorcycle': 'bicyclist',
    'bicycle': 'bicyclist',
}

CITYSCAPES_TO_CATEGORIES = {
    name: CITYSCAPES_CATEGORIES.classes[category]
    for name, category in zip(CITYSCAPES.classes, CITYSCAPES_CATEGORY_OF)}

BUILT_IN = {
    ('cityscapes', 'camvid'): CITYSCAPES_TO_CAMVID,
    ('cityscapes20', 'camvid'): CITYSCAPES_TO_CAMVID,
    ('cityscapes', 'cityscapes_categories'): CITYSCAPES_TO_CATEGORIES,
    ('cityscapes20', 'cityscapes_categories'): CITYSCAPES_TO_CATEGORIES,
}

# What label images of these sets call unlabelled, besides 255.
VOID_IDS = {'camvid': 11}

FILE_KEYS = ('classes', 'palette', 'void_id', 'map')


class ModelClasses(NamedTuple):
    """
    What the labels of a model mean.

    :param name: name of the model.
    :param classes: class names; the position is the class id.
    :param palette: one (red, green, blue) colour per class.
    :param void_id: id of unlabelled pixels.
    """

    name: str
    classes: Tuple[str, ...]
    palette: Tuple[Tuple[int, ...], ...]
    void_id: int = 255


class ClassMapping(NamedTuple):
    """
    How predictions and label images become comparable class ids.

    :param label_set: the classes in which the evaluation counts.
    :param prediction_table: (256,) uint8, model's class id to evaluation id; 255 = none.
    :param void_ids: ids of the label images that stand for no ground truth.
    :param unmapped: model classes that stand for no evaluation class.
    """

    label_set: LabelSet
    prediction_table: np.ndarray
    void_ids: Tuple[int, ...]
    unmapped: Tuple[str, ...]

    def map_prediction(self, labels: np.ndarray) -> np.ndarray:
        """Turn (H, W) uint8 class ids of the model into evaluation ids."""
        return self.prediction_table[labels]

    def map_truth(self, labels: np.ndarray) -> np.ndarray:
        """
        Set what is void in (H, W) uint8 ids of a label image to 255.

        :raises DatasetError: an id that is neither a class nor void.
        """
        present = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
        class_count = len(self.label_set.classes)
        foreign = [int(value) for value in present
                   if value >= class_count and value not in self.void_ids]
        if foreign:
            raise DatasetError('the label image holds the ids {}, expected 0 to {} ({}) or void '
                               '{}; choose other --truth-classes or name the void id with --void'
                               .format(foreign, class_count - 1, self.label_set.name,
                                       list(self.void_ids)))
        table = np.full(256, NO_CLASS, dtype=np.uint8)
        table[:class_count] = np.arange(class_count)
        table[list(self.void_ids)] = NO_CLASS
        return table[labels]


def fit_to(labels: np.ndarray, shape: tuple) -> np.ndarray:
    """
    Resize labels to the size of a label image, by the nearest pixel.

    :param labels: (H, W) uint8.
    :param shape: (rows, columns) wanted.
    """
    if labels.shape == shape:
        return labels
    return cv2.resize(labels, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST_EXACT)


def label_set_of(model: ModelClasses) -> LabelSet:
    """
    Return the label set in which a model is evaluated when nothing else is asked for.

    :param model: what its labels mean. The released Cityscapes networks have a 20th class that
        was not trained; they are evaluated in the 19 classes of Cityscapes.
    """
    for label_set in (CITYSCAPES, CITYSCAPES_BACKGROUND, CAMVID):
        if tuple(model.classes) == label_set.classes:
            return CITYSCAPES if label_set is CITYSCAPES_BACKGROUND else label_set
    for label_set in LABEL_SETS.values():
        if tuple(model.classes) == label_set.classes:
            return label_set
    return LabelSet(model.name, tuple(model.classes), tuple(model.palette))


def mapping_for(model: ModelClasses, truth_classes: str = '', void_id: Optional[int] = None
                ) -> ClassMapping:
    """
    Choose the mapping from a model to a ground truth.

    :param model: what its labels mean.
    :param truth_classes: name of a label set, path of a mapping file (.yaml), or empty for the
        model's own classes.
    :param void_id: an id of the label images that means unlabelled; 255 always does.
    :raises DatasetError: unknown label set, unreadable file, or no class in common.
    """
    names, own_void = None, None
    if truth_classes.endswith(('.yaml', '.yml')):
        label_set, names, own_void = _read_file(truth_classes, model)
    elif not truth_classes:
        label_set = label_set_of(model)
    elif truth_classes in LABEL_SETS:
        label_set = LABEL_SETS[truth_classes]
        own_void = VOID_IDS.get(truth_classes)
    else:
        raise DatasetError(unknown_key_sentence('label set', truth_classes, list(LABEL_SETS)))
    if names is None:
        names = _names_between(model, label_set)
    voids = {255, model.void_id if not truth_classes else 255}
    voids.update(value for value in (own_void, void_id) if value is not None)
    return _build(model.classes, label_set, names, tuple(sorted(voids)))


def mapping_to(model: ModelClasses, label_set: LabelSet) -> ClassMapping:
    """
    Return the mapping from a model to masks that hold ids of a label set, and 255.

    :param model: what its labels mean.
    :param label_set: classes of the masks.
    :raises DatasetError: no class in common.
    """
    return _build(model.classes, label_set, _names_between(model, label_set), (NO_CLASS,))


def _names_between(model: ModelClasses, label_set: LabelSet) -> Dict[str, str]:
    for source in LABEL_SETS.values():
        if source.classes == tuple(model.classes) and (source.name, label_set.name) in BUILT_IN:
            return BUILT_IN[(source.name, label_set.name)]
    return {name: name for name in model.classes if name in label_set.classes}


def _build(model_classes: Sequence[str], label_set: LabelSet, names: Dict[str, str],
           void_ids: Tuple[int, ...]) -> ClassMapping:
    table = np.full(256, NO_CLASS, dtype=np.uint8)
    for class_id, name in enumerate(model_classes):
        if name in names:
            table[class_id] = label_set.classes.index(names[name])
    unmapped = tuple(name for name in model_classes if name not in names)
    if len(unmapped) == len(model_classes):
        raise DatasetError('no class of the model ({}) is a class of {} ({}); give a mapping file '
                           'with --truth-classes FILE.yaml'.format(
                               ', '.join(model_classes), label_set.name,
                               ', '.join(label_set.classes)))
    return ClassMapping(label_set, table, void_ids, unmapped)


def _read_file(path: str, model: ModelClasses) -> Tuple[LabelSet, Dict[str, str], Optional[int]]:
    try:
        with open(path, encoding='utf-8') as stream:
            values = yaml.safe_load(stream)
    except OSError as error:
        raise DatasetError('cannot read the class mapping {}: {}'.format(path, error.strerror))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DatasetError('{} is not valid YAML: {}'.format(path, ' '.join(str(error).split())))
    if not isinstance(values, dict):
        raise DatasetError('{} holds {}, expected a mapping with the keys {}'.format(
            path, type(values).__name__, ', '.join(FILE_KEYS)))
    for key in values:
        if key not in FILE_KEYS:
            raise DatasetError('{}: {}'.format(path, unknown_key_sentence('key', key, FILE_KEYS)))
    classes, names = values.get('classes'), values.get('map')
    if not _is_list(classes, str) or not isinstance(names, dict):
        raise DatasetError("{} needs 'classes' (a list of names) and 'map' (model class: class)"
                           .format(path))
    _check_names(path, names, model.classes, classes)
    return _label_set(path, classes, values.get('palette')), names, values.get('void_id')


def _check_names(path: str, names: Dict[str, str], model_classes: Sequence[str],
                 classes: Sequence[str]) -> None:
    for source, target in names.items():
        if source not in model_classes:
            raise DatasetError('{}: {}'.format(path, unknown_key_sentence(
                'class of the model', source, model_classes)))
        if target not in classes:
            raise DatasetError('{}: {}'.format(path, unknown_key_sentence(
                'class of the ground truth', target, classes)))


def _label_set(path: str, classes: Sequence[str], palette: Any) -> LabelSet:
    if palette is None:
        known = {name: colour for label_set in reversed(LABEL_SETS.values())  # streets win
                 for name, colour in zip(label_set.classes, label_set.palette)}
        shades = np.linspace(60, 230, len(classes)).astype(int)
        palette = [known.get(name, (int(shade),) * 3) for name, shade in zip(classes, shades)]
    if (not isinstance(palette, list) or len(palette) != len(classes)
            or not all(len(colour) == 3 for colour in palette)):
        raise DatasetError("{}: 'palette' needs one [red, green, blue] for each of {} classes"
                           .format(path, len(classes)))
    return LabelSet(path, tuple(classes), tuple(tuple(colour) for colour in palette))


def _is_list(values: Any, item_type: type) -> bool:
    return (isinstance(values, list) and bool(values)
            and all(isinstance(value, item_type) for value in values))
