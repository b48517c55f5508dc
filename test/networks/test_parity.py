# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every released network against the official outputs, and its size against the papers'."""

import json

from espnet_perception.networks import create_network, espnet, paper_segmentation, segmentation
from espnet_perception.networks.counting import count
from espnet_perception.networks.fused import fuse
from espnet_perception.networks.upstream import load_upstream
from espnet_perception.releases import RELEASES
from golden import checkpoints, synthetic_input, worst_difference
import numpy as np
import pytest
import torch

REAL_TOLERANCE = 1e-4
SYNTHETIC_TOLERANCE = 2e-4


@pytest.mark.parametrize('sha256', list(RELEASES), ids=lambda sha256: '{}-{}'.format(
    RELEASES[sha256].network, RELEASES[sha256].file_name))
def test_released_network(shared_dir, sha256):
    """It loads with the facts of its card, and both forms give the official logits."""
    row = checkpoints(shared_dir)[sha256]
    network, card = load_upstream(shared_dir / 'reference' / row['file'])
    assert not network.training
    assert card.sha256 == sha256
    assert (card.input_width, card.input_height) == tuple(row['train_wh'])
    assert (card.channel_order, len(card.classes)) == (
        {'bgr': 'bgr', 'imagenet': 'rgb'}[row['prep']], row['classes'])
    assert sum(tensor.numel() for tensor in network.parameters()) == row['params_trainable']
    if row['golden'] is None:
        return
    golden = np.load(shared_dir / 'reference' / row['golden'])
    images = torch.from_numpy(golden['input'])
    synthetic = synthetic_input(images.shape, 255.0 if row['prep'] == 'bgr' else 1.0)
    assert np.array_equal(synthetic.flatten()[:8].numpy(), golden['synth_input_first8'])
    for form in (network, fuse(network)):
        assert worst_difference(form, golden, images, 'logits_sub') < REAL_TOLERANCE
        assert worst_difference(form, golden, synthetic,
                                'synth_logits_sub') < SYNTHETIC_TOLERANCE
    with torch.no_grad():
        labels = network(images)[0].argmax(0).numpy()
    assert (labels == golden['argmax']).mean() >= 0.9995


def test_every_golden_is_used(shared_dir):
    """None is passed over because its name does not match."""
    used = [row['golden'] for sha256, row in checkpoints(shared_dir).items()
            if sha256 in RELEASES and row['golden']]
    there = sorted(path.name for path in (shared_dir / 'reference/golden').glob('*__*.npz'))
    assert sorted(name.split('/')[1] for name in used) == there
    assert len(there) == 22


def arguments_of(row):
    """Return name and arguments of the network of a row of published sizes."""
    if row['model'] == 'edgenets_seg':
        return 'espnetv2_seg', {'classes': {'city': 20, 'pascal': 21}[row['dataset']],
                                'width': row['s']}
    if row['model'] == 'paper_seg':
        return 'espnetv2_seg_paper', {'width': row['s']}
    if row['model'] == 'v1_C':
        return 'espnet_c', {'q': row['q']}
    variant = {'v1_full_test16': 'test', 'v1_full_train19': 'train'}[row['model']]
    return 'espnet', {'q': row['q'], 'variant': variant}


def test_sizes_equal_the_published_ones(shared_dir):
    """Parameters and multiply-adds of every network, width and input size are exact."""
    rows = json.loads((shared_dir / 'reference/golden/segmentation_params_macs.json').read_text())
    assert len(rows) == 56
    for row in rows:
        if row['hw'] == [512, 1024] and row['model'] != 'edgenets_seg':
            continue  # slow; the same layers are counted at 224x224
        name, arguments = arguments_of(row)
        counts = count(create_network(name, **arguments), tuple(row['hw']))
        assert counts == (row['params'], row['conv_macs'], row.get('convT_macs', 0), 0), row


def test_variants_tables_are_true():
    """The parameters that the network files tell are counted."""
    built = [('espnetv2_seg', {'width': width}, parameters)
             for width, parameters in segmentation.VARIANTS.items()]
    built += [('espnetv2_seg_paper', {'width': width}, parameters)
              for width, parameters in paper_segmentation.VARIANTS.items()]
    built += [('espnet', {'q': q, 'variant': variant}, parameters)
              for (q, variant), parameters in espnet.VARIANTS.items()]
    for name, arguments, parameters in built:
        network = create_network(name, **arguments)
        assert sum(tensor.numel() for tensor in network.parameters()) == parameters
