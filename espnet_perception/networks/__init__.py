# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks of the papers and one front door to them."""

import inspect
from numbers import Integral, Real
from typing import Any, Dict

from espnet_perception.errors import NetworkError, unknown_key_sentence
from espnet_perception.networks.classification import ESPNetv2
from espnet_perception.networks.comparison import ComparedESPNetC, ShuffleNetv2Segmentation
from espnet_perception.networks.eru import ERULanguageModel
from espnet_perception.networks.espnet import ESPNet, ESPNetA, ESPNetB, ESPNetC
from espnet_perception.networks.language_baselines import LSTMLanguageModel, PRULanguageModel
from espnet_perception.networks.paper_segmentation import ESPNetv2PaperSegmentation
from espnet_perception.networks.segmentation import ESPNetv2Segmentation
from torch import nn

IMAGE_NETWORKS = {
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
LANGUAGE_NETWORKS = {
    'eru_lm': ERULanguageModel,
    'lstm_lm': LSTMLanguageModel,
    'pru_lm': PRULanguageModel,
}
NETWORKS = dict(IMAGE_NETWORKS, **LANGUAGE_NETWORKS)

# Annotation of a constructor's argument: the type that it takes, and its name in a message.
KINDS = {
    int: (Integral, 'a whole number'),
    float: (Real, 'a number'),
    bool: (bool, 'true or false'),
    str: (str, 'a name'),
}


def create_network(name: str, **arguments: Any) -> nn.Module:
    """
    Build a network.

    :param name: a key of NETWORKS.
    :param arguments: arguments of its constructor.
    :return: the network with fresh weights.
    :raises NetworkError: unknown name or argument, or an argument of a wrong kind or value.
    """
    known = network_arguments(name)
    for key, value in arguments.items():
        if key not in known:
            raise NetworkError(unknown_key_sentence(
                "argument of network '{}':".format(name), key, tuple(known)))
        _check_kind(name, known[key], value)
    network = NETWORKS[name]
    return network(network.Design(**arguments)) if hasattr(network, 'Design') else \
        network(**arguments)


def network_arguments(name: str) -> Dict[str, inspect.Parameter]:
    """
    Return the arguments of a network: name to parameter, with its default and its annotation.

    A network with many of them takes them as one tuple, its class attribute Design.

    :param name: a key of NETWORKS.
    :raises NetworkError: unknown name.
    """
    if name not in NETWORKS:
        raise NetworkError(unknown_key_sentence('network', name, tuple(NETWORKS)))
    network = NETWORKS[name]
    return dict(inspect.signature(getattr(network, 'Design', network)).parameters)


def _check_kind(network: str, parameter: inspect.Parameter, value: Any) -> None:
    """Refuse what a constructor would only stumble over: a text for a number, 1.5 classes."""
    kind, expected = KINDS[parameter.annotation]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise NetworkError("network '{}' got {} {!r}, expected {}".format(
            network, parameter.name, value, expected))
