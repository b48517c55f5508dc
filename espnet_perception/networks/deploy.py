# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The graph that engines run: camera pixels in, class ids out.

Normalisation, enlargement to full size, arg-max and confidence are part of the graph, so that
the class scores (40 MB at 1024x512) never leave the runtime.
"""

from typing import Sequence, Tuple, Union

from espnet_perception.networks.layers import resize_bilinear, spatial_size
import torch
from torch import nn, Tensor

PRODUCTS = ('labels', 'labels+confidence', 'logits')


class DeployedNetwork(nn.Module):
    """
    A network with its pre- and postprocessing.

    :param network: (N, 3, H, W) float32 to (N, classes, h, w) logits of any size, or to
        (N, classes) of a classifier.
    :param mean: mean per channel in the network's channel order, 0..255 units.
    :param std: standard deviation, likewise.
    :param channel_order: rgb or bgr, what the network takes.
    :param product: one of PRODUCTS; logits for a classifier.
    :param input_type: type of the pixels, uint8 or float32 (what a resize rule leaves).
    """

    label_type = torch.uint8
    confidence_type = torch.uint8

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float],
                 channel_order: str, product: str, input_type: str = 'uint8') -> None:
        super().__init__()
        self.network = network
        self.product = product
        self.input_type = input_type
        self.channels = [2, 1, 0] if channel_order == 'rgb' else [0, 1, 2]
        std_tensor = torch.tensor(list(std), dtype=torch.float32)
        mean_tensor = torch.tensor(list(mean), dtype=torch.float32)
        self.register_buffer('scale', (1.0 / std_tensor).reshape(1, 3, 1, 1))
        self.register_buffer('offset', (-mean_tensor / std_tensor).reshape(1, 3, 1, 1))

    def normalise(self, image_bgr: Tensor) -> Tensor:
        """Map (N, H, W, 3) BGR pixels to (N, 3, H, W) float32 as the network was trained."""
        planes = image_bgr.permute(0, 3, 1, 2).float()
        return planes[:, self.channels] * self.scale + self.offset

    def forward(self, image_bgr: Tensor) -> Union[Tensor, Tuple[Tensor, Tensor]]:
        """
        Label every pixel.

        :param image_bgr: (N, H, W, 3) of the input type, 0..255.
        :return: labels (N, H, W) uint8; with confidence also (N, H, W) uint8, 255 times the
            softmax probability of the label; or logits (N, classes, H, W) float32, of a
            classifier (N, classes).
        """
        logits = full_size_scores(self.network, self.normalise(image_bgr))
        if self.product == 'logits':
            return logits
        labels = logits.argmax(dim=1).to(self.label_type)
        if self.product == 'labels':
            return labels
        best = logits.max(dim=1, keepdim=True)[0]
        # a division of tensors: from 255 / tensor the exporter makes Reciprocal, which is not on
        # the list of TensorRT 8.2
        confidence = torch.div(torch.tensor(255.0), torch.exp(logits - best).sum(dim=1))
        return labels, (confidence + 0.5).to(self.confidence_type)


class DeployedWithoutBytes(DeployedNetwork):
    """
    The same for runtimes that know no uint8, as TensorRT 8.2.

    Its input type is float32; labels are int32, and confidence is float32 in [0.5, 255.5], to be
    rounded down.
    """

    label_type = torch.int32
    confidence_type = torch.float32


class FullSizeScores(nn.Module):
    """
    A network whose class scores have the size of its input.

    :param network: as for DeployedNetwork.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, H, W) normalised planes to logits (N, classes, H, W) or (N, classes)."""
        return full_size_scores(self.network, images)


class HalfPrecision(nn.Module):
    """
    A network that computes in float16 between a float32 input and float32 logits.

    :param network: changed in place.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.half()

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, H, W) float32 to the logits as float32."""
        return self.network(images.half()).float()


def full_size_scores(network: nn.Module, images: Tensor) -> Tensor:
    """
    Run a network and enlarge its class scores to the size of the input.

    :param network: as for DeployedNetwork.
    :param images: (N, 3, H, W) normalised planes.
    :return: logits (N, classes, H, W), or (N, classes) of a classifier.
    """
    logits = network(images)
    return resize_bilinear(logits, spatial_size(images)) if logits.dim() == 4 else logits
