# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
ESPNetv2 segmentation with the paper's own decoder: ESPNetv2 (CVPR 2019), section 4.2, Figure 7.

This is the network of Figure 7c: 99 K parameters at width 0.5 and 725 K at 1.5. The paper does
not draw the decoder; it is built as the authors released it beside the first weights
(github.com/sacmehta/ESPNetv2, MIT), which ``upstream.py`` reads. The decoder of
``segmentation.py`` is smaller, newer and more accurate.
"""

from typing import Tuple, Union

from espnet_perception.errors import NetworkError
from espnet_perception.networks.eesp import EESP
from espnet_perception.networks.espnetv2 import Encoder, Features
from espnet_perception.networks.layers import (
    BNAct,
    check_multiple,
    conv,
    ConvBNAct,
    double,
    halve,
    resize_bilinear,
    spatial_size,
)
import torch
from torch import nn, Tensor

POOLED_SCALES = 4
MERGE_LIMIT = 7  # largest effective kernel of the EESP unit that joins levels 3 and 4
SMALL_WIDTH, SMALL_DROPOUT, DROPOUT = 0.5, 0.1, 0.2


class CascadedPool(nn.Module):
    """
    Pyramid pooling: the map halved again and again, one depth-wise 3x3 per size.

    :param channels: channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(conv(channels, channels, 3, groups=channels)
                                    for _ in range(POOLED_SCALES))
        self.project = ConvBNAct(channels * (POOLED_SCALES + 1), channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        size = spatial_size(features)
        pyramid, pooled = [features], features
        for depthwise in self.scales:
            pooled = halve(pooled)
            pyramid.append(resize_bilinear(depthwise(pooled), size))
        return self.project(torch.cat(pyramid, dim=1))


class PaperDecoder(nn.Module):
    """
    From the features of four levels to the scores of every pixel.

    :param channels: channels of levels 1 to 4; 4 divides that of level 3.
    :param classes: number of output channels.
    :param dropout: share of channels dropped in training.
    """

    def __init__(self, channels: Tuple[int, int, int, int], classes: int,
                 dropout: float) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels
        self.project4 = ConvBNAct(c4, c3, 1)
        self.merge = EESP(2 * c3, c3, largest_kernel=MERGE_LIMIT)
        self.pyramid = CascadedPool(c3)
        self.classify3 = conv(c3, classes, 1)
        self.act3 = BNAct(classes)
        self.project2 = ConvBNAct(c2 + classes, classes, 1)
        self.classify1 = conv(c1 + classes, classes, 1)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, features: Features) -> Tuple[Tensor, Tensor]:
        """
        Return the scores and those of the auxiliary branch.

        :param features: maps of 1/2, 1/4, 1/8 and 1/16 of the image's size.
        :return: (N, classes, H, W) logits, and (N, classes, H/8, W/8) logits of level 3.
        """
        level1, level2, level3, level4 = features
        merged = self.merge(torch.cat([level3, double(self.project4(level4))], dim=1))  # 1/8
        auxiliary = self.classify3(self.dropout(self.pyramid(merged)))  # 1/8
        joined = torch.cat([level2, double(self.act3(auxiliary))], dim=1)  # 1/4
        joined = torch.cat([level1, double(self.project2(joined))], dim=1)  # 1/2
        return double(self.classify1(self.dropout(joined))), auxiliary


class PaperSegmentation(nn.Module):
    """
    An encoder of four levels with the decoder of the paper.

    :param encoder: (N, 3, H, W) to maps of 1/2, 1/4, 1/8 and 1/16 of the size.
    :param channels: channels of these maps.
    :param classes: number of output channels, at least 1.
    :param dropout: share of the decoder's channels dropped in training.
    :raises NetworkError: no class.
    """

    side_multiple = 16

    def __init__(self, encoder: nn.Module, channels: Tuple[int, int, int, int], classes: int,
                 dropout: float) -> None:
        super().__init__()
        if classes < 1:
            raise NetworkError('a segmentation network got {} classes, expected at least 1'
                               .format(classes))
        self.classes = classes
        self.encoder = encoder
        self.decoder = PaperDecoder(channels, classes, dropout)

    def forward(self, images: Tensor) -> Union[Tensor, Tuple[Tensor, Tensor]]:
        """
        Return the class scores of every pixel.

        :param images: (N, 3, H, W) float32, normalised; sides are multiples of 16.
        :return: (N, classes, H, W) logits; in training also those of the auxiliary branch,
            enlarged to the same size, for a loss of their own.
        :raises NetworkError: other sides.
        """
        check_multiple(spatial_size(images), self.side_multiple, type(self).__name__)
        logits, auxiliary = self.decoder(self.encoder(images))
        if self.training:
            return logits, double(double(double(auxiliary)))
        return logits


class ESPNetv2PaperSegmentation(PaperSegmentation):
    """
    ESPNetv2 segmentation with the decoder of the paper (Figure 7c).

    :param classes: number of output channels, at least 1.
    :param width: width factor s of Table 2; weights were released for 0.5, 1.0 and 1.5.
    :raises NetworkError: unknown width or no class.
    """

    def __init__(self, classes: int = 20, width: float = 1.5) -> None:
        encoder = Encoder(width)
        super().__init__(encoder, encoder.widths[:4], classes,
                         SMALL_DROPOUT if width <= SMALL_WIDTH else DROPOUT)


VARIANTS = {  # width factor: parameters with 20 classes; 0.5 and 1.5 are Figure 7c
    0.5: 99418, 1.0: 340782, 1.5: 725166, 2.0: 1253038,
}
