# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The form of a network that engines run: same function, fewer and cheaper steps.

- Batch normalisation is folded into the convolution before it, in float64; where it follows a
  concatenation or a sum it becomes a depth-wise 1x1 convolution, which runtimes keep in their
  fast memory layout.

Of ESPNetv2Segmentation, besides:

- The channel shuffle and grouped 3x3 of a pyramid pool become a depth-wise 3x3 and a sum.
- The last point-wise convolution runs after the last enlargement (both are linear, so they
  commute), on half as many channels.
"""

import copy

from espnet_perception.networks.layers import (
    BNAct,
    ConvBN,
    ConvBNAct,
    resize_bilinear,
    spatial_size,
)
from espnet_perception.networks.segmentation import (
    ESPNetv2Segmentation,
    filter_pyramid,
    PyramidPool,
)
import torch
from torch import nn, Tensor


def fuse(network: nn.Module) -> nn.Module:
    """
    Return the form of a network that engines run.

    :param network: any trained network of NETWORKS; it is not changed.
    :return: the same function in evaluation mode; what an ESPNetv2Segmentation gains beyond the
        folded normalisation is in FusedSegmentation.
    """
    if isinstance(network, ESPNetv2Segmentation):
        return FusedSegmentation(network)
    return fold(copy.deepcopy(network).eval())


class FusedSegmentation(nn.Module):
    """
    An ESPNetv2Segmentation in evaluation mode with every constant folded.

    :param network: the trained network; it is not changed.
    """

    def __init__(self, network: ESPNetv2Segmentation) -> None:
        super().__init__()
        self.folded = fold(copy.deepcopy(network).eval())

    def forward(self, images: Tensor) -> Tensor:
        """
        Return the class scores of every pixel.

        :param images: (N, 3, H, W) float32, normalised; sides as the network takes them.
        :return: (N, classes, H, W) logits, equal to the network's but for rounding.
        """
        last = self.folded.pyramid4
        enlarged = resize_bilinear(last.mixed(self.folded.decode(images)), spatial_size(images))
        return pointwise_planar(enlarged, last.expand)


class FusedPyramidPool(nn.Module):
    """
    A PyramidPool with folded constants.

    :param pool: the trained block.
    """

    def __init__(self, pool: PyramidPool) -> None:
        super().__init__()
        self.scales = pool.scales
        self.project = fold_conv_act(pool.project)
        self.normalise = fold_bn_act(pool.normalise)
        grouped = fold_conv(pool.merge.conv, pool.merge.bn)
        self.filter = split_groups(grouped)
        self.sum = sum_of_groups(grouped)
        self.act = pool.merge.act
        self.expand = pool.expand
        self.finish = None
        if pool.finish is not None:
            self.expand = fold_conv(pool.expand, pool.finish.bn)
            self.finish = pool.finish.act

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        expanded = self.expand(self.mixed(features))
        return expanded if self.finish is None else self.finish(expanded)

    def mixed(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to the (N, planes, H, W) that the last convolution expands."""
        pyramid = self.normalise(filter_pyramid(self.project(features), self.scales))
        return self.act(self.sum(self.filter(pyramid)))


def fold(module: nn.Module) -> nn.Module:
    """
    Replace every block that has a folded form.

    :param module: changed in place.
    :return: the same module.
    """
    for name, child in module.named_children():
        replace = FOLDED_FORMS.get(type(child), fold)
        setattr(module, name, replace(child))
    return module


def fold_conv_act(block: ConvBNAct) -> nn.Module:
    """Return convolution and activation of a ConvBNAct."""
    return nn.Sequential(fold_conv(block.conv, block.bn), block.act)


def fold_conv_bn(block: ConvBN) -> nn.Module:
    """Return the convolution of a ConvBN."""
    return fold_conv(block.conv, block.bn)


def fold_bn_act(block: BNAct) -> nn.Module:
    """Return a BNAct as depth-wise 1x1 convolution and activation."""
    return nn.Sequential(fold_bn(block.bn), block.act)


def fold_bn(bn: nn.BatchNorm2d) -> nn.Module:
    """Return a normalisation that stands alone as depth-wise 1x1 convolution."""
    channels = bn.num_features
    identity = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
    identity.weight.data.fill_(1.0)
    return fold_conv(identity, bn)


def fold_conv(conv: nn.Conv2d, bn: nn.BatchNorm2d) -> nn.Conv2d:
    """
    Fold running statistics into a bias-free convolution, computed in float64.

    :param conv: the convolution.
    :param bn: the normalisation that follows it.
    :return: one convolution with bias.
    """
    factor = bn.weight.double() / torch.sqrt(bn.running_var.double() + bn.eps)
    folded = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride,
                       conv.padding, conv.dilation, conv.groups, bias=True)
    folded.weight.data = (conv.weight.double() * factor.reshape(-1, 1, 1, 1)).float()
    folded.bias.data = (bn.bias.double() - bn.running_mean.double() * factor).float()
    return folded


def split_groups(grouped: nn.Conv2d) -> nn.Conv2d:
    """
    Return the depth-wise half of a grouped convolution over channels that are not shuffled.

    :param grouped: one group per output channel, the inputs of a group together.
    :return: depth-wise convolution over inputs in the order (place in the group, group).
    """
    channels = grouped.in_channels
    depthwise = nn.Conv2d(channels, channels, grouped.kernel_size, 1, grouped.padding,
                          groups=channels, bias=False)
    weight = grouped.weight.data.transpose(0, 1)
    depthwise.weight.data = weight.reshape(channels, 1, *grouped.kernel_size).clone()
    return depthwise


def sum_of_groups(grouped: nn.Conv2d) -> nn.Conv2d:
    """Return the summing half of a grouped convolution, with its bias; see split_groups."""
    planes = grouped.out_channels
    total = nn.Conv2d(grouped.in_channels, planes, 1)
    places = grouped.in_channels // planes
    total.weight.data = torch.eye(planes).repeat(1, places).reshape(planes, -1, 1, 1)
    total.bias.data = grouped.bias.data.clone()
    return total


def pointwise_planar(features: Tensor, conv: nn.Conv2d) -> Tensor:
    """
    Apply a 1x1 convolution so that the classes come out as planes in memory.

    Arg-max over planes is many times faster than over interleaved channels; a matrix product
    with the transposed pixels yields planes from any layout.

    :param features: (N, C, H, W).
    :param conv: 1x1 convolution with bias, C to classes.
    :return: (N, classes, H, W).
    """
    batch, channels, height, width = (int(side) for side in features.shape)
    pixels = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    weight = conv.weight.reshape(1, conv.out_channels, channels)
    planes = torch.matmul(weight, pixels.transpose(1, 2)) + conv.bias.reshape(1, -1, 1)
    return planes.reshape(batch, conv.out_channels, height, width)


FOLDED_FORMS = {
    ConvBNAct: fold_conv_act,
    ConvBN: fold_conv_bn,
    BNAct: fold_bn_act,
    nn.BatchNorm2d: fold_bn,
    PyramidPool: FusedPyramidPool,
}
