# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The networks of the papers' Figures 5 and 7 at the sizes of the papers, with random weights.

ESPNetv2 (CVPR 2019): Figure 5 is classification of 224x224 pixels at about 300 M multiply-adds,
Figure 7c segmentation of 1024x512. The papers' numbers are shown beside what is measured here.
"""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from espnet_perception.benchmark.accuracy import Accuracy, PRINTED
from espnet_perception.benchmark.plan import Subject
from espnet_perception.errors import SettingsError
from espnet_perception.user_folders import cache_folder

IMAGE_SIZE, STREET_SIZE = (224, 224), (1024, 512)
CLASSIFIER = 'espnetv2'
# What the papers measured the printed accuracies on.
DATA_SETS = {'top-1': 'ImageNet validation', 'mIoU': 'Cityscapes test'}


class Network(NamedTuple):
    """
    One network of the grid.

    :param title: short name for tables.
    :param network: a key of NETWORKS.
    :param arguments: of the network.
    """

    title: str
    network: str
    arguments: Dict[str, Any]


GRID = (
    Network('ESPNetv2 s=0.5', CLASSIFIER, {'width': 0.5}),
    Network('ESPNetv2 s=1.0', CLASSIFIER, {'width': 1.0}),
    Network('ESPNetv2 s=2.0', CLASSIFIER, {'width': 2.0}),
    Network('ESPNetv2-seg s=0.5', 'espnetv2_seg_paper', {'width': 0.5}),
    Network('ESPNetv2-seg s=1.5', 'espnetv2_seg_paper', {'width': 1.5}),
    Network('ESPNet', 'espnet', {'p': 2, 'q': 8}),
    Network('ShuffleNetv2-seg', 'shufflenetv2_seg', {}),
    Network('EdgeNets-seg s=2.0', 'espnetv2_seg', {'width': 2.0}),
    Network('ESPNet-C', 'espnet_c', {'p': 2, 'q': 8}),
    Network('ESPNet-C of MobileNet', 'espnet_c_comparison', {'module': 'mobilenet'}),
    Network('ESPNet-C of ShuffleNet', 'espnet_c_comparison', {'module': 'shufflenet'}),
    Network('ESPNet-C of Inception', 'espnet_c_comparison', {'module': 'inception'}),
    Network('ESPNet-C of ResNext', 'espnet_c_comparison', {'module': 'resnext'}),
    Network('ESPNet-C of ResNet', 'espnet_c_comparison', {'module': 'resnet'}),
)


def subjects(only: str = '', folder: str = '') -> List[Subject]:
    """
    Return the grid, each network as a model directory with random weights.

    :param only: texts with commas between; networks whose title holds none of them are left out.
    :param folder: where the model directories are made; empty for the user's cache.
    :raises SettingsError: nothing is left.
    :raises OutputError: a model directory cannot be written.
    """
    wanted = [text.strip().lower() for text in only.split(',') if text.strip()]
    chosen = [one for one in GRID
              if not wanted or any(text in one.title.lower() for text in wanted)]
    if not chosen:
        raise SettingsError("no network of the papers is called '{}'; there are: {}".format(
            only, ', '.join(one.title for one in GRID)))
    return [_subject(one, folder or cache_folder('random_weights')) for one in chosen]


def _subject(one: Network, folder: str) -> Subject:
    printed, accuracy = {}, None  # type: Dict[str, Any], Optional[Accuracy]
    size = IMAGE_SIZE if one.network == CLASSIFIER else STREET_SIZE
    row = _printed_row(one)
    if row is not None:
        printed = {'place': row.place, 'parameters': row.parameters,
                   'multiply_adds': row.multiply_adds, 'accuracy': row.accuracy,
                   'frames_per_second': row.frames_per_second}
        if row.accuracy:
            figure, name = row.accuracy.split()
            accuracy = Accuracy(name, float(figure), DATA_SETS[name], PRINTED, size)
    return Subject(_model_directory(one, size, folder), size, printed, accuracy)


def _printed_row(one: Network) -> Optional[Any]:
    from espnet_perception.networks.papers import PRINTED as ROWS
    return next((row for row in ROWS
                 if (row.network, row.arguments) == (one.network, one.arguments)), None)


def _model_directory(one: Network, size: Tuple[int, int], folder: str) -> str:
    """Return the directory of the network with random weights, made where it is missing."""
    from espnet_perception import model_card
    from espnet_perception.label_sets import voc_palette
    from espnet_perception.networks import network_arguments
    from espnet_perception.networks.random_weights import random_network
    from espnet_perception.networks.safe_load import save_state_dict
    from espnet_perception.weights.model_directory import new_directory, WEIGHTS_FILE
    directory = os.path.join(folder, one.title.replace(' ', '_'))
    if os.path.isfile(os.path.join(directory, model_card.CARD_FILE)):
        return directory
    classes = network_arguments(one.network)['classes'].default
    with new_directory(directory, force=False) as part:
        weights = os.path.join(part, WEIGHTS_FILE)
        save_state_dict(random_network(one.network, **one.arguments).state_dict(), weights)
        model_card.save(model_card.ModelCard(
            name=one.title, network=one.network, arguments=dict(one.arguments),
            task='classification' if one.network == CLASSIFIER else 'segmentation',
            classes=tuple('class {}'.format(number) for number in range(classes)),
            palette=voc_palette(classes), input_width=size[0], input_height=size[1],
            weights=WEIGHTS_FILE, sha256=model_card.file_sha256(weights),
            origin='random weights, for measuring speed alone'), part)
    return directory
