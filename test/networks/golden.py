# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Reading of the golden vectors of the released networks."""

import gzip
import json
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import numpy as np
import torch


def checkpoints(shared_dir: Path) -> Dict[str, Dict]:
    """Return the facts of every released checkpoint by its sha256."""
    rows = json.loads((shared_dir / 'reference/checkpoints/manifest.json').read_text())
    return {row['sha256']: row for row in rows}


def released_keys(shared_dir: Path) -> Dict[str, List]:
    """Return name and shape of every tensor of every released checkpoint."""
    return json.loads(gzip.open(shared_dir / 'reference/golden/state_keys.json.gz').read())


def synthetic_input(shape: Tuple[int, ...], divisor: float = 1.0) -> torch.Tensor:
    """Return the licence-free second input of the goldens; 255 divides it for BGR networks."""
    uniform = np.random.RandomState(1811).random_sample(int(np.prod(shape))).reshape(shape)
    return torch.from_numpy(((4 * uniform - 2) / divisor).astype(np.float32))


def worst_difference(network: torch.nn.Module, golden: Dict, images: torch.Tensor,
                     key: str) -> float:
    """Return the largest difference to the official logits at the stored places."""
    with torch.no_grad():
        logits = network(images)[0].numpy()
    assert logits.shape == tuple(golden['logits_shape'])[-3:]
    return np.abs(logits[:, golden['ys']][:, :, golden['xs']] - golden[key]).max()


def fill(module: torch.nn.Module, seed_base: int) -> None:
    """Fill a module with the deterministic weights of the unit goldens, in state order."""
    tensors = [tensor for tensor in module.state_dict().values() if tensor.ndim > 0]
    for index, tensor in enumerate(tensors):
        uniform = np.random.RandomState(seed_base + index).random_sample(tensor.numel())
        if tensor.ndim >= 2:
            fan = int(np.prod(tensor.shape[1:]))
            values = (2 * uniform - 1) * np.sqrt(3.75 / fan)
        else:
            values = 0.1 + 0.8 * uniform
        tensor.copy_(torch.from_numpy(values.astype(np.float32)).reshape(tensor.shape))


def unit_inputs(unit: Dict) -> Iterator[torch.Tensor]:
    """Return the inputs of a unit golden."""
    for place, shape in enumerate(unit['input_shapes']):
        uniform = np.random.RandomState(unit['seed_base'] + 900 + place).random_sample(
            int(np.prod(shape)))
        yield torch.from_numpy((4 * uniform - 2).astype(np.float32).reshape(shape))
