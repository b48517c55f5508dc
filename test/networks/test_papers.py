# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The papers' sizes, the table of stages, and receptive fields."""

from espnet_perception.networks import create_network
from espnet_perception.networks.counting import count, count_stages
from espnet_perception.networks.eesp import EESP
from espnet_perception.networks.espnet import ESP
from espnet_perception.networks.papers import (
    agree,
    Compared,
    paper_rows,
    PAPER_SIZE,
    PRINTED,
)
from espnet_perception.networks.receptive_field import receptive_fields
import pytest
import torch


def test_every_printed_size_is_ours():
    """Table 2, 4, 5 and Figure 7c to the precision that they print."""
    rows = paper_rows()
    assert len(rows) == len(PRINTED) == 16
    for row in rows:
        assert row.agrees, row
    assert {row.printed.place: row.notes for row in rows if row.notes} == {
        'Table 2, s = 2.0': ('3.49 M is 3,498,136 cut off, not rounded',
                             '284 M is 284,806,228 cut off, not rounded'),
        'Table 5, point-wise, s = 0.5': ('1.30 M is 1,306,084 cut off, not rounded',),
        'Table 5, point-wise, s = 1.0': ('1.92 M is 1,929,080 cut off, not rounded',),
        'Figure 7c, ESPNet': ('364 K is 364,569 cut off, not rounded',
                              '424 M leaves out 26,342,400 of the transposed convolutions',),
    }


def test_a_wrong_network_is_seen():
    """A row that does not have the printed size."""
    printed = PRINTED[0]._replace(arguments={'width': 0.5, 'grouped_reduction': False})
    counts = count(create_network(printed.network, **printed.arguments), PAPER_SIZE)
    assert not Compared(printed, counts).agrees


def test_printed_figures_are_in_the_paper(shared_dir):
    """Every size and accuracy stands in the text of the paper."""
    text = next((shared_dir / 'papers').glob('000_*.txt')).read_text(encoding='utf-8')
    for row in PRINTED:
        for figure in (row.parameters, row.multiply_adds, row.accuracy.partition(' ')[0]):
            assert figure in text, (row.place, figure)


@pytest.mark.parametrize('printed, counted, same', [
    ('3.49 M', 3498136, True),    # cut off
    ('3.50 M', 3498136, True),    # rounded
    ('3.48 M', 3498136, False),
    ('3.51 M', 3498136, False),
    ('725 K', 725166, True),
    ('284 M', 284806228, True),
    ('283 M', 284806228, False),
])
def test_agreement_to_the_printed_precision(printed, counted, same):
    """Rounded or cut off, nothing else."""
    assert agree(printed, counted) == same


@pytest.mark.parametrize('name, arguments', [
    ('espnetv2', {'width': 0.5}), ('espnetv2_seg', {'width': 0.5}), ('espnet', {'q': 3}),
    ('espnetv2_seg_paper', {'width': 0.5})])
def test_stages_add_up(name, arguments):
    """The rows hold all multiply-adds, and all parameters."""
    network = create_network(name, **arguments)
    rows = count_stages(network, (64, 96))
    total = count(network, (64, 96))
    summed = [sum(column) for column in zip(*(row.counts for row in rows))]
    assert summed == list(total)


def test_stages_of_the_encoder():
    """Names and shapes as in Table 2."""
    rows = count_stages(create_network('espnetv2', width=1.0), (224, 224))
    shapes = {row.name: row.shape for row in rows}
    assert shapes['encoder.level1'] == (32, 112, 112)
    assert shapes['encoder.level3'] == (128, 28, 28)
    assert shapes['level5'] == (512, 7, 7)
    assert shapes['head'] == (1024, 7, 7)
    assert shapes['classifier'] == (1000,)


@pytest.mark.parametrize('largest_kernel', [9, 7, 5])
def test_field_of_an_eesp_unit_is_its_limit(largest_kernel):
    """Section 3.3: kernels that would see more than the limit see 3."""
    unit = EESP(16, 16, 1, largest_kernel)
    assert receptive_fields(unit, [''], channels=16) == {'': largest_kernel}


def test_field_of_an_esp_module():
    """It is (n - 1) * 2^(K - 1) + 1 with n = 3 and K = 5."""
    assert receptive_fields(ESP(20, 20), [''], channels=20) == {'': 33}


def test_fields_of_a_network():
    """They follow from kernels, strides and dilation rates; global pooling has none."""
    network = create_network('espnetv2', width=0.5)
    fields = receptive_fields(network, ['encoder.level1', 'encoder.level2_down',
                                        'encoder.level3', 'encoder.level4', 'level5'])
    level3 = 3 + 2 * 8 + 4 * 8 + 3 * 8 * 8
    level4 = level3 + 8 * 8 + 7 * 16 * 6
    assert fields == {'encoder.level1': 3, 'encoder.level2_down': 19, 'encoder.level3': level3,
                      'encoder.level4': level4, 'level5': level4 + 16 * 6 + 3 * 32 * 4}
    gate = create_network('espnetv2_seg', width=0.5).gate4
    assert receptive_fields(gate, [''], channels=16) == {'': None}


def test_the_saving_of_section_3_2():
    """With 240 channels, K = g = 4 and d = 60 an EESP unit learns 7 times less than ESP's form."""
    channels, branches, width, kernel = 240, 4, 60, 9
    unit = EESP(channels, channels)
    learned = sum(module.weight.numel() for module in unit.modules()
                  if isinstance(module, torch.nn.Conv2d))
    assert learned == channels * width // branches + (kernel + width) * width * branches
    standard = channels * width + kernel * width ** 2 * branches
    assert round(standard / learned) == 7
