# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Networks with random weights that behave like trained ones, for measuring speed.

Fresh weights let features fade from layer to layer until processors handle them as denormal
numbers, which takes many times longer. Here every normalisation knows the statistics of its own
input, so that features keep the size that they have in a trained network.
"""

from typing import Any

from espnet_perception.networks import create_network
import torch
from torch import nn

SEED = 20190415
SIDE, IMAGES = 128, 2  # of the noise that gives the statistics


def random_network(name: str, **arguments: Any) -> nn.Module:
    """
    Build a network with random weights, the same at every call.

    :param name: a key of IMAGE_NETWORKS.
    :param arguments: arguments of its constructor.
    :return: the network in evaluation mode.
    :raises NetworkError: unknown name or argument.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = create_network(name, **arguments)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the mean over all batches, here one
            elif isinstance(module, nn.PReLU):
                # Trained slopes differ. With equal ones OpenVINO took 2.3 times as long.
                nn.init.uniform_(module.weight, 0.1, 0.4)
        with torch.no_grad():
            network.train()(torch.randn(IMAGES, 3, SIDE, SIDE))
    return network.eval()
