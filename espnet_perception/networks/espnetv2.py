# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
ESPNetv2 encoder: ESPNetv2 (CVPR 2019), section 3.3 and Table 2, levels 1 to 4.

Released weights: github.com/sacmehta/EdgeNets and ESPNetv2 (MIT), read by ``upstream.py``.
"""

from typing import NamedTuple, Tuple

from espnet_perception.errors import NetworkError
from espnet_perception.networks.eesp import Design, EESP, PAPER_DESIGN, StridedEESP
from espnet_perception.networks.layers import ConvBNAct, halve
from torch import nn, Tensor

Features = Tuple[Tensor, Tensor, Tensor, Tensor]

# Largest effective kernel of the strided unit and of the EESP units of a level. Strided units
# of levels 4 and 5 take the limit of the level they come from, as the released networks do.
STRIDED_LIMITS = {2: 13, 3: 11, 4: 9, 5: 7}
LEVEL_LIMITS = {3: 9, 4: 7, 5: 5}
REPEATS = {3: 3, 4: 7, 5: 3}


class Widths(NamedTuple):
    """Channels per level (Table 2)."""

    level1: int
    level2: int
    level3: int
    level4: int
    level5: int
    head: int


WIDTHS = {
    0.5: Widths(16, 32, 64, 128, 256, 1024),
    1.0: Widths(32, 64, 128, 256, 512, 1024),
    1.25: Widths(32, 80, 160, 320, 640, 1024),
    1.5: Widths(32, 96, 192, 384, 768, 1024),
    1.75: Widths(32, 112, 224, 448, 896, 1280),
    2.0: Widths(32, 128, 256, 512, 1024, 1280),
}


def widths_of(width: float) -> Widths:
    """
    Return the channels of a width factor.

    :param width: width factor s of Table 2.
    :raises NetworkError: a factor that Table 2 does not have.
    """
    try:
        return WIDTHS[float(width)]
    except (KeyError, TypeError, ValueError):
        raise NetworkError('ESPNetv2 got width {!r}, expected one of {}'.format(
            width, ', '.join(str(factor) for factor in sorted(WIDTHS))))


class Encoder(nn.Module):
    """
    Levels 1 to 4 of ESPNetv2, with the image reinforcing each strided unit.

    :param width: width factor s of Table 2.
    :param design: what an ablation leaves out.
    :raises NetworkError: unknown width.
    """

    def __init__(self, width: float, design: Design = PAPER_DESIGN) -> None:
        super().__init__()
        self.widths = widths_of(width)
        c1, c2, c3, c4 = self.widths[:4]
        self.level1 = ConvBNAct(3, c1, 3, stride=2)
        self.level2_down = StridedEESP(c1, c2, STRIDED_LIMITS[2], design)
        self.level3_down = StridedEESP(c2, c3, STRIDED_LIMITS[3], design)
        self.level3 = eesp_stack(3, c3, design)
        self.level4_down = StridedEESP(c3, c4, STRIDED_LIMITS[4], design)
        self.level4 = eesp_stack(4, c4, design)
        initialise(self)

    def forward(self, images: Tensor) -> Features:
        """
        Return the features of levels 1 to 4.

        :param images: (N, 3, H, W) float32, normalised.
        :return: maps of 1/2, 1/4, 1/8 and 1/16 of the input's size (rounded up).
        """
        level1 = self.level1(images)  # 1/2
        quarter = halve(halve(images))
        level2 = self.level2_down(level1, quarter)  # 1/4
        eighth = halve(quarter)
        level3 = self.level3(self.level3_down(level2, eighth))  # 1/8
        level4 = self.level4(self.level4_down(level3, halve(eighth)))  # 1/16
        return level1, level2, level3, level4


def eesp_stack(level: int, channels: int, design: Design = PAPER_DESIGN) -> nn.Sequential:
    """
    Return the repeated EESP units of a level (Table 2, column Repeat).

    :param level: 3, 4 or 5.
    :param channels: channels of the level.
    :param design: what an ablation leaves out.
    """
    return nn.Sequential(*[EESP(channels, channels, 1, LEVEL_LIMITS[level], design)
                           for _ in range(REPEATS[level])])


def initialise(network: nn.Module) -> None:
    """
    Initialise convolutions and linear layers as the released training code does.

    Kaiming normal (fan out) for convolutions, 1 and 0 for batch normalisation, normal with
    standard deviation 0.001 for linear layers (section 4.1, "method described in [11]").

    :param network: changed in place.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode='fan_out')
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.001)
            nn.init.zeros_(module.bias)
