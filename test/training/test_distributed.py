# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Two processes of torchrun learn what one process learns from the same images."""

import os
import subprocess
import sys

from espnet_perception.errors import SettingsError
from espnet_perception.training import checkpoint, journal, run_state, segmentation
from espnet_perception.training.batches import Plan
import pytest
import torch
import yaml


@pytest.mark.timeout(240)
def test_two_processes_have_the_loss_curve_of_one(settings_in, tmp_path):
    changes = {'batch_size': 4, 'epochs': 6, 'check_split': '', 'clip': 0.0,
               'optimiser': 'sgd', 'learning_rate': 0.05, 'class_weight_floor': 0.0}
    alone = settings_in(tmp_path / 'one', accumulate=2, **changes)
    segmentation.train(alone)
    config = tmp_path / 'two.yaml'
    config.write_text(yaml.safe_dump(run_state.plain(
        settings_in(tmp_path / 'two', **changes))))
    done = subprocess.run(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2',
         '-m', 'espnet_perception.training.segmentation', str(config)],
        env=dict(os.environ, OMP_NUM_THREADS='1'), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()[-2000:]
    curves = [[float(row['loss']) for row in journal.read_rows(str(folder / 'journal.csv'))]
              for folder in (tmp_path / 'one', tmp_path / 'two')]
    assert len(curves[0]) == 6
    assert curves[1] == pytest.approx(curves[0], rel=2e-3)
    assert curves[0][-1] < 0.98 * curves[0][0]
    states = [checkpoint.read(str(tmp_path / name / 'last.pt')) for name in ('one', 'two')]
    learnt = [name for name, value in states[0]['training'].items() if value.ndim > 1]
    for name in learnt:
        assert torch.allclose(states[0]['training'][name], states[1]['training'][name],
                              atol=5e-3), name


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(SettingsError, match='batch_size 3 .* 2 processes'):
        Plan(6, 3, 1, 0, rank=0, world=2).check()
