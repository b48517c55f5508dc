# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A command model's directory: its card, its graph, its weights and its background model."""

import os
from typing import Any, Dict, NamedTuple, Tuple

from espnet_perception.commands.vocabulary import Columns, SPECIAL
from espnet_perception.errors import AbsentModelError, ModelError, unknown_key_sentence
from espnet_perception.model_card import file_sha256
from espnet_perception.pipeline.models import model_folders
from espnet_perception.whole_files import whole_file
import yaml

CARD_FILE = 'command_card.yaml'
GRAPH_FILE, WEIGHTS_FILE, BACKGROUND_FILE = 'sequence.onnx', 'weights.pth', 'background.json'
FILES = (GRAPH_FILE, WEIGHTS_FILE, BACKGROUND_FILE)


class Gates(NamedTuple):
    """
    What a reading must pass; fixed on held-out commands so that 95 % of them pass all.

    :param out_of_domain: highest score, nat per word.
    :param confidence: lowest probability of the intent and of every slot.
    :param margin: lowest distance of the two likeliest intents, of probability.
    :param unknown_share: highest share of unknown words among those outside slots.
    """

    out_of_domain: float
    confidence: float
    margin: float
    unknown_share: float


class CommandCard(NamedTuple):
    """
    Facts of a command model.

    :param name: name of the model (the directory's name).
    :param words: its vocabulary.
    :param labels: of words, by column.
    :param intents: by column.
    :param arguments: further arguments of networks.command_model.CommandDesign.
    :param gates: see Gates.
    :param sha256: of each of FILES.
    :param metrics: rows of measured figures.
    :param dataset: what it was trained on.
    :param licence: of the weights and of what they were trained on.
    """

    name: str
    words: Tuple[str, ...]
    labels: Tuple[str, ...]
    intents: Tuple[str, ...]
    arguments: Dict[str, Any]
    gates: Gates
    sha256: Dict[str, str]
    metrics: Tuple[Dict[str, Any], ...] = ()
    dataset: str = ''
    licence: str = ''

    @property
    def columns(self) -> Columns:
        """Return where the scores stand."""
        return Columns(len(self.words), len(self.labels), len(self.intents))


def find(model: str) -> str:
    """
    Return the directory of a command model.

    :param model: path of a directory, or a name in the folders of models.
    :raises AbsentModelError: nothing there.
    """
    model = os.path.expanduser(model)
    places = [model] + [os.path.join(folder, model) for folder in model_folders()]
    for place in places:
        if model and os.path.isfile(os.path.join(place, CARD_FILE)):
            return place
    raise AbsentModelError("no command model at '{}'; give a directory with {}, or train one with "
                           '`espnet-perception train command`'.format(model, CARD_FILE))


def load(directory: str) -> CommandCard:
    """
    Read the card of a directory, and check its files against it.

    :param directory: of the model.
    :raises ModelError: a file is missing or damaged, or the card is wrong.
    """
    path = os.path.join(directory, CARD_FILE)
    try:
        with open(path, encoding='utf-8') as stream:
            values = yaml.safe_load(stream)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ModelError('cannot read {}: {}'.format(path, ' '.join(str(error).split())))
    card = _from_dict(values, path)
    for name in FILES:
        found = file_sha256(os.path.join(directory, name))
        if found != card.sha256.get(name):
            raise ModelError('{} has sha256 {}..., its card says {}...: restore it, or train the '
                             'model again'.format(os.path.join(directory, name), found[:12],
                                                  str(card.sha256.get(name))[:12]))
    return card


def save(card: CommandCard, directory: str) -> None:
    """
    Write the card of a directory.

    :param card: the card.
    :param directory: of the model.
    """
    values = dict(card._asdict(), gates=dict(card.gates._asdict()))
    for name in ('words', 'labels', 'intents', 'metrics'):
        values[name] = list(values[name])
    with whole_file(os.path.join(directory, CARD_FILE)) as part:
        with open(part, 'w', encoding='utf-8') as stream:
            yaml.safe_dump(dict(values), stream, default_flow_style=None, sort_keys=False,
                           width=99, allow_unicode=True)


def _from_dict(values: Any, path: str) -> CommandCard:
    if not isinstance(values, dict):
        raise ModelError('{} holds {}, expected a mapping of fields'.format(
            path, type(values).__name__))
    for key in values:
        if key not in CommandCard._fields:
            raise ModelError('{}: {}'.format(path, unknown_key_sentence(
                'field of a command card', key, CommandCard._fields)))
    missing = [name for name in CommandCard._fields
               if name not in values and name not in CommandCard._field_defaults]
    if missing:
        raise ModelError('{} lacks {}; train the model again'.format(path, ', '.join(missing)))
    try:
        values['gates'] = Gates(**{key: float(value) for key, value in values['gates'].items()})
        for name in ('words', 'labels', 'intents', 'metrics'):
            values[name] = tuple(values.get(name, ()))
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError('{} has a wrong field ({}); train the model again'.format(path, error))
    if values['words'][:len(SPECIAL)] != SPECIAL:
        raise ModelError('{}: the words do not begin with {}; train the model again'.format(
            path, ', '.join(SPECIAL)))
    return CommandCard(**values)
