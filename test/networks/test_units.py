# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Each block alone against the official outputs under the official fill."""

import json

from espnet_perception.networks.eesp import EESP, StridedEESP
from espnet_perception.networks.espnet import ESP
from espnet_perception.networks.layers import halve
from espnet_perception.networks.paper_segmentation import CascadedPool
from espnet_perception.networks.segmentation import Gate, PyramidPool
from golden import fill, unit_inputs
import numpy as np
import pytest
import torch

TOLERANCE = 1e-5


class HalvedTwice(torch.nn.Module):
    """The image as ESPNet-C joins it at level 2."""

    def forward(self, images):
        """Halve twice."""
        return halve(halve(images))


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
    'psp_16_16': lambda: CascadedPool(16),
    'v1_esp_64_64_add': lambda: ESP(64, 64),
    'v1_esp_40_20_noadd': lambda: ESP(40, 20),
    'v1_downsamplerB_19_64': lambda: ESP(19, 64, 2),
    'v1_inputprojection_x2': HalvedTwice,
}


@pytest.mark.parametrize('name', sorted(UNITS))
def test_unit_golden(shared_dir, name):
    """Tensors in the official order, output within 1e-5."""
    units = json.loads((shared_dir / 'reference/golden/units.json').read_text())
    assert sorted(units) == sorted(UNITS)
    outputs = np.load(shared_dir / 'reference/golden/units.npz')
    module = UNITS[name]().eval()
    shapes = [list(tensor.shape) for tensor in module.state_dict().values() if tensor.ndim]
    assert shapes == [shape for _, shape in units[name]['order'] if shape]
    fill(module, units[name]['seed_base'])
    inputs = list(unit_inputs(units[name]))
    if len(inputs) == 2:
        inputs[1] = halve(halve(inputs[1]))
    with torch.no_grad():
        output = module(*inputs).numpy()
    assert np.abs(output - outputs[name + '/out']).max() < TOLERANCE
