# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
ESPNetv2 segmentation network with the released decoder of efficient pyramid pooling.

The encoder is that of the paper (ESPNetv2, CVPR 2019, section 4.2); the decoder is the one that
was released with EdgeNets (MIT) and gave 66.2 mIoU on the Cityscapes test set. It is not the
decoder of the paper's Figure 7c, which has more parameters and lower accuracy.
"""

import math
from typing import Tuple

from espnet_perception.errors import NetworkError
from espnet_perception.networks.espnetv2 import Encoder, initialise
from espnet_perception.networks.layers import (
    adaptive_average,
    BNAct,
    conv,
    ConvBNAct,
    double,
    global_average,
    nearest_multiple,
    resize_bilinear,
    shuffle_channels,
    spatial_size,
)
import torch
from torch import nn, Tensor

PYRAMID_SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)
SMALLEST_MAP = 5
SIDE_MULTIPLE = 16


class PyramidPool(nn.Module):
    """
    Efficient pyramid pooling: one depth-wise 3x3 per scale on a narrow projection.

    :param inputs: channels in.
    :param planes: channels of the projection.
    :param outputs: channels out.
    :param last: the last one ends in a biased convolution without normalisation.
    """

    def __init__(self, inputs: int, planes: int, outputs: int, last: bool = False) -> None:
        super().__init__()
        self.scales = nn.ModuleList(conv(planes, planes, 3, groups=planes)
                                    for _ in PYRAMID_SCALES)
        self.project = ConvBNAct(inputs, planes, 1)
        self.normalise = BNAct(planes * len(PYRAMID_SCALES))
        self.merge = ConvBNAct(planes * len(PYRAMID_SCALES), planes, 3, groups=planes)
        self.expand = nn.Conv2d(planes, outputs, 1, bias=last)
        self.finish = None if last else BNAct(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        expanded = self.expand(self.mixed(features))
        return expanded if self.finish is None else self.finish(expanded)

    def mixed(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to the (N, planes, H, W) that the last convolution expands."""
        pyramid = self.normalise(filter_pyramid(self.project(features), self.scales))
        return self.merge(shuffle_channels(pyramid, len(PYRAMID_SCALES)))


def filter_pyramid(features: Tensor, filters: nn.ModuleList) -> Tensor:
    """
    Filter a map at every scale of the pyramid.

    :param features: (N, C, H, W).
    :param filters: one depth-wise filter per scale.
    :return: (N, scales * C, H, W), the channels of one scale together.
    """
    return torch.cat([filter_at_scale(features, scale, depthwise)
                      for scale, depthwise in zip(PYRAMID_SCALES, filters)], dim=1)


def filter_at_scale(features: Tensor, scale: float, depthwise: nn.Module) -> Tensor:
    """
    Filter a map at another scale and bring it back to its size.

    :param features: (N, C, H, W).
    :param scale: factor; the filtered map has ceil(side * scale) pixels, at least 5.
    :param depthwise: the filter.
    :return: (N, C, H, W).
    """
    if scale == 1.0:
        return depthwise(features)
    size = spatial_size(features)
    scaled = (scaled_side(size[0], scale), scaled_side(size[1], scale))
    if scale > 1.0:
        return adaptive_average(depthwise(resize_bilinear(features, scaled)), size)
    return resize_bilinear(depthwise(adaptive_average(features, scaled)), size)


def scaled_side(side: int, scale: float) -> int:
    """
    Return the side of a map at a scale: rounded up, at least 5.

    :param side: pixels.
    :param scale: factor.
    """
    return max(SMALLEST_MAP, int(math.ceil(side * scale)))


class Gate(nn.Module):
    """
    Skip connection: grouped 3x3 features times a gate from the global average of the input.

    :param inputs: channels in.
    :param outputs: channels out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = conv(inputs, outputs, 1)
        self.value = ConvBNAct(inputs, outputs, 3, groups=math.gcd(inputs, outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return self.value(features) * torch.sigmoid(self.weight(global_average(features)))


class ESPNetv2Segmentation(nn.Module):
    """
    ESPNetv2 segmentation with the released decoder (EdgeNets).

    :param classes: number of output channels, at least 1.
    :param width: width factor s of Table 2; weights were released for 0.5, 1.0, 1.5 and 2.0.
    :param base: width of the decoder, at least 1; the released networks have 16.
    :param planes: channels that each pyramid pool works on; 0 takes the released rule, the
        smaller of classes / 2 and base, which starves the decoder of a few classes. With 10, the
        decoder of the released weights can be fine-tuned to any class count.
    :raises NetworkError: unknown width, no class or no decoder.
    """

    side_multiple = SIDE_MULTIPLE

    def __init__(self, classes: int = 20, width: float = 2.0, base: int = 16,
                 planes: int = 0) -> None:
        super().__init__()
        if classes < 1:
            raise NetworkError('a segmentation network got {} classes, expected at least 1'
                               .format(classes))
        if base < 1:
            raise NetworkError('the decoder got the width {}, expected at least 1; the released '
                               'networks have 16'.format(base))
        self.classes = classes
        d1, d2, d3 = 4 * base, 3 * base, 2 * base
        if planes < 0:
            raise NetworkError('the decoder got {} planes, expected at least 1, or 0 for the '
                               'released rule'.format(planes))
        planes = planes or max(1, min(classes // 2, base))
        self.encoder = Encoder(width)
        c1, c2, c3, c4 = self.encoder.widths[:4]
        self.pyramid1 = PyramidPool(c4, planes, d1)
        self.pyramid2 = PyramidPool(d1, planes, d2)
        self.pyramid3 = PyramidPool(d2, planes, d3)
        self.pyramid4 = PyramidPool(d3, planes, classes, last=True)
        self.gate2 = Gate(c3, d1)
        self.gate3 = Gate(c2, d2)
        self.gate4 = Gate(c1, d3)
        self.join2, self.join3, self.join4 = BNAct(d1), BNAct(d2), BNAct(d3)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """
        Return the class scores of every pixel.

        :param images: (N, 3, H, W) float32, normalised; each side 16k or 16k - 1.
        :return: (N, classes, H, W) logits.
        :raises NetworkError: sides that the skip connections cannot join.
        """
        decoded = self.pyramid4(self.decode(images))  # 1/2
        return resize_bilinear(decoded, spatial_size(images))

    def decode(self, images: Tensor) -> Tensor:
        """Return what the last pyramid pool takes, (N, 2 * base, ~H/2, ~W/2)."""
        check_sides(spatial_size(images))
        level1, level2, level3, level4 = self.encoder(images)
        decoded = self.pyramid1(level4)  # 1/16
        decoded = self.pyramid2(self.join2(self.gate2(level3) + double(decoded)))  # 1/8
        decoded = self.pyramid3(self.join3(self.gate3(level2) + double(decoded)))  # 1/4
        return self.join4(self.gate4(level1) + double(decoded))  # 1/2


def check_sides(size: Tuple[int, int]) -> None:
    """
    Refuse an input whose maps do not join.

    :param size: (H, W) of the input in pixels.
    :raises NetworkError: a side that is neither 16k nor 16k - 1.
    """
    for side in size:
        if side < SIDE_MULTIPLE - 1 or side % SIDE_MULTIPLE not in (0, SIDE_MULTIPLE - 1):
            raise NetworkError(
                'ESPNetv2Segmentation got an input of {}x{} pixels, expected sides of 16k or '
                '16k - 1; resize to {}x{}'.format(size[1], size[0], *[
                    nearest_multiple(edge, SIDE_MULTIPLE) for edge in reversed(size)]))


VARIANTS = {  # width factor: parameters with 20 classes
    0.5: 80342, 1.0: 234010, 1.25: 343106, 1.5: 468362, 2.0: 789242,
}
