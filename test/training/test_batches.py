# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the batches: what a step shows depends on seed and step alone."""

from espnet_perception.errors import DatasetError
from espnet_perception.training.batches import batches, Plan, positions
from espnet_perception.training.datasets import open_pairs
from espnet_perception.training.segmentation import View
import numpy as np
import pytest
import torch

PLAN = Plan(images=7, batch_size=4, steps=6, seed=3)


def numbered_view(index, rng, step):
    """Return an 'image' that tells its index, and a target of chance."""
    return np.full((2, 2, 3), index, np.uint8), np.int64(rng.integers(1 << 30))


def view_with_damage(index, rng, step):
    if index == 2:
        raise DatasetError('cannot read the image two.jpg')
    return numbered_view(index, rng, step)


def view_of_nothing(index, rng, step):
    raise DatasetError('cannot read {}'.format(index))


def shown(plan, first=0, workers=0, view=numbered_view):
    return [(batch.images[:, 0, 0, 0].tolist(), batch.targets.tolist())
            for batch in batches(plan, view, first, workers)]


def test_every_epoch_shows_every_image_once_in_an_order_of_its_own():
    order = sum((images for images, _ in shown(PLAN)), [])
    epochs = [order[start:start + 7] for start in (0, 7, 14)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_going_on_from_a_step_shows_what_the_whole_run_would_have_shown():
    assert shown(PLAN, first=4) == shown(PLAN)[4:]


def test_loading_leaves_the_chance_of_the_network_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert len(shown(PLAN)) == 6
    assert torch.equal(torch.get_rng_state(), before)


def test_another_seed_is_another_order():
    assert shown(PLAN._replace(seed=4)) != shown(PLAN)


def test_processes_share_a_step_between_them():
    whole = shown(PLAN)
    parts = [shown(PLAN._replace(rank=rank, world=2)) for rank in (0, 1)]
    joined = [(first[0] + second[0], first[1] + second[1]) for first, second in zip(*parts)]
    assert joined == whole
    assert list(positions(PLAN._replace(rank=1, world=2), 1)) == [6, 7]


def test_loading_processes_change_nothing(settings_in, tiny_camvid, tmp_path):
    plan = Plan(images=6, batch_size=2, steps=4, seed=3)
    view = View(open_pairs('camvid', str(tiny_camvid), 'train'), settings_in(tmp_path), plan)
    alone, helped = (list(batches(plan, view, 1, workers)) for workers in (0, 2))
    assert len(alone) == len(helped) == 3
    for one, other in zip(alone, helped):
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.targets, other.targets)


def test_a_file_that_cannot_be_read_is_named_and_replaced():
    got = list(batches(PLAN, view_with_damage, 0, 0))
    assert all(len(batch.images) == 4 for batch in got)
    assert not any((batch.images == 2).any() for batch in got)
    problems = [sentence for batch in got for sentence in batch.problems]
    assert problems
    assert set(problems) == {'cannot read the image two.jpg'}


def test_a_data_set_that_cannot_be_read_at_all_ends_the_run():
    with pytest.raises(DatasetError, match='20 files in a row cannot be read, the last: cannot'):
        list(batches(PLAN, view_of_nothing, 0, 0))
