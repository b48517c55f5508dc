# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Start a command model from another one whose words, labels or intents are not all the same."""

from typing import Dict, List, Sequence

from espnet_perception.commands.vocabulary import Columns
from espnet_perception.errors import SettingsError
from espnet_perception.networks.command_model import ERUCommandModel
from espnet_perception.pipeline.command_card import find, load
from espnet_perception.pipeline.commander import network_of
from espnet_perception.training.initialisation import with_rows

OF_WORDS = ('embedding.weight', 'softmax_bias')
OF_HEADS = ('heads.weight', 'heads.bias')


def start_from(network: ERUCommandModel, source: str, names: Sequence[Sequence[str]]) -> str:
    """
    Copy the units of another model, and its words, labels and intents by name.

    What the other model does not know keeps its fresh values.

    :param network: changed in place.
    :param source: directory or name of a command model.
    :param names: words, labels and intents of the network, by column.
    :return: a sentence that says what was taken over.
    :raises ModelError: there is no such model, or it is damaged.
    :raises SettingsError: its units have other sizes.
    """
    directory = find(source)
    card = load(directory)
    theirs, own = network_of(directory, card).state_dict(), network.state_dict()
    for name, value in theirs.items():
        if name not in OF_WORDS + OF_HEADS and (
                name not in own or own[name].shape != value.shape):
            raise SettingsError('init_from: {} has the sizes {}, the run has others; set these '
                                'in the run as well'.format(source, card.arguments))
    rows = [_rows(before, now) for before, now
            in zip((card.words, card.labels, card.intents), names)]
    begun = dict(theirs)
    for name in OF_WORDS:
        begun[name] = with_rows(own[name], theirs[name], rows[0])
    columns = Columns(*map(len, names))
    heads = {_head(columns, part)[half] + row: _head(card.columns, part)[half] + before
             for part in (1, 2) for half in (0, 1) for row, before in rows[part].items()}
    for name in OF_HEADS:
        begun[name] = with_rows(own[name], theirs[name], heads)
    network.load_state_dict(begun)
    return 'started from {}: {} taken over by name'.format(source, ', '.join(
        '{} of {} {}'.format(len(found), len(wanted), kind)
        for found, wanted, kind in zip(rows, names, ('words', 'labels', 'intents'))))


def _rows(before: Sequence[str], now: Sequence[str]) -> Dict[int, int]:
    """Return where names stand that are in both: place now to place before."""
    places = {name: place for place, name in enumerate(before)}
    return {place: places[name] for place, name in enumerate(now) if name in places}


def _head(columns: Columns, part: int) -> List[int]:
    """Return where the two halves of a head begin: part 1 is that of labels, 2 of intents."""
    begin = 0 if part == 1 else 2 * columns.labels
    return [begin, begin + columns[part]]
