# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
EESP unit and strided EESP unit: ESPNetv2 (CVPR 2019), section 3.2, Figures 1c and 2.

Module names follow the order in which the released checkpoints list their tensors, so that
``upstream.py`` only has to rename keys.
"""

from typing import List, NamedTuple, Optional

from espnet_perception.errors import NetworkError
from espnet_perception.networks.layers import BNAct, conv, ConvBN, ConvBNAct, halve
import torch
from torch import nn, Tensor

BRANCHES = 4


class Design(NamedTuple):
    """
    Parts of the units that the paper's ablations leave out (section 5, Tables 4 and 5).

    :param fusion: hierarchical feature fusion (HFF); else the branches are only concatenated.
    :param shortcut: long-range shortcut from the input image (LRSC) into strided units.
    :param grouped_reduction: group point-wise convolution for the reduction, else point-wise.
    """

    fusion: bool = True
    shortcut: bool = True
    grouped_reduction: bool = True


PAPER_DESIGN = Design()


def dilation_rates(largest_kernel: int, branches: int = BRANCHES) -> List[int]:
    """
    Return the dilation rate of each branch in ascending order.

    The branches nominally see 3, 5, 7, 9 pixels; one that would see more than the limit of its
    level sees 3 (section 3.3, effective receptive field per level).

    :param largest_kernel: largest effective kernel of the level in pixels.
    :param branches: number of parallel branches.
    """
    kernels = [3 + 2 * branch for branch in range(branches)]
    limited = sorted(kernel if kernel <= largest_kernel else 3 for kernel in kernels)
    return [(kernel - 1) // 2 for kernel in limited]


class EESP(nn.Module):
    """
    Extremely efficient spatial pyramid of depth-wise dilated separable convolutions.

    Reduce (grouped 1x1), four dilated depth-wise 3x3 branches, hierarchical feature fusion,
    expand (grouped 1x1), residual where the shapes agree.

    :param inputs: channels in, a multiple of 4.
    :param outputs: channels out, a multiple of 16 (of 4 where the reduction is not grouped).
    :param stride: 1, or 2 inside a strided unit, which then takes the raw expansion.
    :param largest_kernel: see :func:`dilation_rates`.
    :param design: what an ablation leaves out.
    :raises NetworkError: other widths.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, largest_kernel: int = 9,
                 design: Design = PAPER_DESIGN) -> None:
        super().__init__()
        groups = BRANCHES if design.grouped_reduction else 1
        if inputs % BRANCHES or outputs % (BRANCHES * groups):
            raise NetworkError('an EESP unit got {} -> {} channels, expected multiples of {} and '
                               '{}'.format(inputs, outputs, BRANCHES, BRANCHES * groups))
        reduced = outputs // BRANCHES
        self.stride = stride
        self.fusion = design.fusion
        self.reduce = ConvBNAct(inputs, reduced, 1, groups=groups)
        self.branches = nn.ModuleList(
            conv(reduced, reduced, 3, stride, groups=reduced, dilation=rate)
            for rate in dilation_rates(largest_kernel))
        self.expand = ConvBN(outputs, outputs, groups=BRANCHES)
        self.fused = BNAct(outputs)
        self.act = nn.PReLU(outputs)  # without use at stride 2, counted by the paper
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        reduced = self.reduce(features)
        pyramid = [self.branches[0](reduced)]
        for branch in list(self.branches)[1:]:
            filtered = branch(reduced)
            pyramid.append(filtered + pyramid[-1] if self.fusion else filtered)  # HFF
        expanded = self.expand(self.fused(torch.cat(pyramid, dim=1)))
        if self.stride == 2:
            return expanded
        return self.act(expanded + features if self.residual else expanded)


class StridedEESP(nn.Module):
    """
    Down-sampling unit with a shortcut from the input image (Figure 2).

    :param inputs: channels in.
    :param outputs: channels out, more than ``inputs``.
    :param largest_kernel: see :func:`dilation_rates`.
    :param design: what an ablation leaves out.
    """

    def __init__(self, inputs: int, outputs: int, largest_kernel: int,
                 design: Design = PAPER_DESIGN) -> None:
        super().__init__()
        self.eesp = EESP(inputs, outputs - inputs, 2, largest_kernel, design)
        self.reinforce = None
        if design.shortcut:
            self.reinforce = nn.Sequential(ConvBNAct(3, 3, 3), ConvBN(3, outputs))
        self.act = nn.PReLU(outputs)

    def forward(self, features: Tensor, pooled_image: Optional[Tensor] = None) -> Tensor:
        """
        Halve the features.

        :param features: (N, inputs, H, W).
        :param pooled_image: (N, 3, ceil(H/2), ceil(W/2)), the network's input image halved by
            repeated average pooling; None leaves the shortcut out (level 5 of the released
            networks owns the weights and does not use them).
        :return: (N, outputs, ceil(H/2), ceil(W/2)).
        """
        halved = torch.cat([halve(features), self.eesp(features)], dim=1)
        if self.reinforce is not None and pooled_image is not None:
            halved = halved + self.reinforce(pooled_image)
        return self.act(halved)
