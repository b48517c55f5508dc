# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Building blocks against PyTorch's own operators."""

from espnet_perception.networks.layers import adaptive_average, pooling_matrix, shuffle_channels
import pytest
import torch
import torch.nn.functional as F


@pytest.mark.parametrize('size_in', [(16, 32), (24, 48), (17, 31), (7, 5), (3, 4), (12, 11)])
@pytest.mark.parametrize('size_out', [(8, 16), (16, 32), (5, 5), (2, 3)])
def test_adaptive_average_is_exact(size_in, size_out):
    """Pooling to sizes that do not divide equals adaptive_avg_pool2d."""
    features = torch.rand(2, 3, *size_in, dtype=torch.float64)
    expected = F.adaptive_avg_pool2d(features, size_out)
    assert torch.allclose(adaptive_average(features, size_out), expected, atol=1e-12)


def test_pooling_matrix_rows_are_means():
    """Every row of the constant map sums to one and is not negative."""
    matrix = pooling_matrix(26, 5)
    assert matrix.shape == (5, 26)
    assert torch.allclose(matrix.sum(1), torch.ones(5, dtype=torch.float64))
    assert (matrix >= 0).all()


def test_shuffle_channels():
    """Channel g * n + c moves to c * groups + g."""
    features = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert shuffle_channels(features, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]
