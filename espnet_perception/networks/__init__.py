# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks of the papers and one front door to them."""

from typing import Any

from espnet_perception.errors import NetworkError, unknown_key_sentence
from espnet_perception.networks.classification import ESPNetv2
from espnet_perception.networks.comparison import ComparedESPNetC, ShuffleNetv2Segmentation
from espnet_perception.networks.espnet import ESPNet, ESPNetA, ESPNetB, ESPNetC
from espnet_perception.networks.paper_segmentation import ESPNetv2PaperSegmentation
from espnet_perception.networks.segmentation import ESPNetv2Segmentation
from torch import nn

NETWORKS = {
    'espnetv2': ESPNetv2,
    'espnetv2_seg': ESPNetv2Segmentation,
    'espnetv2_seg_paper': ESPNetv2PaperSegmentation,
    'espnet_a': ESPNetA,
    'espnet_b': ESPNetB,
    'espnet_c': ESPNetC,
    'espnet': ESPNet,
    'espnet_c_comparison': ComparedESPNetC,
    'shufflenetv2_seg': ShuffleNetv2Segmentation,
}


def create_network(name: str, **arguments: Any) -> nn.Module:
    """
    Build a network.

    :param name: a key of NETWORKS.
    :param arguments: arguments of its constructor.
    :return: the network with fresh weights.
    :raises NetworkError: unknown name or argument.
    """
    if name not in NETWORKS:
        raise NetworkError(unknown_key_sentence('network', name, tuple(NETWORKS)))
    try:
        return NETWORKS[name](**arguments)
    except TypeError as error:
        raise NetworkError("network '{}': {}".format(name, error))
