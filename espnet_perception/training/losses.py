# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Losses of segmentation and classification."""

from typing import Optional, Sequence, Union

from espnet_perception.evaluation.metrics import NO_CLASS
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

Outputs = Union[Tensor, Sequence[Tensor]]


def class_weights(shares: np.ndarray, floor: float, mean_one: bool = True) -> Tensor:
    """
    Return weights that lift rare classes: 1 / ln(floor + share), the ESPNet papers' rule.

    :param shares: (classes,) share of each class in the labelled pixels
    :param floor: 1.10 in the papers; larger is gentler
    :param mean_one: scale so that the mean over the pixels is 1, which keeps the learning rate
        comparable to a run without weights
    :returns: (classes,) float32; 0 for a class without any pixel
    """
    weights = np.where(shares > 0, 1 / np.log(floor + shares), 0.0)
    if mean_one:
        weights = weights / max((weights * shares).sum(), 1e-12)
    return torch.tensor(weights, dtype=torch.float32)


def segmentation_loss(outputs: Outputs, labels: Tensor, weights: Optional[Tensor] = None,
                      smoothing: float = 0.0, overlap: float = 0.0) -> Tensor:
    """
    Cross-entropy over the labelled pixels, plus that of auxiliary outputs with equal weight.

    :param outputs: (B, C, H, W) logits, or several: main output first (the paper-era decoder)
    :param labels: (B, H, W) int64, NO_CLASS where unknown
    :param weights: (C,) of the classes
    :param smoothing: label smoothing, 0 to 1
    :param overlap: share of the soft Jaccard loss of the main output that is added
    :returns: scalar
    """
    parts = [outputs] if torch.is_tensor(outputs) else list(outputs)
    labelled = bool((labels != NO_CLASS).any())
    if not labelled:  # nothing to learn from: the mean of no pixels would be NaN
        return sum(part.sum() * 0.0 for part in parts)
    loss = sum(functional.cross_entropy(part.float(), labels_at(labels, part.shape[2:]), weights,
                                        ignore_index=NO_CLASS, label_smoothing=smoothing)
               for part in parts)
    if overlap:
        main = parts[0].float()
        loss = loss + overlap * overlap_loss(main, labels_at(labels, main.shape[2:]))
    return loss


def labels_at(labels: Tensor, size: Sequence[int]) -> Tensor:
    """
    Return labels at the size of a coarser output, each from the pixel under its centre.

    ESPNet-C gives an eighth of the input's size (ESPNet, section 4.1).

    :param labels: (B, H, W)
    :param size: (h, w)
    """
    if tuple(labels.shape[1:]) == tuple(size):
        return labels
    rows, columns = (
        ((torch.arange(count, device=labels.device) + 0.5) * (full / count)).long()
        for count, full in zip(size, labels.shape[1:]))
    return labels[:, rows][:, :, columns]


def overlap_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """
    Return one minus the soft intersection over union, mean over the classes in the labels.

    :param logits: (B, C, H, W)
    :param labels: (B, H, W) int64, NO_CLASS where unknown
    """
    known = labels != NO_CLASS
    shares = logits.softmax(1).permute(1, 0, 2, 3)[:, known]
    truth = labels[known]
    right = shares.gather(0, truth[None])[0]
    zeros = logits.new_zeros(logits.shape[1])
    overlap = zeros.index_add(0, truth, right)
    number = zeros.index_add(0, truth, torch.ones_like(right))
    union = shares.sum(1) + number - overlap
    present = number > 0  # chosen before the division: 0 / 0 of an absent class has no gradient
    return 1 - (overlap[present] / union[present]).mean()


def classification_loss(logits: Tensor, targets: Tensor, multi_label: bool,
                        smoothing: float = 0.0) -> Tensor:
    """
    Cross-entropy, or binary cross-entropy per class (COCO, section 4.1 of ESPNetv2).

    :param logits: (B, C)
    :param targets: (B,) int64 class ids; for multi-label (B, C) float32 of 0 and 1
    :param multi_label: which of the two
    :param smoothing: label smoothing of the cross-entropy
    :returns: scalar
    """
    if multi_label:
        return functional.binary_cross_entropy_with_logits(logits.float(), targets)
    return functional.cross_entropy(logits.float(), targets, label_smoothing=smoothing)
