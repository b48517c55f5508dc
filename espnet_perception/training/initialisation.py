# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Start from weights of another run, another class count or another task."""

import os
from typing import Dict

from espnet_perception.errors import ModelError
from espnet_perception.networks.upstream import load_upstream
from espnet_perception.pipeline.models import find_model
from espnet_perception.training import checkpoint
from torch import nn, Tensor


def initialise_from(network: nn.Module, source: str) -> str:
    """
    Copy every tensor that fits by name and shape; the rest keeps its fresh values.

    The heads of another class count, and what another network does not have, stay as they were
    made. A classification network gives its encoder to a segmentation network.

    :param network: changed in place
    :param source: name or directory of a model, name of fetched weights, checkpoint of a run,
        weight file, or a released .pth file
    :returns: a sentence that says what was copied
    :raises ModelError: nothing fits, or the file cannot be read
    """
    source = os.path.expandvars(os.path.expanduser(source))
    tensors = _tensors(source)
    own = network.state_dict()
    fitting = {name: value for name, value in tensors.items()
               if name in own and own[name].shape == value.shape}
    if not any(own[name].ndim > 1 for name in fitting):
        raise ModelError('{} has no tensor that fits the network {}; give weights of the same '
                         'family and width'.format(source, type(network).__name__))
    network.load_state_dict(fitting, strict=False)
    fresh = [name for name, value in own.items()
             if name not in fitting and value.is_floating_point()]
    return 'started from {}: {} tensors copied, {} fresh{}'.format(
        source, len(fitting), len(fresh), ' (' + ', '.join(fresh[:6]) + (
            ', ...' if len(fresh) > 6 else '') + ')' if fresh else '')


def _tensors(source: str) -> Dict[str, Tensor]:
    if os.path.isfile(source):
        try:
            return load_upstream(source)[0].state_dict()
        except ModelError:  # not a released file: one of ours, or a sentence that says what it is
            return checkpoint.read_weights(source)
    return find_model(source).network().state_dict()
