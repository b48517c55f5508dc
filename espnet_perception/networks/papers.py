# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The sizes that the papers print, and the networks here that have them.

ESPNetv2 (CVPR 2019): Table 2 (classification), Tables 4 and 5 (ablations), Figure 7c
(segmentation, which repeats ESPNet of ECCV 2018). Multiply-adds ("FLOPs") are for 224x224. The
accuracies and speeds are the authors'; nothing here measures them. Inference time and power of
Figure 5 are drawn as bars without numbers, so there is nothing of them to repeat.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from espnet_perception.networks import create_network
from espnet_perception.networks.counting import count, Counts

PAPER_SIZE = (224, 224)
PRINTED_SPEED_FOR = '1024x512 on an NVIDIA TitanX'
UNITS = {'K': 10 ** 3, 'M': 10 ** 6}


class Printed(NamedTuple):
    """
    One row as printed.

    :param place: table or figure, and the row in it.
    :param network: a key of NETWORKS.
    :param arguments: arguments of the network.
    :param parameters: as printed, with its unit.
    :param multiply_adds: likewise.
    :param accuracy: in percent, as the text prints it: top-1 on the validation images of ImageNet
        or mean IoU on the test images of Cityscapes; empty where it prints none.
    :param frames_per_second: as printed, for PRINTED_SPEED_FOR; None where it prints none.
    """

    place: str
    network: str
    arguments: Dict[str, Any]
    parameters: str
    multiply_adds: str
    accuracy: str = ''
    frames_per_second: Optional[int] = None


class Compared(NamedTuple):
    """
    A printed row beside what is counted here.

    :param printed: the row of the paper.
    :param counts: of the network built here.
    """

    printed: Printed
    counts: Counts

    @property
    def agrees(self) -> bool:
        """Whether both figures are those of the paper to the precision that it prints."""
        return all(agree(printed, counted) for printed, counted in self._figures())

    @property
    def notes(self) -> Tuple[str, ...]:
        """Say what the printed figures leave out or cut off."""
        notes = ['{} is {:,} cut off, not rounded'.format(printed, counted)
                 for printed, counted in self._figures()
                 if agree(printed, counted) and not is_rounded(printed, counted)]
        if self.counts.transposed_multiply_adds:
            notes.append('{} leaves out {:,} of the transposed convolutions'.format(
                self.printed.multiply_adds, self.counts.transposed_multiply_adds))
        return tuple(notes)

    def _figures(self) -> Tuple[Tuple[str, int], ...]:
        return ((self.printed.parameters, self.counts.parameters),
                (self.printed.multiply_adds, self.counts.multiply_adds))


def _table2(width: float, parameters: str, multiply_adds: str, accuracy: str = '') -> Printed:
    return Printed('Table 2, s = {}'.format(width), 'espnetv2', {'width': width}, parameters,
                   multiply_adds, accuracy)


# The accuracies in the rows of Table 2 are from Table 5 (0.5, 1.0) and the introduction (2.0).
PRINTED: Tuple[Printed, ...] = (
    _table2(0.5, '1.24 M', '28 M', '57.7 top-1'),
    _table2(1.0, '1.67 M', '86 M', '66.1 top-1'),
    _table2(1.25, '1.97 M', '123 M'),
    _table2(1.5, '2.31 M', '169 M'),
    _table2(1.75, '3.03 M', '224 M'),
    _table2(2.0, '3.49 M', '284 M', '72.1 top-1'),
    Printed('Table 4, R1 (no HFF, no LRSC)', 'espnetv2',
            {'width': 1.0, 'fusion': False, 'shortcut': False}, '1.66 M', '84 M', '58.94 top-1'),
    Printed('Table 4, R2 (no LRSC)', 'espnetv2', {'width': 1.0, 'shortcut': False}, '1.66 M',
            '84 M', '60.07 top-1'),
    Printed('Table 4, R3 (fixed rate)', 'espnetv2', {'width': 1.0}, '1.67 M', '86 M',
            '61.20 top-1'),
    Printed('Table 4, R4 (cyclic rate)', 'espnetv2', {'width': 1.0}, '1.67 M', '86 M',
            '62.17 top-1'),
    Printed('Table 4, R5 (300 epochs)', 'espnetv2', {'width': 1.0}, '1.67 M', '86 M',
            '66.10 top-1'),
    Printed('Table 5, point-wise, s = 0.5', 'espnetv2',
            {'width': 0.5, 'grouped_reduction': False}, '1.30 M', '39 M', '57.14 top-1'),
    Printed('Table 5, point-wise, s = 1.0', 'espnetv2',
            {'width': 1.0, 'grouped_reduction': False}, '1.92 M', '127 M', '67.14 top-1'),
    Printed('Figure 7c, ESPNet', 'espnet', {'p': 2, 'q': 8}, '364 K', '424 M', '60.3 mIoU',
            112),
    Printed('Figure 7c, ESPNetv2 (725 K)', 'espnetv2_seg_paper', {'width': 1.5}, '725 K',
            '322 M', '62.1 mIoU', 83),
    Printed('Figure 7c, ESPNetv2 (99 K)', 'espnetv2_seg_paper', {'width': 0.5}, '99 K', '54 M',
            '54.7 mIoU', 142),
)


def paper_rows() -> List[Compared]:
    """
    Return every printed row with parameters and multiply-adds counted on the network here.

    It builds and runs each network once: a few seconds.
    """
    return [Compared(row, count(create_network(row.network, **row.arguments), PAPER_SIZE))
            for row in PRINTED]


def agree(printed: str, counted: int) -> bool:
    """
    Return whether a figure is the printed one, rounded or cut off (the papers do both).

    :param printed: figure and unit, such as '3.49 M'.
    :param counted: the exact figure.
    """
    figure, step = _digits(printed)
    return is_rounded(printed, counted) or figure == counted // step


def is_rounded(printed: str, counted: int) -> bool:
    """
    Return whether a figure is the printed one, rounded.

    :param printed: figure and unit, such as '3.50 M'.
    :param counted: the exact figure.
    """
    figure, step = _digits(printed)
    return figure == (counted + step // 2) // step


def _digits(printed: str) -> Tuple[int, int]:
    """Return the printed digits as an integer and what one of its last digit stands for."""
    figure, unit = printed.split()
    decimals = len(figure.partition('.')[2])
    return int(figure.replace('.', '')), UNITS[unit] // 10 ** decimals
