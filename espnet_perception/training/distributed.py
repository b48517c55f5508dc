# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""One run over several processes, as torchrun starts them; a single process needs nothing."""

import os
from typing import NamedTuple

import torch
from torch import distributed, nn


class Processes(NamedTuple):
    """
    The processes of a run.

    :param rank: this one, from 0
    :param world: number of processes
    :param device: where this one computes
    """

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this one writes files and talks."""
        return self.rank == 0


def start(device: str) -> Processes:
    """
    Join the processes that torchrun started, with gloo on CPUs and NCCL on CUDA.

    :param device: auto, cpu, cuda or cuda:N
    """
    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    world = int(os.environ.get('WORLD_SIZE', '1'))
    if world == 1:
        return Processes(0, 1, torch.device(device))
    chosen = torch.device(device)
    if chosen.type == 'cuda':
        chosen = torch.device('cuda', int(os.environ['LOCAL_RANK']))
        torch.cuda.set_device(chosen)
    distributed.init_process_group('nccl' if chosen.type == 'cuda' else 'gloo')
    return Processes(distributed.get_rank(), world, chosen)


def finish(processes: Processes) -> None:
    """Leave the group."""
    if processes.world > 1:
        distributed.destroy_process_group()


def parallel(network: nn.Module, processes: Processes) -> nn.Module:
    """Return the module to train: gradients become the mean over the processes."""
    if processes.world == 1:
        return network
    if processes.device.type == 'cuda':
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return nn.parallel.DistributedDataParallel(network, device_ids=[processes.device.index],
                                                   find_unused_parameters=True)
    return nn.parallel.DistributedDataParallel(network, find_unused_parameters=True)


def mean(value: float, processes: Processes) -> float:
    """Return the mean of a number over the processes."""
    if processes.world == 1:
        return value
    total = torch.tensor(value, dtype=torch.float64)
    if processes.device.type == 'cuda':
        total = total.to(processes.device, torch.float32)
    distributed.all_reduce(total)
    return float(total) / processes.world


def anywhere(flag: bool, processes: Processes) -> bool:
    """Return whether a flag is up in any process."""
    return mean(float(flag), processes) > 0
