# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints written atomically: a reader sees the old file or the new one, never a part."""

import os
from typing import Any, Dict, Sequence, Tuple

from espnet_perception.errors import ModelError
from espnet_perception.whole_files import whole_file
import torch


def write(path: str, state: Any) -> None:
    """
    Save with torch.save beside the target, flush to disk, then rename.

    :param path: target; its folder must exist
    :param state: tensors, numbers, strings, lists and dicts only
    :raises OSError: no room; the old file is then untouched
    """
    with whole_file(path) as part, open(part, 'wb') as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())


def read(path: str) -> Dict[str, Any]:
    """
    Load a checkpoint, refusing anything but plain data.

    :param path: written by write
    :raises ModelError: missing, damaged or foreign
    """
    state = _load(path)
    if not isinstance(state, dict) or 'network' not in state:
        raise ModelError('{} is no training checkpoint; it lacks the network'.format(path))
    return state


def read_weights(path: str) -> Dict[str, torch.Tensor]:
    """
    Load the weights alone, from a checkpoint or from the weight file of a model.

    :param path: written by write
    :raises ModelError: missing, damaged or foreign
    """
    return read_source(path)[0]


def read_source(path: str) -> Tuple[Dict[str, torch.Tensor], Sequence[str]]:
    """
    Load the weights and the names of their classes; none where the file does not tell them.

    :param path: a checkpoint, or the weight file of a model
    :raises ModelError: missing, damaged or foreign
    """
    state = _load(path)
    weights = state.get('network', state) if isinstance(state, dict) else state
    if not isinstance(weights, dict) or not all(map(torch.is_tensor, weights.values())):
        raise ModelError('{} holds no weights'.format(path))
    facts = state.get('facts')
    return weights, facts.get('classes', ()) if isinstance(facts, dict) else ()


def _load(path: str) -> Any:
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError:
        raise ModelError('there is no checkpoint {}; train first or correct the path'.format(path))
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ModelError('cannot read the checkpoint {} ({}); remove it and start again'.format(
            path, type(error).__name__)) from error
