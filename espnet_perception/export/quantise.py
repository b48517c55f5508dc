# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
INT8 for CPUs: which blocks of a network compute in 8 bits, and which stay in float.

Post-training quantisation of everything costs these networks several per cent of their labels:
the layers around a few sums and enlargements bear it badly, most others well. So each block is
quantised alone first; then as many of the best blocks are joined as keep enough labels (found by
bisection). The others stay in float.
"""

import re
from typing import Any, Callable, Dict, NamedTuple, Sequence, Tuple

from espnet_perception.errors import EngineError

Progress = Callable[[str, Sequence[Any]], Any]  # a title and what is gone through, as tqdm
Share = Callable[[Sequence[str]], float]  # blocks in INT8 to the share of labels as in fp32

LEAST_AGREEMENT = 0.985  # share of the labels that have to be those of fp32
BLOCK = re.compile(r'/?network/(encoder/[^/]+(?:/[^/.]+\.[0-9]+)?|[^/.]+)(?:\.[0-9]+)?/')
LAST_BLOCK = 'scores'


class Choice(NamedTuple):
    """
    Which blocks compute in 8 bits.

    :param blocks: their names.
    :param floating: names of those that stay in float.
    :param alone: share of labels as in fp32 with this block alone in INT8.
    """

    blocks: Tuple[str, ...]
    floating: Tuple[str, ...]
    alone: Dict[str, float]


def block_of(layer: str) -> str:
    """
    Return the block to which a layer belongs: a module of the network, or of its encoder.

    :param layer: name of a node of the exported graph, such as
        /network/encoder/level3/level3.0/expand/Conv.
    """
    found = BLOCK.match(layer)
    return found.group(1) if found else LAST_BLOCK


def choose_blocks(names: Sequence[str], share: Share, least: float, progress: Progress) -> Choice:
    """
    Choose the blocks that compute in INT8.

    :param names: of all blocks.
    :param share: measures a choice of blocks.
    :param least: share of the labels that has to stay as in fp32.
    :param progress: shows how far the search is.
    :return: the choice; its share is at least that.
    :raises EngineError: not even one block can be quantised.
    """
    alone = {name: share([name]) for name in progress('each block alone', names)}
    ranked = sorted((name for name in names if alone[name] >= least),
                    key=lambda name: (-alone[name], name))
    enough, too_many = 0, len(ranked) + 1  # how many of the best blocks may be joined
    for _ in progress('blocks together', range(len(ranked).bit_length())):
        count = (enough + too_many) // 2
        if enough < count < too_many:
            if share(ranked[:count]) >= least:
                enough = count
            else:
                too_many = count
    if not enough:
        raise EngineError('no block of the network keeps {:.2%} of the labels in int8, the best '
                          '{:.2%}; use fp32, or lower --least-agreement'.format(
                              least, max(alone.values(), default=0.0)))
    chosen = set(ranked[:enough])
    return Choice(tuple(sorted(chosen)), tuple(name for name in names if name not in chosen),
                  alone)
