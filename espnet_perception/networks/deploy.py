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
        images = self.normalise(image_bgr)
        logits = self.network(images)
        if logits.dim() == 4:
            logits = resize_bilinear(logits, spatial_size(images))
        if self.product == 'logits':
            return logits
        labels = logits.argmax(dim=1).to(torch.uint8)
        if self.product == 'labels':
            return labels
        best = logits.max(dim=1, keepdim=True)[0]
        probability = 1.0 / torch.exp(logits - best).sum(dim=1)
        return labels, (probability * 255.0 + 0.5).to(torch.uint8)
