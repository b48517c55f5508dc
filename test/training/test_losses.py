# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the losses on numbers worked out by hand."""

import math

from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.training import losses
import numpy as np
import pytest
import torch


def test_class_weights_follow_the_papers_rule():
    shares = np.array([0.9, 0.1, 0.0])
    weights = losses.class_weights(shares, 1.1, mean_one=False)
    assert weights.tolist() == pytest.approx([1 / math.log(2.0), 1 / math.log(1.2), 0.0])


def test_scaled_class_weights_have_the_mean_one_over_the_pixels():
    shares = np.array([0.7, 0.2, 0.1])
    weights = losses.class_weights(shares, 1.1).numpy()
    assert (weights * shares).sum() == pytest.approx(1)
    assert weights[2] > weights[1] > weights[0]


def test_unlabelled_pixels_do_not_count():
    logits = torch.tensor([[2.0, -5.0], [0.0, 9.0]]).view(1, 2, 1, 2)
    labels = torch.tensor([[[0, NO_CLASS]]])
    assert float(losses.segmentation_loss(logits, labels)) == pytest.approx(
        math.log(1 + math.exp(-2)))


def test_a_batch_without_labels_gives_zero_and_gradients_of_zero():
    logits = torch.zeros(1, 3, 2, 2, requires_grad=True)
    loss = losses.segmentation_loss(logits, torch.full((1, 2, 2), NO_CLASS), overlap=0.5)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.abs().max() == 0


def test_the_auxiliary_output_counts_as_much_as_the_main_one():
    main, auxiliary = torch.randn(1, 3, 4, 4), torch.randn(1, 3, 4, 4)
    labels = torch.randint(3, (1, 4, 4))
    both = losses.segmentation_loss((main, auxiliary), labels)
    assert float(both) == pytest.approx(float(losses.segmentation_loss(main, labels))
                                        + float(losses.segmentation_loss(auxiliary, labels)))


def test_overlap_is_the_soft_jaccard_of_the_classes_in_the_labels():
    logits = torch.log(torch.tensor([[0.8, 0.4], [0.2, 0.6], [1e-9, 1e-9]])).view(1, 3, 1, 2)
    labels = torch.tensor([[[0, 1]]])
    first = 0.8 / (0.8 + 0.4 + 1 - 0.8)
    second = 0.6 / (0.2 + 0.6 + 1 - 0.6)
    assert float(losses.overlap_loss(logits, labels)) == pytest.approx(
        1 - (first + second) / 2, abs=1e-5)


def test_weights_that_are_wrong_would_be_seen():
    logits, labels = torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4))
    plain = losses.segmentation_loss(logits, labels)
    weighted = losses.segmentation_loss(logits, labels, torch.tensor([5.0, 1.0, 1.0]))
    assert float(plain) != pytest.approx(float(weighted))


def test_multi_label_is_the_binary_cross_entropy_of_every_class():
    logits, targets = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])
    expected = (math.log(2) + math.log(1 + math.exp(2))) / 2
    assert float(losses.classification_loss(logits, targets, True)) == pytest.approx(expected)


def test_label_smoothing_asks_for_less_than_certainty():
    logits, targets = torch.tensor([[20.0, 0.0]]), torch.tensor([0])
    assert float(losses.classification_loss(logits, targets, False)) == pytest.approx(0, abs=1e-6)
    assert float(losses.classification_loss(logits, targets, False, 0.1)) == pytest.approx(
        1.0, abs=1e-3)
