# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
A command model: a small ERU language model with heads for the labels of words and the intent.

Not a network of the papers; it puts their recurrent unit (ESPNetv2, section 4.4) to work. All
heads are linear maps of the last layer's features and stand beside the scores of the next word,
so that the model is run and exported token by token as any language model is;
``commands.vocabulary.Columns`` tells where they stand.
"""

from typing import NamedTuple

from espnet_perception.networks.eru import ERUDesign, ERULanguageModel
import torch
from torch import nn, Tensor

# Batches of commands are of one length each, so their statistics are not those of all commands.
NORM = 'none'
SMALL_PRESET = 'eru_7m'  # its grouped recurrence; the sizes are those of CommandDesign


class CommandDesign(NamedTuple):
    """
    Arguments of the command model.

    :param words: size of the vocabulary.
    :param heads: scores beside those of the next word.
    :param embedding: features of a word and of the last layer, a multiple of 16.
    :param hidden: features of the other layers, a multiple of 16.
    :param layers: how many.
    :param dropout: share of features that training leaves out.
    """

    words: int
    heads: int
    embedding: int = 112
    hidden: int = 224
    layers: int = 2
    dropout: float = 0.25


class ERUCommandModel(ERULanguageModel):
    """
    Scores after each token: the next word, then the heads.

    :param design: its arguments.
    :raises NetworkError: widths that do not divide.
    """

    Design = CommandDesign

    def __init__(self, design: CommandDesign) -> None:
        super().__init__(ERUDesign(
            preset=SMALL_PRESET, words=design.words, embedding=design.embedding,
            hidden=design.hidden, layers=design.layers, dropout=design.dropout, norm=NORM))
        self.heads = nn.Linear(design.embedding, design.heads)

    def scores(self, features: Tensor) -> Tensor:
        """Map (..., E) of the last layer to (..., words + heads) scores."""
        return torch.cat([super().scores(features), self.heads(features)], dim=-1)
