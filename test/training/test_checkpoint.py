# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests that checkpoints are whole or absent."""

from espnet_perception.errors import ModelError
from espnet_perception.training import checkpoint
import pytest
import torch


def test_what_is_written_is_read_back(tmp_path):
    path = str(tmp_path / 'a.pt')
    checkpoint.write(path, {'network': {'w': torch.arange(3)}, 'step': 4})
    state = checkpoint.read(path)
    assert torch.equal(state['network']['w'], torch.arange(3))
    assert state['step'] == 4


def test_a_failure_keeps_the_old_file_and_no_part(tmp_path, monkeypatch):
    path = tmp_path / 'a.pt'
    checkpoint.write(str(path), {'network': {}})
    before = path.read_bytes()

    def fail(state, stream):
        stream.write(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(torch, 'save', fail)
    with pytest.raises(OSError, match='No space left'):
        checkpoint.write(str(path), {'network': {'w': torch.zeros(3)}})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('content, message', [
    (b'', 'cannot read the checkpoint'), (b'rubbish', 'cannot read the checkpoint')])
def test_a_damaged_checkpoint_is_refused(tmp_path, content, message):
    path = tmp_path / 'a.pt'
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        checkpoint.read(str(path))


def test_a_foreign_or_missing_file_is_refused(tmp_path):
    torch.save({'other': 1}, tmp_path / 'a.pt')
    with pytest.raises(ModelError, match='is no training checkpoint'):
        checkpoint.read(str(tmp_path / 'a.pt'))
    with pytest.raises(ModelError, match='there is no checkpoint'):
        checkpoint.read(str(tmp_path / 'b.pt'))


def test_weights_come_from_a_checkpoint_or_a_weight_file(tmp_path):
    for name, state in (('a.pt', {'network': {'w': torch.ones(2)}, 'step': 3}),
                        ('b.pth', {'w': torch.ones(2)})):
        checkpoint.write(str(tmp_path / name), state)
        weights = checkpoint.read_weights(str(tmp_path / name))
        assert list(weights) == ['w'] and torch.equal(weights['w'], torch.ones(2))
    checkpoint.write(str(tmp_path / 'c.pth'), {'w': 1})
    with pytest.raises(ModelError, match='holds no weights'):
        checkpoint.read_weights(str(tmp_path / 'c.pth'))
