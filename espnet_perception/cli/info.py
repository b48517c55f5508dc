# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Show the facts of a model and which engines are present."""

import argparse
from typing import Any, List

from espnet_perception.settings import SegmentationNodeSettings

DESCRIPTION = """\
Show the card of a model, its parameters and multiply-adds, and the engines of this machine."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('model', nargs='?', default=SegmentationNodeSettings().model,
                        help='name in models/, model folder or upstream .pth file (%(default)s)')


def run(chosen: argparse.Namespace) -> int:
    """
    Print the facts.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises ModelError: no such model, or damaged.
    """
    from espnet_perception.pipeline.models import find_model
    model = find_model(chosen.model)
    print('\n'.join(card_lines(model.card) + size_lines(model) + engine_lines()))
    return 0


def card_lines(card: Any) -> List[str]:
    """
    Return what the card says.

    :param card: the ModelCard.
    """
    rows = [('model', card.name), ('task', card.task),
            ('network', '{} ({})'.format(card.network, ', '.join(
                '{}={}'.format(key, value) for key, value in card.arguments.items()))),
            ('input', '{} x {} pixels, {}, resized by {}'.format(
                card.input_width, card.input_height, card.channel_order, card.resize)),
            ('classes', '{}: {}'.format(len(card.classes), ', '.join(card.classes))),
            ('void id', card.void_id), ('weights', card.weights), ('sha256', card.sha256),
            ('data set', card.dataset), ('licence', card.licence), ('origin', card.origin)]
    rows += [('measured', ', '.join('{} {}'.format(key, value) for key, value in row.items()))
             for row in card.metrics]
    return _table([row for row in rows if row[1] != ''])


def size_lines(model: Any) -> List[str]:
    """
    Return parameters and multiply-adds, counted; needs torch.

    :param model: the Model.
    """
    try:
        from espnet_perception.networks.counting import count
    except ImportError:
        return _table([('parameters', 'not counted: torch is not installed')])
    card = model.card
    counts = count(model.network(), (card.input_height, card.input_width))
    return _table([('parameters', '{:,}'.format(counts.parameters)),
                   ('multiply-adds', '{:,} of the convolutions at {} x {}'.format(
                       counts.multiply_adds, card.input_width, card.input_height))])


def engine_lines() -> List[str]:
    """Return which engines are present and which one auto would pick."""
    from espnet_perception.engines import choose_engine, ENGINES, present_engines
    present = present_engines()
    automatic = choose_engine('auto') if present else None
    rows = []
    for name, row in ENGINES.items():
        state = 'present' if name in present else 'absent (pip install {})'.format(
            row.distribution)
        rows.append(('engine ' + name, state + (', auto picks it' if name == automatic else '')))
    return _table(rows)


def _table(rows) -> List[str]:
    return ['{:<18} {}'.format(key, value) for key, value in rows]
