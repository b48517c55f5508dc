# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The segmentation network against the official outputs."""

import json

from espnet_perception.networks import create_network, segmentation
from espnet_perception.networks.counting import count
from espnet_perception.networks.eesp import EESP, StridedEESP
from espnet_perception.networks.fused import FusedSegmentation
from espnet_perception.networks.layers import halve
from espnet_perception.networks.segmentation import Gate, PyramidPool
from espnet_perception.networks.upstream import load_upstream
from golden import fill, released_segmentation_files, synthetic_input, unit_inputs
import numpy as np
import pytest
import torch

REAL_TOLERANCE = 1e-4
SYNTHETIC_TOLERANCE = 2e-4
UNIT_TOLERANCE = 1e-5


def worst_difference(network, golden, images, key):
    with torch.no_grad():
        logits = network(images)[0].numpy()
    assert logits.shape == tuple(golden['logits_shape'])[-3:]
    return np.abs(logits[:, golden['ys']][:, :, golden['xs']] - golden[key]).max()


def test_every_golden(shared_dir):
    """Every released checkpoint that has a golden gives the official logits."""
    checked = 0
    for row in released_segmentation_files(shared_dir):
        network, card = load_upstream(shared_dir / 'reference' / row['file'])
        assert not network.training
        assert card.sha256 == row['sha256']
        assert (card.input_width, card.input_height) == tuple(row['train_wh'])
        assert sum(p.numel() for p in network.parameters()) == row['params_trainable']
        if row['golden'] is None:
            continue
        golden = np.load(shared_dir / 'reference' / row['golden'])
        images = torch.from_numpy(golden['input'])
        for form in (network, FusedSegmentation(network)):
            assert worst_difference(form, golden, images, 'logits_sub') < REAL_TOLERANCE
            synthetic = synthetic_input(images.shape)
            assert worst_difference(form, golden, synthetic,
                                    'synth_logits_sub') < SYNTHETIC_TOLERANCE
        with torch.no_grad():
            agreement = (network(images)[0].argmax(0).numpy() == golden['argmax']).mean()
        assert agreement >= 0.9995
        checked += 1
    assert checked == 14


@pytest.mark.parametrize('mistake', ['no clamp', 'no shuffle', 'floor', 'dilations'])
def test_parity_detects_mistakes(shared_dir, monkeypatch, mistake):
    """A deliberately wrong network fails the same comparison."""
    if mistake == 'no clamp':
        monkeypatch.setattr(segmentation, 'SMALLEST_MAP', 1)
    elif mistake == 'no shuffle':
        monkeypatch.setattr(segmentation, 'shuffle_channels', lambda features, _: features)
    elif mistake == 'floor':
        monkeypatch.setattr(segmentation.math, 'ceil', int)
    network, _ = load_upstream(
        shared_dir / 'reference/checkpoints/edgenets/espnetv2_s_0.5_city_512x256.pth')
    if mistake == 'dilations':
        for convolution, rate in zip(network.encoder.level4_down.eesp.branches, (1, 1, 2, 3)):
            convolution.dilation = convolution.padding = (rate, rate)
    golden = np.load(
        shared_dir / 'reference/golden/edgenets__espnetv2_s_0.5_city_512x256.npz')
    images = torch.from_numpy(golden['input'])
    assert worst_difference(network, golden, images, 'logits_sub') > 100 * REAL_TOLERANCE


UNITS = {
    'eesp_32_32_s1_r13': lambda: EESP(32, 32, 1, 13),
    'eesp_32_32_s1_r7': lambda: EESP(32, 32, 1, 7),
    'eesp_32_32_s1_r5': lambda: EESP(32, 32, 1, 5),
    'eesp_32_16_s1_r7_noresidual': lambda: EESP(32, 16, 1, 7),
    'eesp_16_32_s2_r9_avg': lambda: EESP(16, 32, 2, 9),
    'downsampler_16_32_r13_reinf': lambda: StridedEESP(16, 32, 13),
    'downsampler_16_32_r7_reinf_unused': lambda: StridedEESP(16, 32, 7),
    'pyrpool_24_10_32_8x16': lambda: PyramidPool(24, 10, 32),
    'pyrpool_24_10_32_21x34': lambda: PyramidPool(24, 10, 32),
    'pyrpool_24_10_32_3x4': lambda: PyramidPool(24, 10, 32),
    'pyrpool_16_10_20_nobr_16x24': lambda: PyramidPool(16, 10, 20, last=True),
    'pwconv_64_48': lambda: Gate(64, 48),
}


@pytest.mark.parametrize('name', sorted(UNITS))
def test_unit_golden(shared_dir, name):
    """Each block alone gives the official output under the official fill."""
    unit = json.loads((shared_dir / 'reference/golden/units.json').read_text())[name]
    outputs = np.load(shared_dir / 'reference/golden/units.npz')
    module = UNITS[name]().eval()
    shapes = [list(tensor.shape) for tensor in module.state_dict().values() if tensor.ndim]
    assert shapes == [shape for _, shape in unit['order'] if shape]
    fill(module, unit['seed_base'])
    inputs = list(unit_inputs(unit))
    if len(inputs) == 2:
        inputs[1] = halve(halve(inputs[1]))
    with torch.no_grad():
        output = module(*inputs).numpy()
    assert np.abs(output - outputs[name + '/out']).max() < UNIT_TOLERANCE


def test_sizes_equal_the_published_ones(shared_dir):
    """Parameters and multiply-adds of every width and size are exact."""
    rows = json.loads((shared_dir / 'reference/golden/segmentation_params_macs.json').read_text())
    rows = [row for row in rows if row['model'] == 'edgenets_seg']
    assert {row['s'] for row in rows} == {0.5, 1.0, 1.25, 1.5, 2.0}
    for row in rows:
        classes = {'city': 20, 'pascal': 21}[row['dataset']]
        network = create_network('espnetv2_seg', classes=classes, width=row['s'])
        counts = count(network, tuple(row['hw']))
        assert counts == (row['params'], row['conv_macs'], 0, 0), row
