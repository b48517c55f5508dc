# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation of a matrix product that is never computed."""

from typing import Any, Tuple

import torch
from torch import nn, Tensor


def normalised_product(norm: nn.BatchNorm1d, weight: Tensor, features: Tensor
                       ) -> Tuple[Tensor, Tensor]:
    """
    Return scale and offset that normalise a grouped product without computing it.

    Mean and variance of W u follow from mean and covariance of u: W m and diag(W C W').

    :param norm: over groups * rows channels; in training its running statistics are updated.
    :param weight: (groups, rows, n).
    :param features: (N, groups * n).
    :return: each (groups, rows).
    """
    groups, rows, _ = weight.shape
    if norm.training:
        count = len(features)
        mean = features.mean(0)
        apart = (features - mean).reshape(count, groups, -1).transpose(0, 1)
        variance = _ProductVariance.apply(weight, apart)
        mean = torch.bmm(weight, mean.reshape(groups, -1, 1)).squeeze(2)
        _track(norm, mean, variance * (count / (count - 1)))
    else:
        mean = norm.running_mean.reshape(groups, rows)
        variance = norm.running_var.reshape(groups, rows)
    scale = norm.weight.reshape(groups, rows) * torch.rsqrt(variance + norm.eps)
    return scale, norm.bias.reshape(groups, rows) - mean * scale


class _ProductVariance(torch.autograd.Function):
    """
    Variance of every row of W u: diag(W C W') with C the covariance of u.

    C is symmetric, so the gradients need two products less than those of the plain expression.
    """

    @staticmethod
    def forward(context: Any, weight: Tensor, apart: Tensor) -> Tensor:
        """Map (groups, rows, n) and (groups, N, n), whose mean is zero, to (groups, rows)."""
        covariance = torch.bmm(apart.transpose(1, 2), apart) / apart.shape[1]
        product = torch.bmm(weight, covariance)
        context.save_for_backward(weight, apart, product)
        return (product * weight).sum(2)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, gradient: Tensor) -> Tuple[Tensor, Tensor]:
        """Return the gradients of both, from that of the variance."""
        weight, apart, product = context.saved_tensors
        scaled = weight * gradient.unsqueeze(2)
        of_covariance = torch.bmm(weight.transpose(1, 2), scaled)
        of_apart = torch.bmm(apart, of_covariance) * (2.0 / apart.shape[1])
        return product * (2.0 * gradient.unsqueeze(2)), of_apart


@torch.no_grad()
def _track(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor) -> None:
    """Update running statistics as batch normalisation does."""
    norm.num_batches_tracked += 1
    share = norm.momentum
    if share is None:  # the mean over all batches
        share = 1.0 / norm.num_batches_tracked.to(mean.dtype)
    norm.running_mean += share * (mean.reshape(-1) - norm.running_mean)
    norm.running_var += share * (variance.reshape(-1) - norm.running_var)
