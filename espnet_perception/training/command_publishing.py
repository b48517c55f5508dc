# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The directory of a trained command model; its gates are fixed by what the model itself reads."""

import os
from typing import Any, Dict, List, NamedTuple, Tuple

from espnet_perception.commands.background import Background
from espnet_perception.commands.grammar import Grammar
from espnet_perception.commands.vocabulary import WordList
from espnet_perception.evaluation.command_metrics import FrameCounts
from espnet_perception.export.language import export_sequence
from espnet_perception.model_card import file_sha256
from espnet_perception.pipeline.command_card import (
    BACKGROUND_FILE,
    CARD_FILE,
    CommandCard,
    FILES,
    Gates,
    GRAPH_FILE,
    save,
    WEIGHTS_FILE,
)
from espnet_perception.pipeline.commander import Commander, frame_confidence, intent_margin
from espnet_perception.results import CommandReading
from espnet_perception.settings import CommanderSettings
from espnet_perception.training.command_data import Encoded
from espnet_perception.whole_files import whole_file
import numpy as np
import torch
from torch import nn

OPEN_GATES = Gates(float('inf'), 0.0, 0.0, 1.0)
UNKNOWN_SHARE = 0.25  # of the words outside slots; generated commands have none
MOST_READ = 2000
HALVINGS = 40


class Ingredients(NamedTuple):
    """
    What goes into the directory beside the network.

    :param grammar: that it was trained on.
    :param words: its vocabulary.
    :param background: what it is compared with.
    :param held_out: commands that it never saw, for its gates and figures.
    :param arguments: of networks.command_model.CommandDesign, beside words and heads.
    :param settings: acceptance, dataset, licence and threads count.
    """

    grammar: Grammar
    words: WordList
    background: Background
    held_out: List[Encoded]
    arguments: Dict[str, Any]
    settings: Any


def publish(directory: str, network: nn.Module, parts: Ingredients) -> CommandCard:
    """
    Write the directory of a model; the card, which makes it one, comes last.

    :param directory: is made where it is not there; a model that lies there is replaced.
    :param network: in evaluation mode.
    :param parts: see Ingredients.
    :return: its card.
    :raises OSError: the files cannot be written.
    """
    os.makedirs(directory, exist_ok=True)
    paths = {name: os.path.join(directory, name) for name in FILES}
    if os.path.exists(os.path.join(directory, CARD_FILE)):
        os.remove(os.path.join(directory, CARD_FILE))
    with whole_file(paths[WEIGHTS_FILE]) as part:
        torch.save(network.state_dict(), part)
    with whole_file(paths[BACKGROUND_FILE]) as part:
        parts.background.save(part)
    export_sequence(network, paths[GRAPH_FILE])
    settings = parts.settings
    card = CommandCard(
        os.path.basename(os.path.abspath(directory)), tuple(parts.words.words),
        tuple(parts.grammar.labels()), tuple(parts.grammar.intents), parts.arguments, OPEN_GATES,
        {name: file_sha256(path) for name, path in paths.items()},
        dataset=settings.dataset or 'commands generated from a grammar', licence=settings.licence)
    save(card, directory)
    commander = Commander(directory, parts.grammar, 'auto',
                          CommanderSettings(threads=settings.threads))
    chosen = parts.held_out[::-(-len(parts.held_out) // MOST_READ) or 1]
    readings = [commander.read(one.example.text) for one in chosen]
    gates = fix_gates(readings, settings.acceptance)
    card = card._replace(gates=gates, metrics=tuple(_figures(readings, chosen, gates)))
    save(card, directory)
    return card


def fix_gates(readings: List[CommandReading], acceptance: float) -> Gates:
    """
    Return the tightest gates that a share of the readings passes, all three equally tight.

    :param readings: of commands.
    :param acceptance: the share.
    """
    scores = np.array([(-one.out_of_domain, frame_confidence(one), intent_margin(one))
                       for one in readings if one.intent])
    if not len(scores):
        return OPEN_GATES._replace(unknown_share=UNKNOWN_SHARE)
    low, high = 0.0, 1.0 - acceptance
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        passed = (scores >= np.quantile(scores, middle, axis=0)).all(1).mean()
        low, high = (middle, high) if passed >= acceptance else (low, middle)
    out_of_domain, confidence, margin = np.quantile(scores, low, axis=0)
    return Gates(float(-out_of_domain), float(confidence), float(margin), UNKNOWN_SHARE)


def _figures(readings: List[CommandReading], commands: List[Encoded], gates: Gates
             ) -> List[Dict[str, Any]]:
    counts, right, passed = FrameCounts(), 0, 0
    for reading, command in zip(readings, commands):
        truth = command.example
        counts.add((reading.intent, _spans(reading)), (truth.intent, [
            (slot.role, slot.start, slot.end) for slot in truth.slots]))
        right += reading.intent == truth.intent
        passed += (-reading.out_of_domain >= -gates.out_of_domain
                   and frame_confidence(reading) >= gates.confidence
                   and intent_margin(reading) >= gates.margin)
    total = max(1, len(commands))
    return [{'name': name, 'value': round(float(value), 6), 'count': len(commands),
             'dataset': 'held-out generated commands'} for name, value in (
                 ('intent accuracy', right / total), ('slot F1', counts.slots().f1),
                 ('frame exact match', counts.exact_match), ('acceptance', passed / total))]


def _spans(reading: CommandReading) -> List[Tuple[str, int, int]]:
    return [(slot.role, slot.start, slot.end) for slot in reading.slots]
