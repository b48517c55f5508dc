# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Start from weights of another run, another class count or another task."""

import os
from typing import Dict, Sequence, Tuple

from espnet_perception.errors import DatasetError, ModelError
from espnet_perception.evaluation.mappings import label_set_of, mapping_to, ModelClasses
from espnet_perception.networks.upstream import load_upstream
from espnet_perception.pipeline.models import find_model
from espnet_perception.training import checkpoint
from torch import nn, Tensor


def initialise_from(network: nn.Module, source: str, classes: Sequence[str] = ()) -> str:
    """
    Copy every tensor that fits by name and shape; the rest keeps its fresh values.

    In the heads of other classes, a class begins as the class of the source that has its name, or
    stands for it where the evaluation counts one in terms of the other (Cityscapes' person for
    CamVid's pedestrian). A classification network gives its encoder to a segmentation network.

    :param network: changed in place
    :param source: name or directory of a model, name of fetched weights, checkpoint of a run,
        weight file, or a released .pth file
    :param classes: names of the network's classes
    :returns: a sentence that says what was copied
    :raises ModelError: nothing fits, or the file cannot be read
    """
    source = os.path.expandvars(os.path.expanduser(source))
    tensors, known = _tensors(source)
    own = network.state_dict()
    fitting = {name: value for name, value in tensors.items()
               if name in own and own[name].shape == value.shape}
    if not any(own[name].ndim > 1 for name in fitting):
        raise ModelError('{} has no tensor that fits the network {}; give weights of the same '
                         'family and width'.format(source, type(network).__name__))
    rows = rows_between(known, classes) if tuple(known) != tuple(classes) else {}
    heads = [name for name, value in tensors.items() if rows and name in own
             and own[name].shape[:1] == (len(classes),) and value.shape[:1] == (len(known),)
             and own[name].shape[1:] == value.shape[1:]]
    for name in heads:
        fitting[name] = with_rows(own[name], tensors[name], rows)
    network.load_state_dict(fitting, strict=False)
    fresh = [name for name, value in own.items()
             if name not in fitting and value.is_floating_point()]
    parts = ['started from {}: {} tensors copied'.format(source, len(fitting) - len(heads))]
    if heads:
        parts.append('{} of {} classes of the heads taken over by name'.format(
            len(rows), len(classes)))
    return ', '.join(parts + ['{} fresh{}'.format(len(fresh), ' (' + ', '.join(fresh[:6]) + (
        ', ...' if len(fresh) > 6 else '') + ')' if fresh else '')])


def rows_between(known: Sequence[str], classes: Sequence[str]) -> Dict[int, int]:
    """
    Return which class of a source each class begins as: own id to id of the source.

    :param known: names of the source's classes
    :param classes: names of the network's classes
    """
    if not known or not classes:
        return {}
    try:
        table = mapping_to(_named(known), label_set_of(_named(classes))).prediction_table
    except DatasetError:  # no class in common
        return {}
    rows: Dict[int, int] = {}
    for theirs, ours in enumerate(table[:len(known)].tolist()):
        if ours < len(classes):
            rows.setdefault(ours, theirs)
    return rows


def with_rows(fresh: Tensor, source: Tensor, rows: Dict[int, int]) -> Tensor:
    """
    Return a tensor some of whose rows are those of another.

    :param fresh: is not changed
    :param source: of as many columns
    :param rows: own row to row of the source
    """
    changed = fresh.clone()
    changed[list(rows)] = source[list(rows.values())]
    return changed


def _named(classes: Sequence[str]) -> ModelClasses:
    return ModelClasses('', tuple(classes), ((0, 0, 0),) * len(classes))


def _tensors(source: str) -> Tuple[Dict[str, Tensor], Sequence[str]]:
    """Return the tensors of a source and the names of its classes, as far as it tells them."""
    if os.path.isfile(source):
        try:
            network, card = load_upstream(source)
            return network.state_dict(), card.classes
        except ModelError:  # not a released file: one of ours, or a sentence that says what it is
            return checkpoint.read_source(source)
    found = find_model(source)
    return found.network().state_dict(), found.card.classes
