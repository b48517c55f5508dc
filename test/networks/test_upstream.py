# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Recognition of released checkpoints and refusal of everything else."""

import os
import pickle

from espnet_perception.errors import ModelError
from espnet_perception.networks import create_network
from espnet_perception.networks.upstream import load_upstream, RELEASES, rename
from golden import released_keys, released_segmentation_files
import pytest
import torch


def checkpoint(shared_dir, name='espnetv2_s_0.5_city_512x256'):
    return shared_dir / f'reference/checkpoints/edgenets/{name}.pth'


def test_names_cover_every_released_tensor(shared_dir):
    """Renaming maps each released key onto ours, in the same order."""
    keys = released_keys(shared_dir)
    for row in released_segmentation_files(shared_dir):
        network = create_network('espnetv2_seg', classes=row['classes'], width=row['s'])
        released = keys[row['file'].replace('checkpoints/', '')]
        assert [rename(name) for name, _ in released] == list(network.state_dict())
        assert row['sha256'] in RELEASES


def test_recognised_by_keys_where_the_sha256_is_unknown(shared_dir, tmp_path):
    """A file of the same keys, saved anew under a data-parallel prefix, loads."""
    tensors = torch.load(checkpoint(shared_dir), map_location='cpu', weights_only=True)
    path = tmp_path / 'mine.pth'
    torch.save({'state_dict': {'module.' + key: value for key, value in tensors.items()}}, path)
    network, card = load_upstream(path)
    assert card.name == 'mine'
    assert card.arguments == {'width': 0.5, 'classes': 20}
    original, _ = load_upstream(checkpoint(shared_dir))
    assert all(torch.equal(value, network.state_dict()[name])
               for name, value in original.state_dict().items())


def test_truncated_file_is_refused(shared_dir, tmp_path):
    """Half a file is one sentence, not a traceback of pickle."""
    content = checkpoint(shared_dir).read_bytes()
    path = tmp_path / 'half.pth'
    path.write_bytes(content[:len(content) // 2])
    with pytest.raises(ModelError, match='half.pth is damaged, holds code, or is no PyTorch'):
        load_upstream(path)


def test_checkpoint_of_another_network_is_refused(shared_dir):
    """The old ESPNet is not taken for ESPNetv2."""
    path = shared_dir / 'reference/checkpoints/espnet_v1/encoder_espnet_p_2_q_3.pth'
    with pytest.raises(ModelError, match='is not a released ESPNetv2 segmentation checkpoint'):
        load_upstream(path)


def test_extra_tensor_is_refused(shared_dir, tmp_path):
    """One tensor too many is named."""
    tensors = torch.load(checkpoint(shared_dir), map_location='cpu', weights_only=True)
    tensors['surplus.weight'] = torch.zeros(3)
    path = tmp_path / 'surplus.pth'
    torch.save(tensors, path)
    with pytest.raises(ModelError, match=r'surplus.weight is \(3,\), expected no such tensor'):
        load_upstream(path)


class Attack:
    """Pickles to a call of os.mkdir."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        """Ask the reader to create the folder."""
        return os.mkdir, (str(self.folder),)


def test_code_in_a_file_is_not_run(tmp_path):
    """A pickle with code is refused and the code does not run."""
    path = tmp_path / 'attack.pth'
    path.write_bytes(pickle.dumps({'weight': Attack(tmp_path / 'harm')}))
    with pytest.raises(ModelError, match='is damaged, holds code'):
        load_upstream(path)
    torch.save({'weight': Attack(tmp_path / 'harm')}, path)
    with pytest.raises(ModelError, match='is damaged, holds code'):
        load_upstream(path)
    assert not (tmp_path / 'harm').exists()


def test_missing_and_empty_files(tmp_path):
    """A missing file and one without tensors are one sentence each."""
    with pytest.raises(ModelError, match='no weight file at'):
        load_upstream(tmp_path / 'none.pth')
    torch.save({'epoch': 3}, tmp_path / 'empty.pth')
    with pytest.raises(ModelError, match='holds no state dict'):
        load_upstream(tmp_path / 'empty.pth')
