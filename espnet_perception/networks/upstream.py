# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Released checkpoints of the papers' authors, recognised by sha256 or by keys and shapes.

Origin: github.com/sacmehta/EdgeNets at commit 2b232d3 (MIT). The accuracy of a card is the one
that the authors report; it is not measured here.
"""

import os
import re
from typing import Dict, NamedTuple, Optional, Tuple

from espnet_perception import label_sets
from espnet_perception.errors import ModelError
from espnet_perception.model_card import file_sha256, ModelCard
from espnet_perception.networks.espnetv2 import WIDTHS
from espnet_perception.networks.safe_load import load_state_dict
from espnet_perception.networks.segmentation import ESPNetv2Segmentation
from torch import nn, Tensor

ORIGIN = 'github.com/sacmehta/EdgeNets, commit 2b232d3, model/segmentation/model_zoo/espnetv2'
LICENCE = ('MIT (since 2021-07-20; the repository carried a non-commercial licence when the '
           'weights were published in 2019)')


class Release(NamedTuple):
    """Facts of a released file that its tensors do not tell."""

    dataset: str
    width: int
    height: int
    reported_miou: Optional[float]


RELEASES = {
    '9412a86a30f137540ef945d08da3cb7191448956c56c41a64210dab443a9f65f':
        Release('cityscapes', 1024, 512, 53.9),
    '63e398dec148f63c8ad117497864f99f021926b347fd4ee608036c36041e7f36':
        Release('cityscapes', 512, 256, 47.3),
    '9c7bebecd73c603a7eb2d8833eb2c54d0627e37e731548b7833291873e0a2e67':
        Release('pascal_voc', 256, 256, None),
    '3352b32b209e1e6492d1481734f5333876b28d8866f5c1702d01ec70255eb20c':
        Release('pascal_voc', 384, 384, 47.18),
    '0918c833fed889e32901ce739b1784fdd2b79f95a9aea199a469ca3394dd7a14':
        Release('cityscapes', 1024, 512, 60.1),
    '002121eee40c31c8b74186153878452e02ef834d35f3e4a8801b3a84fdc3ec7d':
        Release('cityscapes', 512, 256, 52.2),
    '276d738e38733c136abf5ee9e8a801f5455b2751078c7c1d52a2b485460264be':
        Release('pascal_voc', 256, 256, None),
    '7ce2df106b62661a4e8e30098398d6b96a2a946b9546d2287500379f984301a8':
        Release('pascal_voc', 384, 384, 60.22),
    '0dbbda9126583d62f73dfdc28a59a30ab4564094ee6d28428b897a4e36c466b4':
        Release('cityscapes', 1024, 512, 63.8),
    '711c76f0f814642953a68f485d64c5584772ca98db3d2d5f68d154749d75be2f':
        Release('cityscapes', 512, 256, 54.6),
    '0a297ec35a29168bef481b2e01a5735122eae5dd10f64c1a02d12f8ae141c727':
        Release('pascal_voc', 256, 256, None),
    '75f67549659cb5db6a8323a7595e3ce1bc3cbea7f95731105dec7a6d034b516b':
        Release('pascal_voc', 384, 384, 63.67),
    'a72d59699801c7ce8e8b89a53af9097eaaa60dc12180ecde86fd700ba1222fe8':
        Release('cityscapes', 1024, 512, 66.4),
    '6b6f26b567c82bb4d6624387f24ed505613edafad19222e1707993fbe0d1d8f6':
        Release('cityscapes', 512, 256, None),
    'e4883abccf8f042d422f2c66d69bd21b7af8d41680335e117eb2ee205f303d32':
        Release('pascal_voc', 256, 256, None),
    'bc479586b0ba9254e02589020346931a14d99028ad6bac4817198be6d9e719a6':
        Release('pascal_voc', 384, 384, 67.01),
}

# EdgeNets file without a known sha256: what its class count stands for.
RELEASE_BY_CLASSES = {
    20: Release('cityscapes', 1024, 512, None),
    21: Release('pascal_voc', 384, 384, None),
}

LABEL_SETS_BY_DATASET = {
    'cityscapes': label_sets.CITYSCAPES_BACKGROUND,
    'pascal_voc': label_sets.PASCAL_VOC,
}

# Upstream key pattern -> our module name, applied in this order.
EDGENETS_NAMES = (
    (r'^base_net\.', 'encoder.'),
    (r'\.proj_1x1\.', '.reduce.'),
    (r'\.spp_dw\.(\d)\.conv\.', r'.branches.\1.'),
    (r'\.conv_1x1_exp\.', '.expand.'),
    (r'\.br_after_cat\.', '.fused.'),
    (r'\.module_act\.', '.act.'),
    (r'\.inp_reinf\.', '.reinforce.'),
    (r'\.level(\d)_0\.', r'.level\1_down.'),
    (r'\.(?:cbr|br)\.(\d)\.', r'.\1.'),
    (r'^bu_dec_l(\d)\.stages\.', r'pyramid\1.scales.'),
    (r'^bu_dec_l(\d)\.projection_layer\.', r'pyramid\1.project.'),
    (r'^bu_dec_l(\d)\.merge_layer\.0\.', r'pyramid\1.normalise.'),
    (r'^bu_dec_l(\d)\.merge_layer\.2\.', r'pyramid\1.merge.'),
    (r'^bu_dec_l(\d)\.merge_layer\.3\.', r'pyramid\1.expand.'),
    (r'^bu_dec_l(\d)\.br\.', r'pyramid\1.finish.'),
    (r'^merge_enc_dec_l(\d)\.wt_layer\.1\.', r'gate\1.weight.'),
    (r'^merge_enc_dec_l(\d)\.expansion_layer\.', r'gate\1.value.'),
    (r'^bu_br_l(\d)\.', r'join\1.'),
    (r'(project|merge|value)\.0\.', r'\1.conv.'),
    (r'(project|merge|value)\.1\.', r'\1.bn.'),
    (r'(project|merge|value)\.2\.', r'\1.act.'),
    (r'(normalise|finish|join\d)\.0\.', r'\1.bn.'),
    (r'(normalise|finish|join\d)\.1\.', r'\1.act.'),
)


def load_upstream(path: str) -> Tuple[nn.Module, ModelCard]:
    """
    Load a released EdgeNets segmentation checkpoint.

    :param path: the .pth file as released, or one of the same keys with any class count.
    :return: the network in evaluation mode and the card with the facts of its weights.
    :raises ModelError: no file, damaged, holding code, or not such a checkpoint.
    """
    path = str(path)
    tensors = {rename(name): value for name, value in load_state_dict(path).items()}
    width, classes = _recognise(tensors, path)
    network = ESPNetv2Segmentation(classes, width)
    load_exactly(network, tensors, path)
    return network.eval(), _card(path, width, classes)


def rename(name: str) -> str:
    """
    Return our name of an EdgeNets tensor.

    :param name: name in the released file.
    """
    for pattern, replacement in EDGENETS_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def load_exactly(network: nn.Module, tensors: Dict[str, Tensor], path: str) -> None:
    """
    Load tensors that must match the network name by name and shape by shape.

    :param network: changed in place.
    :param tensors: our names to tensors.
    :param path: the file, for the message.
    :raises ModelError: the first difference, and how many there are.
    """
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    differences = sorted(name for name in set(expected) | set(found)
                         if expected.get(name) != found.get(name)
                         and not name.endswith('num_batches_tracked'))
    if differences:
        first = differences[0]
        raise ModelError('{} does not fit {}: {} is {}, expected {} ({} differences); give a file '
                         'of this network'.format(
                             path, type(network).__name__, first, found.get(first, 'absent'),
                             expected.get(first, 'no such tensor'), len(differences)))
    network.load_state_dict(tensors, strict=False)


def _recognise(tensors: Dict[str, Tensor], path: str) -> Tuple[float, int]:
    level1 = tensors.get('encoder.level1.conv.weight')
    level2 = tensors.get('encoder.level2_down.act.weight')
    last = tensors.get('pyramid4.expand.bias')
    if level1 is None or level2 is None or last is None:
        raise ModelError('{} is not a released ESPNetv2 segmentation checkpoint of EdgeNets '
                         '(expected tensors base_net.level1.conv.weight and '
                         'bu_dec_l4.merge_layer.3.bias); give one of those files or a model '
                         'directory'.format(path))
    for width, widths in WIDTHS.items():
        if (widths.level1, widths.level2) == (level1.shape[0], level2.shape[0]):
            return width, int(last.shape[0])
    raise ModelError('{} has {} and {} channels at levels 1 and 2, which is no width of ESPNetv2'
                     .format(path, level1.shape[0], level2.shape[0]))


def _card(path: str, width: float, classes: int) -> ModelCard:
    sha256 = file_sha256(path)
    release = RELEASES.get(sha256) or RELEASE_BY_CLASSES.get(classes)
    label_set = LABEL_SETS_BY_DATASET.get(release.dataset) if release else None
    metrics = ()
    if release and release.reported_miou is not None:
        metrics = ({'name': 'mIoU', 'value': release.reported_miou, 'dataset': release.dataset,
                    'split': 'val', 'source': 'reported by the authors'},)
    return ModelCard(
        name=os.path.splitext(os.path.basename(path))[0], task='segmentation',
        network='espnetv2_seg', arguments={'width': width, 'classes': classes},
        classes=(label_set.classes if label_set
                 else tuple('class {}'.format(index) for index in range(classes))),
        palette=label_set.palette if label_set else label_sets.voc_palette(classes),
        input_width=release.width if release else 1024,
        input_height=release.height if release else 512,
        weights=os.path.basename(path), sha256=sha256, metrics=metrics,
        dataset=release.dataset if release else 'unknown', licence=LICENCE, origin=ORIGIN)
