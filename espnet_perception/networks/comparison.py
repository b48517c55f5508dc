# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Networks that the papers compare theirs with, built small, so that the comparisons can be rerun.

ESPNet-C with other modules (ESPNet, ECCV 2018; its review, section 3.1) and the decoder of
ESPNetv2 over ShuffleNetv2 (CVPR 2019, Figure 7b). No code or weights of these were released. The
papers give the kinds of modules and that all but ResNet's are of about the size of the ESP
module; widths, depths and residuals are chosen here to that end, each said in its docstring.
Every convolution is followed by batch normalisation and PReLU, the last one of a module by
normalisation, the sum with the input where the shapes agree, and PReLU.
"""

import math
from typing import List

from espnet_perception.errors import NetworkError, unknown_key_sentence
from espnet_perception.networks.espnet import Encoder, EPSILON, Flow
from espnet_perception.networks.espnetv2 import Features
from espnet_perception.networks.layers import conv, ConvBNAct, shuffle_channels
from espnet_perception.networks.paper_segmentation import DROPOUT, PaperSegmentation
import torch
from torch import nn, Tensor

SHUFFLENET_GROUPS = 2
RESNEXT_CARDINALITY = 32


class Residual(nn.Module):
    """
    A module's convolutions, the sum with its input where the shapes agree, and PReLU.

    :param body: the convolutions.
    :param outputs: channels out.
    :param residual: whether the input is added.
    """

    def __init__(self, body: nn.Module, outputs: int, residual: bool) -> None:
        super().__init__()
        self.body = body
        self.act = nn.PReLU(outputs)
        self.residual = residual

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H or ceil(H / 2), ...)."""
        output = self.body(features)
        return self.act(output + features if self.residual else output)


class Shuffle(nn.Module):
    """
    Channel shuffle as a layer.

    :param groups: groups to interleave.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return shuffle_channels(features, self.groups)


class Parallel(nn.Module):
    """
    Branches over one input, concatenated.

    :param branches: the branches.
    """

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to the channels of all branches."""
        return torch.cat([branch(features) for branch in self.branches], dim=1)


def cbr(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> ConvBNAct:
    """Return convolution, normalisation with ESPNet's epsilon, PReLU."""
    return ConvBNAct(inputs, outputs, kernel, stride, groups, EPSILON)


def cb(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Return convolution and normalisation with ESPNet's epsilon."""
    return nn.Sequential(conv(inputs, outputs, kernel, stride, groups),
                         nn.BatchNorm2d(outputs, eps=EPSILON))


def mobilenet(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return two depth-wise separable convolutions (one would be half of an ESP module)."""
    return nn.Sequential(cbr(inputs, inputs, 3, stride, groups=inputs), cbr(inputs, outputs, 1),
                         cbr(outputs, outputs, 3, groups=outputs), cb(outputs, outputs, 1))


def shufflenet(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return group 1x1 (to twice the width), shuffle, depth-wise 3x3, group 1x1."""
    middle = 2 * outputs
    first = math.gcd(inputs, SHUFFLENET_GROUPS)
    return nn.Sequential(cbr(inputs, middle, 1, groups=first), Shuffle(SHUFFLENET_GROUPS),
                         cb(middle, middle, 3, stride, groups=middle),
                         cb(middle, outputs, 1, groups=SHUFFLENET_GROUPS))


def inception(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return 1x1, 3x3, 5x5 and pooling branches of a quarter each, reduced to a sixth."""
    quarter, sixth = outputs // 4, outputs // 6
    return Parallel(cb(inputs, quarter, 1, stride),
                    nn.Sequential(cbr(inputs, sixth, 1), cb(sixth, quarter, 3, stride)),
                    nn.Sequential(cbr(inputs, sixth, 1), cb(sixth, quarter, 5, stride)),
                    nn.Sequential(nn.AvgPool2d(3, stride, 1), cb(inputs, quarter, 1)))


def resnext(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return 1x1, 3x3 in 32 groups, 1x1, all as wide as the output."""
    return nn.Sequential(cbr(inputs, outputs, 1),
                         cbr(outputs, outputs, 3, stride, groups=RESNEXT_CARDINALITY),
                         cb(outputs, outputs, 1))


def resnet(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return two 3x3 convolutions, the basic block: 7 to 8 times the size (the review: 6.5)."""
    return nn.Sequential(cbr(inputs, outputs, 3, stride), cb(outputs, outputs, 3))


MODULES = {
    'mobilenet': mobilenet,
    'shufflenet': shufflenet,
    'inception': inception,
    'resnext': resnext,
    'resnet': resnet,
}


class ComparedESPNetC(Encoder):
    """
    ESPNet-C whose ESP modules, strided ones too, are replaced by modules of another network.

    :param classes: number of output channels, at least 1.
    :param p: repeats at level 2 (alpha_2).
    :param q: repeats at level 3 (alpha_3).
    :param module: a key of MODULES.
    :raises NetworkError: unknown module.
    """

    def __init__(self, classes: int = 20, p: int = 2, q: int = 8,
                 module: str = 'mobilenet') -> None:
        if module not in MODULES:
            raise NetworkError(unknown_key_sentence('module', module, tuple(MODULES)))

        def build(inputs: int, outputs: int, stride: int) -> nn.Module:
            residual = stride == 1 and inputs == outputs
            return Residual(MODULES[module](inputs, outputs, stride), outputs, residual)

        super().__init__(classes, p, q, Flow(share=True, reinforce=True), build)


class ShuffleUnit(nn.Module):
    """
    Unit of ShuffleNetv2: half of the channels pass, half are filtered, then both are shuffled.

    :param inputs: channels in.
    :param outputs: channels out, even; at stride 1 equal to ``inputs``.
    :param stride: 1, or 2 where both halves see all channels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        half = outputs // 2
        self.split = half if stride == 1 else 0
        self.passed = None
        if stride == 2:
            self.passed = nn.Sequential(depthwise(inputs, stride), pointwise(inputs, half))
        self.filtered = nn.Sequential(pointwise(inputs - self.split, half),
                                      depthwise(half, stride), pointwise(half, half))

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H or ceil(H / 2), ...)."""
        passed = features[:, :self.split] if self.passed is None else self.passed(features)
        filtered = self.filtered(features[:, self.split:])
        return shuffle_channels(torch.cat([passed, filtered], dim=1), 2)


def depthwise(channels: int, stride: int) -> nn.Module:
    """Return depth-wise 3x3 convolution and normalisation."""
    return nn.Sequential(conv(channels, channels, 3, stride, groups=channels),
                         nn.BatchNorm2d(channels))


def pointwise(inputs: int, outputs: int) -> nn.Module:
    """Return 1x1 convolution, normalisation and ReLU."""
    return nn.Sequential(conv(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU())


def shuffle_stage(inputs: int, outputs: int, repeats: int) -> nn.Sequential:
    """
    Return a stage of ShuffleNetv2.

    :param inputs: channels in.
    :param outputs: channels out.
    :param repeats: units, the first of which halves the map.
    """
    units: List[nn.Module] = [ShuffleUnit(inputs, outputs, 2)]
    units += [ShuffleUnit(outputs, outputs, 1) for _ in range(repeats - 1)]
    return nn.Sequential(*units)


SHUFFLENETV2_CHANNELS = (24, 24, 176, 352)  # width 1.5, 299 M multiply-adds as a classifier
SHUFFLENETV2_REPEATS = (4, 8)


class ShuffleNetv2Encoder(nn.Module):
    """ShuffleNetv2 of width 1.5 up to 1/16 of the image's size, where ESPNetv2's ends too."""

    def __init__(self) -> None:
        super().__init__()
        c1, c2, c3, c4 = SHUFFLENETV2_CHANNELS
        self.level1 = nn.Sequential(conv(3, c1, 3, 2), nn.BatchNorm2d(c1), nn.ReLU())
        self.level2 = nn.MaxPool2d(3, 2, 1)
        self.level3 = shuffle_stage(c2, c3, SHUFFLENETV2_REPEATS[0])
        self.level4 = shuffle_stage(c3, c4, SHUFFLENETV2_REPEATS[1])

    def forward(self, images: Tensor) -> Features:
        """Map (N, 3, H, W) to maps of 1/2, 1/4, 1/8 and 1/16 of its size."""
        level1 = self.level1(images)
        level2 = self.level2(level1)
        level3 = self.level3(level2)
        return level1, level2, level3, self.level4(level3)


class ShuffleNetv2Segmentation(PaperSegmentation):
    """
    ShuffleNetv2 segmentation with the decoder of the ESPNetv2 paper (Figure 7b).

    :param classes: number of output channels, at least 1.
    """

    def __init__(self, classes: int = 20) -> None:
        super().__init__(ShuffleNetv2Encoder(), SHUFFLENETV2_CHANNELS, classes, DROPOUT)
