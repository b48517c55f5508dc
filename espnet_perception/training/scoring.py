# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Score a network on a data set, with the preprocessing of its model card."""

from typing import Tuple

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import ConfusionMatrix
from espnet_perception.model_card import IMAGENET_MEAN, IMAGENET_STD
from espnet_perception.networks.layers import resize_bilinear
from espnet_perception.pipeline.preprocess import resize_antialiased, resize_nearest
from espnet_perception.training.datasets.pairs import PairDataset
import numpy as np
import torch
from torch import nn
from tqdm import tqdm


def normalised(images: torch.Tensor) -> torch.Tensor:
    """
    Turn pixels into a network's input.

    :param images: (B, H, W, 3) uint8, blue-green-red
    :returns: (B, 3, H, W) float32, red-green-blue, channels last in memory
    """
    mean = torch.tensor(IMAGENET_MEAN, device=images.device)
    std = torch.tensor(IMAGENET_STD, device=images.device)
    pixels = (images.flip(-1).float() - mean) / std
    return pixels.permute(0, 3, 1, 2)  # the strides are those of channels last already


@torch.inference_mode()
def confusion_of(network: nn.Module, dataset: PairDataset, size: Tuple[int, int],
                 quiet: bool = True) -> ConfusionMatrix:
    """
    Count hits and misses over a whole data set, as the papers measure.

    The image is resized to the network's size, its labels back to the mask's by nearest
    neighbour (ESPNetv2, section 4.2). Files that cannot be read are left out.

    :param network: in evaluation mode
    :param dataset: images with masks
    :param size: (height, width) of the network's input
    :param quiet: no progress bar
    :returns: one matrix over all images
    """
    device = next(network.parameters()).device
    confusion = ConfusionMatrix(len(dataset.label_set.classes))
    for index in tqdm(range(len(dataset)), desc='checking', disable=quiet, leave=False):
        try:
            image_bgr, truth = dataset.read(index)
        except DatasetError as error:
            tqdm.write('left out: {}'.format(error))
            continue
        image = torch.from_numpy(resize_antialiased(image_bgr, size))[None]
        logits = resize_bilinear(network(normalised(image.to(device))), size)
        labels = logits[0].argmax(0).cpu().numpy().astype(np.uint8)
        confusion.add(truth, resize_nearest(labels, truth.shape))
    return confusion
