# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Negative controls: a deliberately wrong network fails the parity comparison."""

import json

from espnet_perception.networks import (
    eesp,
    espnet,
    espnetv2,
    layers,
    paper_segmentation,
    segmentation,
)
from espnet_perception.networks.upstream import load_upstream
from golden import worst_difference
import numpy as np
import pytest
import torch
import torch.nn.functional as F

TOLERANCE = 1e-4
EDGENETS = 'edgenets/espnetv2_s_0.5_city_512x256'
PAPER = 'espnetv2_paper/espnetv2_segmentation_s_0.5'
ESPNET = 'espnet_v1/decoder_espnet_p_2_q_3'


def everywhere(monkeypatch, name, replacement):
    """Replace a layer function in each module that imported it."""
    for module in (layers, eesp, espnetv2, segmentation, paper_segmentation, espnet):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, replacement)


def corners_not_aligned(monkeypatch, _network):
    """Resize with align_corners=False."""
    everywhere(monkeypatch, 'resize_bilinear', lambda features, size: F.interpolate(
        features, size=size, mode='bilinear', align_corners=False))


def border_not_counted(monkeypatch, _network):
    """Leave the zeros of the border out of the divisor of average pooling."""
    everywhere(monkeypatch, 'halve', lambda features: F.avg_pool2d(
        features, 3, 2, 1, count_include_pad=False))


def swapped_epsilon(_monkeypatch, network):
    """Take the epsilon of the other family: 1e-3 for ESPNetv2, 1e-5 for ESPNet."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3 if module.eps == 1e-5 else 1e-5


def dilate(block, rates):
    """Give the branches of an EESP unit other dilation rates."""
    for convolution, rate in zip(block.branches, rates):
        convolution.dilation = convolution.padding = (rate, rate)


def dilations_not_limited(_monkeypatch, network):
    """Use rates 1, 2, 3, 4 at every level."""
    for module in network.modules():
        if isinstance(module, eesp.EESP):
            dilate(module, (1, 2, 3, 4))


def strided_limit_of_own_level(_monkeypatch, network):
    """Give the strided unit of level 4 the limit of level 4."""
    dilate(network.encoder.level4_down.eesp, (1, 1, 2, 3))


def no_shuffle(monkeypatch, _network):
    """Let each group of the pyramid pool see one scale."""
    monkeypatch.setattr(segmentation, 'shuffle_channels', lambda features, _: features)


def no_clamp(monkeypatch, _network):
    """Allow pyramid maps smaller than five pixels."""
    monkeypatch.setattr(segmentation, 'SMALLEST_MAP', 1)


def floor_for_ceil(monkeypatch, _network):
    """Round pyramid sizes down."""
    monkeypatch.setattr(segmentation.math, 'ceil', int)


def pooled_back_bilinearly(monkeypatch, _network):
    """Bring enlarged scales back by interpolation instead of averaging."""
    average = segmentation.adaptive_average

    def back(features, size):
        smaller = size[0] < features.shape[2] and features.shape[2] < 2.2 * size[0]
        return layers.resize_bilinear(features, size) if smaller else average(features, size)

    monkeypatch.setattr(segmentation, 'adaptive_average', back)


def image_pooled_wrongly(monkeypatch, _network):
    """Pool the image by averaging 2x2 pixels."""
    monkeypatch.setattr(espnetv2, 'halve', lambda features: F.avg_pool2d(features, 2))


def no_image(_monkeypatch, network):
    """Leave the long-range shortcut out."""
    for level in ('level2_down', 'level3_down', 'level4_down'):
        getattr(network.encoder, level).reinforce = None


def fusion_without_first(monkeypatch, _network):
    """Leave the branch of dilation 1 out of the sum."""
    def forward(self, features):
        reduced = self.reduce(features)
        pyramid = [branch(reduced) for branch in self.branches]
        for index in range(2, len(pyramid)):
            pyramid[index] = pyramid[index] + pyramid[index - 1]
        expanded = self.expand(self.fused(torch.cat(pyramid, dim=1)))
        if self.stride == 2:
            return expanded
        return self.act(expanded + features if self.residual else expanded)

    monkeypatch.setattr(eesp.EESP, 'forward', forward)


def cascade_of_filtered_maps(monkeypatch, _network):
    """Pool the next size from the filtered map instead of the pooled one."""
    def forward(self, features):
        size = layers.spatial_size(features)
        pyramid, pooled = [features], features
        for depthwise in self.scales:
            pooled = depthwise(layers.halve(pooled))
            pyramid.append(layers.resize_bilinear(pooled, size))
        return self.project(torch.cat(pyramid, dim=1))

    monkeypatch.setattr(paper_segmentation.CascadedPool, 'forward', forward)


def residual_after_activation(monkeypatch, _network):
    """Add the input after normalisation and activation."""
    forward = espnet.ESP.forward

    def late(self, features):
        residual, self.residual = self.residual, False
        output = forward(self, features)
        self.residual = residual
        return output + features if residual else output

    monkeypatch.setattr(espnet.ESP, 'forward', late)


def joined_in_the_other_order(monkeypatch, _network):
    """Join level 3 with its repeated modules first, as level 2 has it."""
    forward = torch.cat

    def swapped(maps, dim):
        twins = len(maps) == 2 and maps[0].shape == maps[1].shape
        return forward(maps[::-1] if twins else maps, dim=dim)

    monkeypatch.setattr(torch, 'cat', swapped)


# mistake, network, its name in the table of what each one costs
MISTAKES = [
    (corners_not_aligned, EDGENETS, 'align_corners=False everywhere'),
    (border_not_counted, EDGENETS, 'avg_pool count_include_pad=False'),
    (swapped_epsilon, EDGENETS, 'BN eps 1e-3 instead of 1e-5'),
    (dilations_not_limited, EDGENETS, 'dilations always 1,2,3,4 (ignore r_lim)'),
    (strided_limit_of_own_level, EDGENETS, 'level4_0 using r_lim=7 dilations'),
    (no_shuffle, EDGENETS, 'no channel shuffle in pyramid pool'),
    (no_clamp, EDGENETS, 'no clamp-to-5 in pyramid pool'),
    (floor_for_ceil, EDGENETS, 'floor instead of ceil in pyramid pool sizes'),
    (pooled_back_bilinearly, EDGENETS, 'pyramid pool back-pooling replaced by bilinear'),
    (image_pooled_wrongly, EDGENETS,
     'reinforcement pooled from previous pooled image (wrong count: 2,2,2)'),
    (no_image, EDGENETS, 'no image reinforcement'),
    (fusion_without_first, EDGENETS, 'HFF excludes dilation-1 branch'),
    (cascade_of_filtered_maps, PAPER, 'paper decoder: PSP stages not cascaded (pool conv output)'),
    (corners_not_aligned, PAPER, None),
    (swapped_epsilon, ESPNET, 'v1: BN eps 1e-5 instead of 1e-3'),
    (residual_after_activation, ESPNET, 'v1: residual added after BN/PReLU'),
    (border_not_counted, ESPNET, None),
    (joined_in_the_other_order, ESPNET, None),
]


@pytest.mark.parametrize('mistake, name, _row', MISTAKES)
def test_parity_detects_the_mistake(shared_dir, monkeypatch, mistake, name, _row):
    """The right network passes, the wrong one fails by far."""
    network, _ = load_upstream(shared_dir / f'reference/checkpoints/{name}.pth')
    golden = np.load(shared_dir / 'reference/golden' / (name.replace('/', '__') + '.npz'))
    images = torch.from_numpy(golden['input'])
    assert worst_difference(network, golden, images, 'logits_sub') < TOLERANCE
    mistake(monkeypatch, network)
    assert worst_difference(network, golden, images, 'logits_sub') > 100 * TOLERANCE


def test_every_known_mistake_is_tried(shared_dir):
    """All of the table, but for the controls and the one that cannot even run."""
    known = json.loads((shared_dir / 'reference/golden/mistake_sensitivity.json').read_text())
    wrong = {name for name, cost in known.items() if cost.get('max_logit_err')}
    assert wrong == {row for _, _, row in MISTAKES if row}
    assert set(known) - wrong == {'control: correct (edgenets)', 'control: correct (v1)',
                                  'v1: HFF includes d=1 branch'}
