# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Make a model directory of ours from a weight file under the authors' tensor names."""

import os
from typing import List, NamedTuple, Optional, Tuple

from espnet_perception import model_card
from espnet_perception.errors import ModelError
from espnet_perception.label_sets import LABEL_SETS, LabelSet
from espnet_perception.model_card import ModelCard
from espnet_perception.weights.catalogue import name_of_content
from espnet_perception.weights.model_directory import (
    check_free,
    check_name,
    new_directory,
    PAGE_FILE,
    WEIGHTS_FILE,
)


class ImportOptions(NamedTuple):
    """
    What the file itself does not tell.

    :param name: name of the model; empty for that of the release or of the file.
    :param label_set: names and colours of its classes; None for those of its data set.
    :param size: (width, height) of its input in pixels; None for that of its data set.
    :param multi_label: of a classifier: an image may have several classes.
    :param force: replace a model of this name.
    """

    name: str = ''
    label_set: Optional[LabelSet] = None
    size: Optional[Tuple[int, int]] = None
    multi_label: bool = False
    force: bool = False


def import_weights(path: str, folder: str, options: ImportOptions) -> str:
    """
    Write a model directory: weights under our names, card.yaml and MODEL_CARD.md.

    :param path: weight file as released, or one under the same tensor names.
    :param folder: folder of models; made where it does not exist.
    :param options: what the file does not tell.
    :return: path of the new directory, which appears whole or not at all.
    :raises ModelError: the file is not usable, or its classes are not those of the label set.
    :raises OutputError: a model of that name is there already, or it cannot be written.
    :raises SettingsError: the name cannot be that of a directory.
    """
    from espnet_perception.networks.upstream import load_upstream
    name = check_name(options.name or name_of_content(path)
                      or os.path.splitext(os.path.basename(path))[0])
    directory = os.path.join(folder, name)
    check_free(directory, options.force)
    network, card = load_upstream(path)
    card = _complete(card, path, name, options)
    with new_directory(directory, options.force) as part:
        _write(network.state_dict(), card, part)
    return directory


def _complete(card: ModelCard, path: str, name: str, options: ImportOptions) -> ModelCard:
    """Return the card of the future directory, checked; its sha256 is still that of the file."""
    if options.label_set is not None:
        card = card._replace(classes=_fitting(options.label_set, card, path).classes,
                             palette=options.label_set.palette)
    if options.size is not None:
        card = card._replace(input_width=options.size[0], input_height=options.size[1])
    if options.multi_label and card.task != 'classification':
        raise ModelError('{} is for {}; only a classifier can be multi-label'.format(
            path, card.task))
    origin = '{}; imported from a file of sha256 {}'.format(card.origin, card.sha256)
    card = card._replace(name=name, weights=WEIGHTS_FILE, origin=origin,
                         multi_label=options.multi_label)
    return model_card.from_dict(model_card.to_dict(card))


def _fitting(label_set: LabelSet, card: ModelCard, path: str) -> LabelSet:
    count = len(card.classes)
    if len(label_set.classes) == count:
        return label_set
    fitting = [name for name, one in LABEL_SETS.items() if len(one.classes) == count]
    raise ModelError("{} has {} classes, label set '{}' has {}; give {}a file of {} names".format(
        path, count, label_set.name, len(label_set.classes),
        ''.join(name + ' or ' for name in fitting), count))


def _write(tensors: dict, card: ModelCard, directory: str) -> None:
    from espnet_perception.networks.safe_load import save_state_dict
    weights_path = os.path.join(directory, WEIGHTS_FILE)
    save_state_dict(tensors, weights_path)
    card = card._replace(sha256=model_card.file_sha256(weights_path))
    model_card.save(card, directory)
    with open(os.path.join(directory, PAGE_FILE), 'w', encoding='utf-8') as stream:
        stream.write('\n'.join(_page(card)) + '\n')


def _page(card: ModelCard) -> List[str]:
    arguments = ', '.join('{}={}'.format(key, value) for key, value in card.arguments.items())
    rows = [('task', card.task + (', multi-label' if card.multi_label else '')),
            ('network', '{} ({})'.format(card.network, arguments)),
            ('input', '{}x{}, {}, {}'.format(card.input_width, card.input_height,
                                             card.channel_order, card.resize)),
            ('trained on', card.dataset), ('licence', card.licence or 'not known'),
            ('origin', card.origin), ('sha256 of ' + card.weights, '`{}`'.format(card.sha256))]
    rows += [('{name} on {dataset} {split}'.format(**row).strip(),
              '{value} ({source})'.format(**row)) for row in card.metrics]
    return (['# ' + card.name, '',
             'Imported by `espnet-perception weights import`; nothing was measured here.', '',
             '| | |', '|---|---|'] + ['| {} | {} |'.format(*row) for row in rows]
            + ['', '## Classes', '', '| id | name | colour |', '|---|---|---|']
            + ['| {} | {} | {}, {}, {} |'.format(index, name, *colour) for index, (name, colour)
               in enumerate(zip(card.classes, card.palette))])
