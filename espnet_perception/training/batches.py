# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Batches that depend on seed and step alone, whoever loads them: the base of exact resuming.

Position p of a run (step * batch size + place in the batch) shows one image of the data set: each
epoch is a permutation of its own. A file that cannot be read is replaced by another one, named
once and counted.
"""

import functools
import time
from typing import Any, Callable, Iterator, List, NamedTuple, Tuple

from espnet_perception.errors import DatasetError, SettingsError
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

ATTEMPTS = 20

View = Callable[[int, np.random.Generator, int], Tuple[np.ndarray, Any]]


class Plan(NamedTuple):
    """
    Which images a run shows, in which order.

    :param images: number of images of the data set
    :param batch_size: images per step, over all processes and accumulated parts
    :param steps: of the whole run
    :param seed: of order and views
    :param rank: this process of the distributed ones
    :param world: number of distributed processes
    """

    images: int
    batch_size: int
    steps: int
    seed: int
    rank: int = 0
    world: int = 1

    def check(self) -> 'Plan':
        """
        Return the plan if the processes can share its batches.

        :raises SettingsError: they cannot
        """
        if self.batch_size % self.world:
            raise SettingsError('batch_size {} cannot be shared by {} processes; choose a '
                                'multiple'.format(self.batch_size, self.world))
        return self

    def epoch(self, step: int) -> float:
        """Return the time of a step in epochs."""
        return step * self.batch_size / self.images


class Batch(NamedTuple):
    """
    What one process learns from in one step.

    :param images: (B, H, W, 3) uint8, blue-green-red
    :param targets: (B, H, W) uint8 labels, (B,) int64 class ids or (B, C) uint8 classes present
    :param problems: one sentence per file that could not be read
    :param waited_s: seconds that the training waited for it
    """

    images: torch.Tensor
    targets: torch.Tensor
    problems: List[str]
    waited_s: float = 0.0


@functools.lru_cache(maxsize=2)  # a batch may reach from one epoch into the next
def _order(seed: int, epoch: int, images: int) -> np.ndarray:
    return np.random.default_rng((seed, 2, epoch)).permutation(images)


class _Positions(Dataset):
    """Views by position; what a worker process runs."""

    def __init__(self, plan: Plan, view: View) -> None:
        self.plan, self.view = plan, view

    def __getitem__(self, position: int) -> Tuple[np.ndarray, Any, List[str]]:
        plan, problems = self.plan, []
        epoch, place = divmod(position, plan.images)
        index = int(_order(plan.seed, epoch, plan.images)[place])
        rng = np.random.default_rng((plan.seed, 1, position))
        step = position // plan.batch_size
        for _ in range(ATTEMPTS):
            try:
                image_bgr, target = self.view(index, rng, step)
                return image_bgr, target, problems
            except DatasetError as error:
                problems.append(str(error))
                index = int(rng.integers(plan.images))
        raise DatasetError('{} files in a row cannot be read, the last: {}'.format(
            ATTEMPTS, problems[-1]))


def _collate(rows: List[Tuple[np.ndarray, Any, List[str]]]) -> Batch:
    images, targets, problems = zip(*rows)
    return Batch(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(targets)),
                 [sentence for part in problems for sentence in part])


def positions(plan: Plan, step: int) -> range:
    """Return the positions that this process learns from in a step."""
    first = step * plan.batch_size
    share = plan.batch_size // plan.world
    return range(first + plan.rank * share, first + (plan.rank + 1) * share)


def batches(plan: Plan, view: View, first_step: int, workers: int) -> Iterator[Batch]:
    """
    Load the batches of a run from a step on.

    :param plan: order and size
    :param view: gives image and target of (index, generator of chance, step)
    :param first_step: where to begin
    :param workers: processes that load ahead; 0 loads in this one
    :raises DatasetError: nothing can be read any more
    """
    loader = DataLoader(
        _Positions(plan, view), collate_fn=_collate, num_workers=workers,
        batch_sampler=[positions(plan, step) for step in range(first_step, plan.steps)],
        multiprocessing_context='spawn' if workers else None,
        prefetch_factor=2 if workers else None,
        generator=torch.Generator())  # else it draws from that of the run, once more on resuming
    source = iter(loader)
    while True:
        began = time.perf_counter()
        batch = next(source, None)
        if batch is None:
            return
        yield batch._replace(waited_s=time.perf_counter() - began)
