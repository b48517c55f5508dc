# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The facts that travel with weights: ``card.yaml`` beside the weight file of a model."""

import hashlib
import os
from typing import Any, Dict, NamedTuple, Tuple

from espnet_perception.errors import AbsentModelError, ModelError, unknown_key_sentence
from espnet_perception.whole_files import whole_file
import yaml

CARD_FILE = 'card.yaml'
TASKS = ('segmentation', 'classification')
RESIZE_RULES = ('pil_bilinear', 'cv2_linear_float')
CHANNEL_ORDERS = ('rgb', 'bgr')
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class ModelCard(NamedTuple):
    """
    Facts of one set of weights.

    :param name: name of the model (the directory's name).
    :param task: segmentation or classification.
    :param network: a name of ``espnet_perception.networks.NETWORKS``.
    :param arguments: arguments of the network's constructor.
    :param classes: class names; the position is the class id.
    :param palette: one (red, green, blue) colour per class, 0..255.
    :param void_id: id that stands for unlabelled, in masks and in ground truth.
    :param input_width: width in pixels at which the weights were trained.
    :param input_height: height in pixels, likewise.
    :param channel_order: rgb or bgr, the order in which the network takes colours.
    :param mean: mean per channel in that order, in 0..255 units.
    :param std: standard deviation per channel, likewise; the input is (pixel - mean) / std.
    :param resize: pil_bilinear (antialiased, on uint8) or cv2_linear_float.
    :param crop_ratio: 0: the image is stretched to the input size. Else, of a classifier: it is
        resized, keeping its shape, until it just covers the input size divided by this ratio
        (rounded down), and the centre of input size is cut out; 0.875 is the evaluation of
        ImageNet.
    :param weights: file name of the weights inside the model directory.
    :param sha256: of the weight file, lower-case hexadecimal.
    :param metrics: rows of measured figures: name, value, dataset, split, size ...
    :param dataset: what the weights were trained on.
    :param licence: licence of the weights and of the data.
    :param origin: where the weights come from.
    :param multi_label: of a classifier: an image may have several classes (a sigmoid each)
        instead of one (softmax over all).
    """

    name: str
    task: str
    network: str
    arguments: Dict[str, Any]
    classes: Tuple[str, ...]
    palette: Tuple[Tuple[int, int, int], ...]
    input_width: int
    input_height: int
    weights: str
    sha256: str
    void_id: int = 255
    channel_order: str = 'rgb'
    mean: Tuple[float, float, float] = IMAGENET_MEAN
    std: Tuple[float, float, float] = IMAGENET_STD
    resize: str = 'pil_bilinear'
    metrics: Tuple[Dict[str, Any], ...] = ()
    dataset: str = ''
    licence: str = ''
    origin: str = ''
    multi_label: bool = False
    crop_ratio: float = 0.0

    @property
    def input_type(self) -> str:
        """Type of the pixels after resizing: cv2_linear_float does not round to uint8."""
        return 'float32' if self.resize == 'cv2_linear_float' else 'uint8'


def from_dict(values: Dict[str, Any]) -> ModelCard:
    """
    Build a card from a mapping and check it.

    :param values: field name to value, as in card.yaml.
    :return: the card.
    :raises ModelError: unknown or missing field, wrong type or value.
    """
    for key in values:
        if key not in ModelCard._fields:
            raise ModelError(unknown_key_sentence('field of the model card', key,
                                                  ModelCard._fields))
    # _field_defaults: with the types of NamedTuple, from Python 3.6.1
    missing = [name for name in ModelCard._fields
               if name not in values and name not in ModelCard._field_defaults]
    if missing:
        raise ModelError('the model card lacks {}; add it to {}'.format(
            ', '.join(missing), CARD_FILE))
    values = dict(values)
    for name in ('classes', 'metrics', 'mean', 'std'):
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    try:
        values['palette'] = tuple(tuple(int(part) for part in colour)
                                  for colour in values['palette'])
    except (TypeError, ValueError):
        raise ModelError('the model card has palette {!r}, expected a list of [red, green, blue]'
                         .format(values['palette']))
    card = ModelCard(**values)
    _check(card)
    return card


def to_dict(card: ModelCard) -> Dict[str, Any]:
    """Return the card as plain lists, dicts and scalars, fit for YAML or JSON."""
    values = dict(card._asdict())
    for name in ('classes', 'mean', 'std', 'metrics'):
        values[name] = list(values[name])
    values['palette'] = [list(colour) for colour in card.palette]
    values['arguments'] = dict(card.arguments)
    return values


def load(directory: str) -> ModelCard:
    """
    Read ``card.yaml`` of a model directory.

    :param directory: path of the model directory.
    :return: the checked card.
    :raises ModelError: no card, not YAML, or a wrong field.
    """
    path = os.path.join(directory, CARD_FILE)
    try:
        with open(path, encoding='utf-8') as stream:
            values = yaml.safe_load(stream)
    except OSError as error:
        kind = AbsentModelError if isinstance(error, FileNotFoundError) else ModelError
        raise kind('cannot read the model card {}: {}; a model directory holds {} and its '
                   'weights'.format(path, error.strerror, CARD_FILE))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError('{} is not valid YAML: {}'.format(path, ' '.join(str(error).split())))
    if not isinstance(values, dict):
        raise ModelError('{} holds {}, expected a mapping of fields'.format(
            path, type(values).__name__))
    try:
        return from_dict(values)
    except ModelError as error:
        raise ModelError('{}: {}'.format(path, error))


def save(card: ModelCard, directory: str) -> str:
    """
    Write ``card.yaml`` into a model directory.

    :param card: the card.
    :param directory: path of an existing directory.
    :return: path of the written file.
    """
    path = os.path.join(directory, CARD_FILE)
    with whole_file(path) as part, open(part, 'w', encoding='utf-8') as stream:
        yaml.safe_dump(to_dict(card), stream, default_flow_style=None, sort_keys=False, width=99)
    return path


def file_sha256(path: str) -> str:
    """
    Return the sha256 of a file in lower-case hexadecimal.

    :param path: path of the file.
    :raises ModelError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, 'rb') as stream:
            for block in iter(lambda: stream.read(1 << 20), b''):
                digest.update(block)
    except OSError as error:
        kind = AbsentModelError if isinstance(error, FileNotFoundError) else ModelError
        raise kind('cannot read {}: {}'.format(path, error.strerror))
    return digest.hexdigest()


def check_weights(card: ModelCard, directory: str) -> str:
    """
    Check the weight file of a model directory against its card.

    :param card: the card.
    :param directory: path of the model directory.
    :return: path of the weight file.
    :raises ModelError: file missing, or its sha256 differs from the card's.
    """
    path = os.path.join(directory, card.weights)
    found = file_sha256(path)
    if found != card.sha256:
        raise ModelError('{} has sha256 {}..., its card says {}...: the file is damaged or '
                         'belongs to another card; restore it'.format(
                             path, found[:12], card.sha256[:12]))
    return path


def _check(card: ModelCard) -> None:
    _expect('task', card.task, card.task in TASKS, 'one of ' + ', '.join(TASKS))
    _expect('resize', card.resize, card.resize in RESIZE_RULES,
            'one of ' + ', '.join(RESIZE_RULES))
    _expect('channel_order', card.channel_order, card.channel_order in CHANNEL_ORDERS,
            'rgb or bgr')
    _expect('classes', card.classes, isinstance(card.classes, tuple) and 1 <= len(card.classes),
            'a list of class names')
    if card.task == 'segmentation':  # a mask has 8 bits, and 255 is no class
        _expect('classes', '{} names'.format(len(card.classes)), len(card.classes) <= 255,
                'at most 255 for segmentation')
    _expect('palette', card.palette, len(card.palette) == len(card.classes)
            and all(len(colour) == 3 and all(0 <= part <= 255 for part in colour)
                    for colour in card.palette),
            '{} colours of three values 0..255'.format(len(card.classes)))
    _expect('arguments', card.arguments, isinstance(card.arguments, dict), 'a mapping')
    ratio = card.crop_ratio
    _expect('crop_ratio', ratio, type(ratio) in (int, float)
            and (ratio == 0 or 0.25 <= ratio <= 1), '0 (no crop) or 0.25 to 1')
    _expect('crop_ratio', ratio, ratio == 0 or card.task == 'classification',
            '0, for a cropped image cannot have a label for each pixel')
    _expect('multi_label', card.multi_label, isinstance(card.multi_label, bool), 'true or false')
    scores = card.arguments.get('classes', len(card.classes))
    _expect('classes', len(card.classes), scores == len(card.classes),
            '{} names, one for each class of the network'.format(scores))
    for name in ('mean', 'std'):
        value = getattr(card, name)
        _expect(name, value, isinstance(value, tuple) and len(value) == 3, 'three numbers')
    for name in ('input_width', 'input_height'):
        value = getattr(card, name)
        _expect(name, value, isinstance(value, int) and 16 <= value <= 8192,
                'an integer from 16 to 8192')
    _expect('weights', card.weights, card.weights == os.path.basename(str(card.weights)),
            'a file name without folders')


def _expect(name: str, value: Any, correct: bool, expected: str) -> None:
    if not correct:
        raise ModelError('the model card has {} {!r}, expected {}'.format(name, value, expected))
