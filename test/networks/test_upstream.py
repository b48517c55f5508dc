# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Recognition of released checkpoints and refusal of everything else."""

import json
import os
import pickle

from espnet_perception.errors import ModelError
from espnet_perception.networks import create_network
from espnet_perception.networks.safe_load import load_state_dict
from espnet_perception.networks.upstream import load_exactly, load_upstream, recognise, rename
from espnet_perception.releases import FAMILIES, RELEASES
from golden import checkpoints, released_keys
import pytest
import torch


def checkpoint(shared_dir, name='edgenets/espnetv2_s_0.5_city_512x256'):
    return shared_dir / f'reference/checkpoints/{name}.pth'


def without_counters(names):
    return [name for name in names if not name.endswith('num_batches_tracked')]


def test_names_cover_every_released_tensor(shared_dir):
    """Renaming maps each released key onto ours, in the same order; the table has every file."""
    keys = released_keys(shared_dir)
    rows = checkpoints(shared_dir)
    assert set(rows) == set(RELEASES)
    for sha256, row in rows.items():
        released = [name[len(row['key_prefix']):]
                    for name, _ in keys[row['file'].replace('checkpoints/', '')]]
        name = recognise(dict.fromkeys(released), row['file'])
        assert name == RELEASES[sha256].network
        network, _ = load_upstream(shared_dir / 'reference' / row['file'])
        renamed = [rename(key, FAMILIES[name].renames) for key in released]
        assert without_counters(renamed) == without_counters(network.state_dict())


def test_addresses_are_those_of_the_files(shared_dir):
    """Repository, commit and path of each release."""
    for sha256, row in checkpoints(shared_dir).items():
        url = RELEASES[sha256].url
        repository = row['origin_repo'].replace('https://github.com/', '')
        assert url.startswith(f'https://raw.githubusercontent.com/{repository}/')
        assert url.endswith('/' + row['origin_path'])
        assert row['origin_commit'].split()[0] in url


@pytest.mark.parametrize('width', [0.5, 2.0])
def test_classification_checkpoint(shared_dir, tmp_path, width):
    """A file saved under the names of the released ImageNet classifiers loads."""
    order = json.loads(
        (shared_dir / f'reference/golden/classification_order_s{width}.json').read_text())
    torch.manual_seed(2)
    released = {name: torch.rand(shape) for name, shape in order['order']}
    path = tmp_path / 'imagenet.pth'
    torch.save(released, path)
    network, card = load_upstream(path)
    assert (card.task, card.network, card.dataset) == ('classification', 'espnetv2', 'imagenet')
    assert card.arguments == {'width': width, 'classes': 1000}
    assert (card.input_width, card.input_height, card.channel_order) == (224, 224, 'rgb')
    assert card.metrics == ()
    assert (card.classes[0], card.classes[999]) == ('tench', 'toilet tissue')
    loaded = without_counters(network.state_dict())
    for name, ours in zip(without_counters(released), loaded):
        assert torch.equal(network.state_dict()[ours], released[name]), name


def test_cards_tell_how_the_input_was_made(shared_dir):
    """The first networks: blue first, divided by 255 once more, resized without rounding."""
    _, card = load_upstream(checkpoint(shared_dir, 'espnet_v1/decoder_espnet_p_2_q_8'))
    assert (card.channel_order, card.resize, card.input_type) == ('bgr', 'cv2_linear_float',
                                                                  'float32')
    assert card.mean == (72.3923111, 82.90893555, 73.15840149)
    assert card.std == pytest.approx((45.3192215 * 255, 46.15289307 * 255, 44.91483307 * 255))
    assert card.metrics[0]['value'] == 60.3
    assert card.classes[19] == 'background'
    _, camvid = load_upstream(checkpoint(shared_dir, 'espnet_v1/decoder_espnet_p_2_q_8_camvid'))
    assert camvid.arguments == {'p': 2, 'q': 8, 'classes': 12, 'variant': 'train'}
    assert (camvid.input_width, camvid.input_height) == (480, 360)
    assert camvid.classes[11] == 'unlabelled'
    assert camvid.mean != card.mean


def test_another_class_count(shared_dir, tmp_path):
    """A file of the same keys with 7 classes loads as such; the classes have no names."""
    tensors = load_state_dict(str(checkpoint(shared_dir, 'espnet_v1/encoder_espnet_p_2_q_3')))
    tensors['classifier.conv.weight'] = torch.rand(7, 256, 1, 1)
    torch.save(tensors, tmp_path / 'seven.pth')
    network, card = load_upstream(tmp_path / 'seven.pth')
    assert card.arguments == {'p': 2, 'q': 3, 'classes': 7}
    assert (card.dataset, card.classes[6]) == ('unknown', 'class 6')
    assert torch.equal(network.classifier.weight, tensors['classifier.conv.weight'])


def test_recognised_by_keys_where_the_sha256_is_unknown(shared_dir, tmp_path):
    """A file of the same keys, saved anew under a data-parallel prefix, loads."""
    tensors = load_state_dict(str(checkpoint(shared_dir)))
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


def test_checkpoint_of_another_network_is_refused(tmp_path):
    """What no family knows is refused; its first tensor is named."""
    path = tmp_path / 'foreign.pth'
    torch.save(torch.nn.Sequential(torch.nn.Linear(3, 4)).state_dict(), path)
    with pytest.raises(ModelError, match='foreign.pth is not a released checkpoint of ESPNet or '
                                         r'ESPNetv2 \(its first tensor is 0.weight\); give one'):
        load_upstream(path)


@pytest.mark.parametrize('name, change, sentence', [
    ('edgenets/espnetv2_s_0.5_city_512x256',
     {'base_net.level1.act.weight': torch.zeros(17)}, 'has 17 and 32 channels at levels 1 and 2'),
    ('edgenets/espnetv2_s_0.5_city_512x256',
     {'base_net.level1.act.weight': torch.zeros(())}, 'lacks the tensor encoder.level1.act'),
    ('espnet_v1/decoder_espnet_p_2_q_3',
     {'conv.conv.weight': torch.zeros(20, 40, 3, 3)}, 'joins 20 channels of level 1.*16 or 19'),
    ('espnet_v1/encoder_espnet_p_2_q_3',
     {'classifier.conv.weight': torch.zeros(20, 99, 1, 1)},
     r'does not fit ESPNetC: classifier.weight is \(20, 99, 1, 1\), expected \(20, 256, 1, 1\)'),
    ('espnetv2_paper/espnetv2_segmentation_s_0.5',
     {'project_l1.1.conv.weight': torch.zeros(19, 36, 1, 1)}, 'does not fit ESPNetv2Paper'),
])
def test_shapes_that_do_not_fit_are_refused(shared_dir, tmp_path, name, change, sentence):
    """One sentence names the first tensor and what was expected."""
    tensors = load_state_dict(str(checkpoint(shared_dir, name)))
    assert set(change) <= set(tensors)
    torch.save(dict(tensors, **change), tmp_path / 'wrong.pth')
    with pytest.raises(ModelError, match=sentence):
        load_upstream(tmp_path / 'wrong.pth')


def test_card_of_another_class_count_is_refused(shared_dir, tmp_path):
    """Weights of 20 classes do not load into a network of 19."""
    network = create_network('espnet', classes=19, q=3)
    original, _ = load_upstream(checkpoint(shared_dir, 'espnet_v1/decoder_espnet_p_2_q_3'))
    with pytest.raises(ModelError, match=r'does not fit ESPNet: .* is \(20,.*expected \(19,'):
        load_exactly(network, original.state_dict(), 'decoder.pth')


def test_extra_tensor_is_refused(shared_dir, tmp_path):
    """One tensor too many is named."""
    tensors = load_state_dict(str(checkpoint(shared_dir)))
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
