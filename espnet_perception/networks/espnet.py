# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
ESPNet (ECCV 2018): ESP module, ESPNet-A, -B and -C, and the full network with its decoder.

ESPNet-C and ESPNet are those of github.com/sacmehta/ESPNet (MIT), whose weights ``upstream.py``
reads. ESPNet-A and ESPNet-B were never released; what is inferred is said in their docstrings.
``p`` and ``q`` are the depth multipliers alpha_2 and alpha_3: how often the ESP module is
repeated at 1/4 and at 1/8 of the image's size.
"""

from typing import Callable, NamedTuple, Tuple

from espnet_perception.errors import NetworkError, unknown_key_sentence
from espnet_perception.networks.layers import (
    BNAct,
    check_multiple,
    conv,
    ConvBNAct,
    halve,
    spatial_size,
)
import torch
from torch import nn, Tensor

DILATIONS = (1, 2, 4, 8, 16)
EPSILON = 1e-3  # of every batch normalisation; many released variances lie below it
LEVEL_CHANNELS = (16, 64, 128)
IMAGE_CHANNELS = 3

ModuleFactory = Callable[[int, int, int], nn.Module]


class ESP(nn.Module):
    """
    Efficient spatial pyramid of dilated convolutions: reduce, split, transform, merge.

    A 1x1 convolution reduces, five dilated 3x3 convolutions transform, hierarchical feature
    fusion adds up all but the first (which has more channels), and the sum with the input (where
    the shapes agree) is normalised. At stride 2 the reduction is a strided 3x3 convolution.

    :param inputs: channels in.
    :param outputs: channels out, at least 5.
    :param stride: 1 or 2.
    :raises NetworkError: fewer than 5 output channels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        if outputs < len(DILATIONS):
            raise NetworkError('an ESP module got {} output channels, expected at least {}; the '
                               'decoder of ESPNet has one per class'.format(
                                   outputs, len(DILATIONS)))
        reduced = outputs // len(DILATIONS)
        first = outputs - (len(DILATIONS) - 1) * reduced
        self.reduce = conv(inputs, reduced, 1 if stride == 1 else 3, stride)
        self.branches = nn.ModuleList(
            conv(reduced, first if rate == 1 else reduced, 3, dilation=rate)
            for rate in DILATIONS)
        self.fused = BNAct(outputs, EPSILON)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        reduced = self.reduce(features)
        pyramid = [branch(reduced) for branch in self.branches]
        for index in range(2, len(pyramid)):
            pyramid[index] = pyramid[index] + pyramid[index - 1]  # hierarchical feature fusion
        merged = torch.cat(pyramid, dim=1)
        return self.fused(merged + features if self.residual else merged)


class Flow(NamedTuple):
    """
    How information flows through the three variants of the encoder.

    :param share: join the output of a strided module with that of the modules after it.
    :param reinforce: join the pooled input image at levels 1 and 2.
    """

    share: bool
    reinforce: bool


class Encoder(nn.Module):
    """
    What ESPNet-A, -B and -C have in common.

    :param classes: number of output channels, at least 1.
    :param p: repeats at level 2 (alpha_2).
    :param q: repeats at level 3 (alpha_3).
    :param flow: the variant.
    :param module: builds what stands in the place of the ESP module (see ``comparison.py``) from
        channels in, channels out and stride.
    :raises NetworkError: no class, or a negative number of repeats.
    """

    side_multiple = 8

    def __init__(self, classes: int, p: int, q: int, flow: Flow,
                 module: ModuleFactory = ESP) -> None:
        super().__init__()
        if classes < 1 or p < 0 or q < 0:
            raise NetworkError('ESPNet got {} classes, p = {} and q = {}, expected at least 1 '
                               'class and no negative repeats'.format(classes, p, q))
        self.classes = classes
        self.flow = flow
        image = IMAGE_CHANNELS if flow.reinforce else 0
        c1, c2, c3 = LEVEL_CHANNELS
        joined1 = c1 + image
        joined2 = 2 * c2 + image if flow.share else c2
        joined3 = 2 * c3 if flow.share else c3
        self.level1 = ConvBNAct(IMAGE_CHANNELS, c1, 3, stride=2, epsilon=EPSILON)
        self.join1 = BNAct(joined1, EPSILON) if flow.reinforce else None
        self.level2_down = module(joined1, c2, 2)
        self.level2 = nn.Sequential(*[module(c2, c2, 1) for _ in range(p)])
        self.join2 = BNAct(joined2, EPSILON) if flow.share else None
        self.level3_down = module(joined2, c3, 2)
        self.level3 = nn.Sequential(*[module(c3, c3, 1) for _ in range(q)])
        self.join3 = BNAct(joined3, EPSILON) if flow.share else None
        self.classifier = conv(joined3, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """
        Return the class scores at an eighth of the size.

        :param images: (N, 3, H, W) float32, normalised.
        :return: (N, classes, ceil(H/8), ceil(W/8)) logits.
        """
        return self.classifier(self.features(images)[3])

    def features(self, images: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return level 1 before and after the join, and the joined levels 2 and 3."""
        level1 = self.level1(images)  # 1/2
        half = halve(images)
        joined1 = level1 if self.join1 is None else self.join1(torch.cat([level1, half], dim=1))
        joined2 = self._level2(joined1, half)  # 1/4
        down3 = self.level3_down(joined2)
        joined3 = self.level3(down3)  # 1/8
        if self.join3 is not None:
            joined3 = self.join3(torch.cat([down3, joined3], dim=1))
        return level1, joined1, joined2, joined3

    def _level2(self, joined1: Tensor, half: Tensor) -> Tensor:
        down2 = self.level2_down(joined1)
        level2 = self.level2(down2)
        if self.join2 is None:
            return level2
        maps = [level2, down2] + ([halve(half)] if self.flow.reinforce else [])
        return self.join2(torch.cat(maps, dim=1))


class ESPNetA(Encoder):
    """
    ESPNet-A: strided convolution, then ESP modules one after the other.

    Inferred: the channels of each level (16, 64, 128, those of the released ESPNet-C), and a
    plain 1x1 convolution as the last layer ("all layers are followed by batch normalisation and
    PReLU except the last").

    :param classes: number of output channels, at least 1.
    :param p: repeats at level 2 (alpha_2).
    :param q: repeats at level 3 (alpha_3).
    """

    def __init__(self, classes: int = 20, p: int = 2, q: int = 8) -> None:
        super().__init__(classes, p, q, Flow(share=False, reinforce=False))


class ESPNetB(Encoder):
    """
    ESPNet-B: ESPNet-A that shares maps between a strided module and the modules after it.

    Inferred: sharing is concatenation with batch normalisation and PReLU after it, in the orders
    of the released ESPNet-C (repeated modules first at level 2, strided module first at level 3);
    it is ESPNet-C without the image.

    :param classes: number of output channels, at least 1.
    :param p: repeats at level 2 (alpha_2).
    :param q: repeats at level 3 (alpha_3).
    """

    def __init__(self, classes: int = 20, p: int = 2, q: int = 8) -> None:
        super().__init__(classes, p, q, Flow(share=True, reinforce=False))


class ESPNetC(Encoder):
    """
    ESPNet-C: ESPNet-B with the pooled input image joined at levels 1 and 2, as released.

    :param classes: number of output channels, at least 1.
    :param p: repeats at level 2 (alpha_2).
    :param q: repeats at level 3 (alpha_3); weights were released for 3, 5 and 8.
    """

    def __init__(self, classes: int = 20, p: int = 2, q: int = 8) -> None:
        super().__init__(classes, p, q, Flow(share=True, reinforce=True))


# Channels of the map of level 1 that the decoder joins. The authors published two networks that
# do not load each other's weights: 'test' joins the convolution's output (all Cityscapes weights,
# the paper's 0.364 M parameters), 'train' that output after its join with the image (CamVid
# weights, and whatever their training script makes).
DECODER_VARIANTS = {
    'test': LEVEL_CHANNELS[0],
    'train': LEVEL_CHANNELS[0] + IMAGE_CHANNELS,
}


class ESPNet(nn.Module):
    """
    ESPNet: ESPNet-C and a light decoder (reduce, upsample, merge) to the image's full size.

    :param classes: number of output channels, at least 5.
    :param p: repeats at level 2 (alpha_2).
    :param q: repeats at level 3 (alpha_3); weights were released for 3, 5 and 8.
    :param variant: a key of DECODER_VARIANTS.
    :raises NetworkError: unknown variant or fewer than 5 classes.
    """

    side_multiple = 8

    def __init__(self, classes: int = 20, p: int = 2, q: int = 8, variant: str = 'test') -> None:
        super().__init__()
        if variant not in DECODER_VARIANTS:
            raise NetworkError(unknown_key_sentence('variant of ESPNet', variant,
                                                    tuple(DECODER_VARIANTS)))
        self.classes = classes
        self.variant = variant
        self.encoder = ESPNetC(classes, p, q)
        self.project2 = conv(2 * LEVEL_CHANNELS[1] + IMAGE_CHANNELS, classes, 1)
        self.normalise3 = nn.BatchNorm2d(classes, eps=EPSILON)
        self.merge1 = ConvBNAct(classes + DECODER_VARIANTS[variant], classes, 3, epsilon=EPSILON)
        self.enlarge3 = deconvolution(classes)
        self.join2 = BNAct(2 * classes, EPSILON)
        self.merge2 = ESP(2 * classes, classes)
        self.enlarge2 = deconvolution(classes)
        self.act2 = BNAct(classes, EPSILON)
        self.classifier = deconvolution(classes)

    def forward(self, images: Tensor) -> Tensor:
        """
        Return the class scores of every pixel.

        :param images: (N, 3, H, W) float32, normalised; sides are multiples of 8.
        :return: (N, classes, H, W) logits.
        :raises NetworkError: other sides.
        """
        check_multiple(spatial_size(images), self.side_multiple, type(self).__name__)
        level1, joined1, joined2, joined3 = self.encoder.features(images)
        coarse = self.normalise3(self.encoder.classifier(joined3))  # 1/8
        coarse = torch.cat([self.project2(joined2), self.enlarge3(coarse)], dim=1)  # 1/4
        middle = self.act2(self.enlarge2(self.merge2(self.join2(coarse))))  # 1/2
        skip = level1 if self.variant == 'test' else joined1
        return self.classifier(self.merge1(torch.cat([middle, skip], dim=1)))


def deconvolution(channels: int) -> nn.ConvTranspose2d:
    """
    Return a bias-free transposed convolution that doubles a map.

    :param channels: channels in and out.
    """
    return nn.ConvTranspose2d(channels, channels, 2, stride=2, bias=False)


VARIANTS = {  # (q, variant): parameters with 20 classes and p = 2
    (3, 'test'): 202649, (5, 'test'): 267417, (8, 'test'): 364569,
    (3, 'train'): 203189, (5, 'train'): 267957, (8, 'train'): 365109,
}
