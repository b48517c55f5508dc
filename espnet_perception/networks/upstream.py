# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Released checkpoints of the papers' authors, recognised by their keys and shapes.

``releases.py`` holds the facts; a known sha256 adds what a file was trained on and how well.
"""

import os
import re
from typing import Any, Dict, Optional, Tuple

from espnet_perception import label_sets
from espnet_perception.errors import ModelError
from espnet_perception.model_card import file_sha256, ModelCard
from espnet_perception.networks import create_network
from espnet_perception.networks.espnet import DECODER_VARIANTS
from espnet_perception.networks.espnetv2 import WIDTHS
from espnet_perception.networks.safe_load import load_state_dict
from espnet_perception.releases import (
    DATASETS,
    FAMILIES,
    Family,
    PREPROCESSING_BY_DATASET,
    Release,
    release_of,
    Renames,
    UNKNOWN_DATASET,
)
from torch import nn, Tensor

Tensors = Dict[str, Tensor]

LABEL_SETS_BY_DATASET = {
    'camvid': label_sets.CAMVID_UNLABELLED,
    'cityscapes': label_sets.CITYSCAPES_BACKGROUND,
    'coco': label_sets.COCO,
    'imagenet': label_sets.IMAGENET,
    'pascal_voc': label_sets.PASCAL_VOC,
}


def load_upstream(path: str) -> Tuple[nn.Module, ModelCard]:
    """
    Load a released checkpoint of ESPNet or ESPNetv2.

    :param path: the .pth file as released, or one of the same keys with any class count.
    :return: the network in evaluation mode and the card with the facts of its weights.
    :raises ModelError: no file, damaged, holding code, or not such a checkpoint.
    """
    path = str(path)
    released = load_state_dict(path)
    name = recognise(released, path)
    family = FAMILIES[name]
    tensors = {rename(key, family.renames): value for key, value in released.items()}
    arguments = ARGUMENT_READERS[name](tensors, path)
    network = create_network(name, **arguments)
    load_exactly(network, tensors, path)
    return network.eval(), _card(path, name, arguments)


def recognise(released: Tensors, path: str) -> str:
    """
    Return which network a file is for.

    :param released: tensors by their released names.
    :param path: the file, for the message.
    :return: a key of FAMILIES.
    :raises ModelError: no network has such tensors.
    """
    for name, family in FAMILIES.items():
        if all(marker in released for marker in family.markers):
            return name
    raise ModelError('{} is not a released checkpoint of ESPNet or ESPNetv2 (its first tensor is '
                     '{}); give one of those files or a model directory'.format(
                         path, next(iter(released))))


def rename(name: str, renames: Renames) -> str:
    """
    Return our name of a released tensor.

    :param name: name in the released file.
    :param renames: patterns and replacements of its family.
    """
    for pattern, replacement in renames:
        name = re.sub(pattern, replacement, name)
    return name


def load_exactly(network: nn.Module, tensors: Tensors, path: str) -> None:
    """
    Load tensors that must match the network name by name and shape by shape.

    :param network: changed in place.
    :param tensors: our names to tensors; counters of seen batches may be absent.
    :param path: the file, for the message.
    :raises ModelError: the first difference, and how many there are.
    """
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    differences = sorted(name for name in set(expected) | set(found)
                         if expected.get(name) != found.get(name)
                         and not name.endswith('num_batches_tracked'))
    if differences:
        first = differences[0]
        raise ModelError('{} does not fit {}: {} is {}, expected {} ({} differences); give a file '
                         'of this network'.format(
                             path, type(network).__name__, first, found.get(first, 'absent'),
                             expected.get(first, 'no such tensor'), len(differences)))
    network.load_state_dict(tensors, strict=False)


def _width(tensors: Tensors, path: str) -> float:
    channels = [_rows(tensors, 'encoder.{}.act.weight'.format(level), path)
                for level in ('level1', 'level2_down')]
    for width, widths in WIDTHS.items():
        if [widths.level1, widths.level2] == channels:
            return width
    raise ModelError('{} has {} and {} channels at levels 1 and 2, which is no width of ESPNetv2'
                     .format(path, *channels))


def _rows(tensors: Tensors, name: str, path: str, axis: int = 0) -> int:
    tensor = tensors.get(name)
    if tensor is None or tensor.ndim <= axis:
        raise ModelError('{} lacks the tensor {}, or it is a scalar; the file is damaged or not '
                         'as released'.format(path, name))
    return int(tensor.shape[axis])


def _espnetv2_arguments(last: str) -> Any:
    """Return a reader of width and classes; ``last`` is the tensor with one row per class."""
    def read(tensors: Tensors, path: str) -> Dict[str, Any]:
        return {'width': _width(tensors, path), 'classes': _rows(tensors, last, path)}
    return read


def _repeats(tensors: Tensors, prefix: str) -> Dict[str, int]:
    def units(level: int) -> int:
        pattern = r'^{}level{}\.(\d+)\.reduce\.weight$'.format(re.escape(prefix), level)
        return sum(1 for name in tensors if re.match(pattern, name))
    return {'p': units(2), 'q': units(3)}


def _espnet_c_arguments(tensors: Tensors, path: str) -> Dict[str, Any]:
    return dict(_repeats(tensors, ''), classes=_rows(tensors, 'classifier.weight', path))


def _espnet_arguments(tensors: Tensors, path: str) -> Dict[str, Any]:
    classes = _rows(tensors, 'project2.weight', path)
    skipped = _rows(tensors, 'merge1.conv.weight', path, axis=1) - classes
    for variant, channels in DECODER_VARIANTS.items():
        if channels == skipped:
            return dict(_repeats(tensors, 'encoder.'), classes=classes, variant=variant)
    raise ModelError('{} joins {} channels of level 1, which no variant of ESPNet does (expected '
                     '{})'.format(path, skipped, ' or '.join(
                         str(channels) for channels in DECODER_VARIANTS.values())))


ARGUMENT_READERS = {
    'espnetv2': _espnetv2_arguments('classifier.weight'),
    'espnetv2_seg': _espnetv2_arguments('pyramid4.expand.bias'),
    'espnetv2_seg_paper': _espnetv2_arguments('decoder.classify1.weight'),
    'espnet_c': _espnet_c_arguments,
    'espnet': _espnet_arguments,
}


def class_count(name: str, tensors: Tensors) -> Optional[int]:
    """
    Return for how many classes weights are; None where that cannot be told.

    :param name: a name of NETWORKS.
    :param tensors: tensors by our names.
    """
    try:
        return ARGUMENT_READERS[name](tensors, '')['classes']
    except (KeyError, ModelError):
        return None


def _card(path: str, name: str, arguments: Dict[str, Any]) -> ModelCard:
    family, classes, sha256 = FAMILIES[name], arguments['classes'], file_sha256(path)
    release = release_of(path, sha256)
    dataset, width, height = (release.dataset, release.width, release.height) if release else \
        DATASETS.get((name, classes), UNKNOWN_DATASET[family.task])
    label_set = LABEL_SETS_BY_DATASET.get(dataset)
    preprocessing = PREPROCESSING_BY_DATASET.get(dataset, family.preprocessing)
    return ModelCard(
        name=os.path.splitext(os.path.basename(path))[0], task=family.task, network=name,
        arguments=arguments,
        classes=(label_set.classes if label_set
                 else tuple('class {}'.format(index) for index in range(classes))),
        palette=label_set.palette if label_set else label_sets.voc_palette(classes),
        input_width=width, input_height=height, weights=os.path.basename(path), sha256=sha256,
        metrics=_metrics(release), dataset=dataset,
        licence=family.licence if release else '', origin=_origin(family, release),
        **preprocessing._asdict())


def _metrics(release: Optional[Release]) -> Tuple[Dict[str, Any], ...]:
    if release is None:
        return ()
    return tuple({'name': name, 'value': value, 'dataset': release.dataset,
                  'split': release.split, 'source': 'reported by the authors'}
                 for name, value in release.reported)


def _origin(family: Family, release: Optional[Release]) -> str:
    if release is None:
        return 'none of the released files; its tensors are named as in github.com/{}'.format(
            family.repository)
    return 'github.com/{}, commit {}, {}/{}'.format(family.repository, family.commit[:7],
                                                    family.folder, release.file_name)
