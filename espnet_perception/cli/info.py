# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Show the facts of a model, of a network without weights, or of the papers' tables."""

import argparse
import json
import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from espnet_perception.cli import info_tables
from espnet_perception.cli.sizes import parse_size
from espnet_perception.errors import ModelError, SettingsError
from espnet_perception.model_card import ModelCard, to_dict
from espnet_perception.settings import SegmentationNodeSettings
import yaml

DESCRIPTION = """\
Show the card of a model, its parameters, multiply-adds and receptive field, and the engines of
this machine:

    espnet-perception info espnetv2_s0.5_synthetic --size 1024x512 --stages

A network of the papers needs no weights to be looked at:

    espnet-perception info espnetv2_seg --arguments width=1.5,classes=20"""


class Subject(NamedTuple):
    """
    What is looked at.

    :param name: name of the network.
    :param arguments: its arguments; of a network without weights all of them.
    :param build: makes the network (a torch module).
    :param size: (width, height) in pixels at which it is counted.
    :param card: of a model; None of a network without weights.
    """

    name: str
    arguments: Dict[str, Any]
    build: Any
    size: Tuple[int, int]
    card: Optional[ModelCard] = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('model', nargs='?', default=SegmentationNodeSettings().model,
                        help='model: its name (shipped, fetched or imported), folder, .pth file, '
                             'or the name of a network (%(default)s)')
    parser.add_argument('--arguments', metavar='NAME=VALUE,...',
                        help='of a network that is given by its name')
    parser.add_argument('--size', metavar='WxH',
                        help="pixels at which multiply-adds are counted (the model's own; 224x224 "
                             'for a network, as in the papers)')
    parser.add_argument('--stages', action='store_true',
                        help='a row for each stage: output, parameters, multiply-adds, receptive '
                             'field')
    parser.add_argument('--json', action='store_true', help='for programs instead of for people')
    tables = parser.add_mutually_exclusive_group()
    tables.add_argument('--networks', dest='table', action='store_const', const='networks',
                        help='list the networks and their arguments')
    tables.add_argument('--papers', dest='table', action='store_const', const='papers',
                        help='the sizes that the papers print beside those counted here; exit '
                             'status 1 if one differs')


def run(chosen: argparse.Namespace) -> int:
    """
    Print the facts.

    :param chosen: the parsed arguments.
    :return: exit status: 1 if a figure of the papers is not reached, else 0.
    :raises PerceptionError: no such model or network, a wrong argument, or torch is missing.
    """
    if chosen.table == 'networks':
        return _print(chosen.json, *info_tables.networks())
    if chosen.table == 'papers':
        facts, lines = info_tables.papers()
        _print(chosen.json, facts, lines)
        return 0 if all(row['agrees'] for row in facts['rows']) else 1
    subject = find_subject(chosen.model, chosen.arguments, chosen.size)
    sections = [_identity(subject), *_counted(subject, chosen.stages)]
    if subject.card is not None:
        sections.insert(2, _engines())
    facts = {key: value for section, _ in sections for key, value in section.items()}
    return _print(chosen.json, facts, [line for _, lines in sections for line in lines])


def find_subject(model: str, assignments: Optional[str], size: Optional[str]) -> Subject:
    """
    Find a model, or a network where there is no model of that name.

    :param model: see the help of MODEL.
    :param assignments: 'name=value,...' or None; only a network takes them.
    :param size: 'WxH', or None for the model's own, of a network that of the papers.
    :raises PerceptionError: neither is found, or a wrong argument or size.
    """
    pixels = None if size is None else parse_size(size)
    if assignments is not None and os.path.exists(model):
        raise SettingsError("--arguments are those of a network by name; '{}' is a model, and its "
                            'arguments are on its card'.format(model))
    if assignments is None:
        from espnet_perception.pipeline.models import find_model
        try:
            found = find_model(model)
        except ModelError:
            if not info_tables.is_network(model):
                raise
        else:
            card = found.card
            return Subject(card.network, card.arguments, found.network,
                           pixels or (card.input_width, card.input_height), card)
    return _network(model, parse_arguments(assignments or ''), pixels)


def _network(name: str, arguments: Dict[str, Any], size: Optional[Tuple[int, int]]) -> Subject:
    info_tables.check_torch()
    from espnet_perception.networks import create_network, network_arguments
    from espnet_perception.networks.papers import PAPER_SIZE
    everything = {key: parameter.default for key, parameter in network_arguments(name).items()}
    everything.update(arguments)

    def build() -> Any:
        return create_network(name, **everything).eval()

    return Subject(name, everything, build, size or PAPER_SIZE[::-1])


def parse_arguments(assignments: str) -> Dict[str, Any]:
    """
    Return the arguments of a network.

    :param assignments: 'name=value,...'; a value as in YAML (1.5, true, test).
    :raises SettingsError: it is not of this form.
    """
    arguments = {}
    for assignment in filter(None, assignments.split(',')):
        name, equals, value = assignment.partition('=')
        if not (name and equals and value):
            raise SettingsError("got the argument '{}', expected NAME=VALUE such as width=1.5"
                                .format(assignment))
        try:
            arguments[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            arguments[name.strip()] = value  # create_network says what it expected
    return arguments


def _identity(subject: Subject) -> info_tables.Section:
    network = '{} ({})'.format(subject.name, info_tables.assignments(subject.arguments))
    facts = {'network': subject.name, 'arguments': dict(subject.arguments)}
    card = subject.card
    if card is None:
        return facts, info_tables.pairs([('network', network)])
    rows = [('model', card.name), ('task', card.task), ('network', network),
            ('input', '{} x {} pixels, {}, resized by {}{}'.format(
                card.input_width, card.input_height, card.channel_order, card.resize,
                ', {:g} of it cut out at the centre'.format(card.crop_ratio)
                if card.crop_ratio else '')),
            ('classes', info_tables.listed(card.classes)),
            ('labels', 'several for each image' if card.multi_label else ''),
            ('void id', card.void_id if card.task == 'segmentation' else ''),
            ('weights', card.weights), ('sha256', card.sha256),
            ('data set', card.dataset), ('licence', card.licence), ('origin', card.origin)]
    rows += [('measured', ', '.join('{} {}'.format(key, value) for key, value in row.items()))
             for row in card.metrics]
    return dict(facts, card=to_dict(card)), info_tables.pairs(
        [row for row in rows if row[1] != ''])


def _counted(subject: Subject, with_stages: bool) -> List[info_tables.Section]:
    if subject.card is not None and not info_tables.has_torch():
        return [({'counts': None}, info_tables.pairs(
            [('parameters', 'not counted: torch is not installed')]))]
    from espnet_perception.networks import LANGUAGE_NETWORKS
    from espnet_perception.networks.receptive_field import receptive_fields
    network = subject.build()
    if subject.name in LANGUAGE_NETWORKS:
        return [info_tables.parts(network)]
    fields = receptive_fields(network)
    sections = [info_tables.sizes(network, subject.size, fields)]
    if with_stages:
        sections.append(info_tables.stages(network, subject.size, fields))
    return sections


def _engines() -> info_tables.Section:
    """Return which engines are present and which one auto would pick."""
    from espnet_perception.engines import absence, choose_engine, ENGINES, present_engines
    present = present_engines()
    automatic = choose_engine('auto') if present else None
    rows = []
    for name in ENGINES:
        state = 'present' if name in present else absence(name)
        rows.append(('engine ' + name, state + (', auto picks it' if name == automatic else '')))
    return {'engines': list(present), 'engine': automatic}, info_tables.pairs(rows)


def _print(as_json: bool, facts: Dict[str, Any], lines: List[str]) -> int:
    print(json.dumps(facts, indent=2) if as_json else '\n'.join(lines))
    return 0
