# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Building blocks that every network shares: convolution groups and exact resampling.

Resampling is written for export: sizes are plain integers when a graph is traced, and pooling
to a size that does not divide is the constant linear map that it is.
"""

from typing import List, Tuple

from espnet_perception.errors import NetworkError
import torch
from torch import nn, Tensor
import torch.nn.functional as F

EPSILON = 1e-5  # of batch normalisation; ESPNet of 2018 has its own


class ConvBNAct(nn.Module):
    """
    Convolution, batch normalisation, PReLU ("CBR"); the padding keeps ceil(size / stride).

    :param inputs: channels in.
    :param outputs: channels out.
    :param kernel: side of the square kernel, odd.
    :param stride: stride.
    :param groups: groups of the convolution.
    :param epsilon: of the normalisation.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1,
                 groups: int = 1, epsilon: float = EPSILON) -> None:
        super().__init__()
        self.conv = conv(inputs, outputs, kernel, stride, groups)
        self.bn = nn.BatchNorm2d(outputs, eps=epsilon)
        self.act = nn.PReLU(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        return self.act(self.bn(self.conv(features)))


class ConvBN(nn.Module):
    """
    Point-wise convolution and batch normalisation without activation.

    :param inputs: channels in.
    :param outputs: channels out.
    :param groups: groups of the convolution.
    """

    def __init__(self, inputs: int, outputs: int, groups: int = 1) -> None:
        super().__init__()
        self.conv = conv(inputs, outputs, 1, groups=groups)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return self.bn(self.conv(features))


class BNAct(nn.Module):
    """
    Batch normalisation and PReLU.

    :param channels: channels in and out.
    :param epsilon: of the normalisation.
    """

    def __init__(self, channels: int, epsilon: float = EPSILON) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=epsilon)
        self.act = nn.PReLU(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        return self.act(self.bn(features))


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1,
         dilation: int = 1) -> nn.Conv2d:
    """
    Return a bias-free convolution padded to keep ceil(size / stride).

    :param inputs: channels in.
    :param outputs: channels out.
    :param kernel: side of the square kernel, odd.
    :param stride: stride.
    :param groups: groups.
    :param dilation: dilation rate.
    """
    padding = (kernel - 1) // 2 * dilation
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False)


def spatial_size(features: Tensor) -> Tuple[int, int]:
    """
    Return (H, W) as plain integers, so that a traced graph holds constants.

    :param features: (N, C, H, W).
    """
    return int(features.shape[2]), int(features.shape[3])


def halve(features: Tensor) -> Tensor:
    """
    Average over 3x3 windows at stride 2; zeros of the border count in the divisor 9.

    :param features: (N, C, H, W).
    :return: (N, C, ceil(H / 2), ceil(W / 2)).
    """
    return F.avg_pool2d(features, kernel_size=3, stride=2, padding=1)


def resize_bilinear(features: Tensor, size: Tuple[int, int]) -> Tensor:
    """
    Resize with aligned corners, as all released ESPNetv2 networks do.

    :param features: (N, C, h, w).
    :param size: target (H, W).
    :return: (N, C, H, W).
    """
    if spatial_size(features) == tuple(size):
        return features
    return F.interpolate(features, size=size, mode='bilinear', align_corners=True)


def double(features: Tensor) -> Tensor:
    """Enlarge a map to twice its size, (N, C, H, W) to (N, C, 2H, 2W)."""
    height, width = spatial_size(features)
    return resize_bilinear(features, (2 * height, 2 * width))


def check_multiple(size: Tuple[int, int], multiple: int, network: str) -> None:
    """
    Refuse an input whose maps would not join.

    :param size: (H, W) of the input in pixels.
    :param multiple: what both sides must be multiples of.
    :param network: who says so.
    :raises NetworkError: other sides.
    """
    if any(side < multiple or side % multiple for side in size):
        raise NetworkError('{} got an input of {}x{} pixels, expected multiples of {}; resize to '
                           '{}x{}'.format(network, size[1], size[0], multiple,
                                          nearest_multiple(size[1], multiple),
                                          nearest_multiple(size[0], multiple)))


def nearest_multiple(side: int, multiple: int) -> int:
    """
    Return the nearest side that a network takes.

    :param side: pixels.
    :param multiple: what it must be a multiple of.
    """
    return max(multiple, (side + multiple // 2) // multiple * multiple)


def adaptive_average(features: Tensor, size: Tuple[int, int]) -> Tensor:
    """
    Average to a given size over windows [floor(i*in/out), ceil((i+1)*in/out)).

    Equal to ``adaptive_avg_pool2d``, which neither ONNX nor TensorRT can express where the size
    does not divide. Each axis is a constant linear map, written in its cheapest exact form.

    :param features: (N, C, h, w).
    :param size: target (H, W).
    :return: (N, C, H, W).
    """
    height, width = spatial_size(features)
    out_height, out_width = size
    if height % out_height == 0 and width % out_width == 0:
        step = (height // out_height, width // out_width)
        return features if step == (1, 1) else F.avg_pool2d(features, step, step)
    return _average_axis(_average_axis(features, 2, out_height), 3, out_width)


def _average_axis(features: Tensor, axis: int, out_size: int) -> Tensor:
    in_size = int(features.shape[axis])
    if in_size % out_size == 0:
        step = in_size // out_size
        kernel = (step, 1) if axis == 2 else (1, step)
        return features if step == 1 else F.avg_pool2d(features, kernel, kernel)
    if in_size * 2 == out_size * 3:
        return _average_three_to_two(features, axis)
    matrix = pooling_matrix(in_size, out_size).to(features)
    if axis == 3:
        return torch.matmul(features, matrix.t())
    return torch.matmul(matrix, features)


def _average_three_to_two(features: Tensor, axis: int) -> Tensor:
    """Average windows 0-1, 1-2, 3-4, 4-5 ...: every window of a 3:2 reduction has two samples."""
    if axis == 2:
        left = F.avg_pool2d(features, (2, 1), (3, 1))
        right = F.avg_pool2d(features[:, :, 1:], (2, 1), (3, 1))
    else:
        left = F.avg_pool2d(features, (1, 2), (1, 3))
        right = F.avg_pool2d(features[:, :, :, 1:], (1, 2), (1, 3))
    batch, channels, height, width = (int(side) for side in left.shape)
    shape = [batch, channels, height, width]
    shape[axis] *= 2
    return torch.stack((left, right), dim=axis + 1).reshape(shape)


def pooling_matrix(in_size: int, out_size: int) -> Tensor:
    """
    Return adaptive average pooling of one axis as a matrix.

    :param in_size: samples in.
    :param out_size: samples out.
    :return: (out_size, in_size) float64; row i averages [floor(i*in/out), ceil((i+1)*in/out)).
    """
    rows: List[List[float]] = []
    for index in range(out_size):
        start = index * in_size // out_size
        stop = -(-(index + 1) * in_size // out_size)
        rows.append([1.0 / (stop - start) if start <= position < stop else 0.0
                     for position in range(in_size)])
    return torch.tensor(rows, dtype=torch.float64)


def global_average(features: Tensor) -> Tensor:
    """
    Average over the whole map.

    :param features: (N, C, H, W).
    :return: (N, C, 1, 1).
    """
    return features.mean(dim=(2, 3), keepdim=True)


def shuffle_channels(features: Tensor, groups: int) -> Tensor:
    """
    Interleave groups of channels: channel g*n + c moves to c*groups + g.

    :param features: (N, C, H, W) with C divisible by groups.
    :param groups: number of groups.
    """
    batch, channels, height, width = (int(side) for side in features.shape)
    grouped = features.reshape(batch, groups, channels // groups, height, width)
    return grouped.transpose(1, 2).reshape(batch, channels, height, width)
