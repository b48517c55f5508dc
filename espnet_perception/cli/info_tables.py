# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The tables of ``espnet-perception info``: each as facts for programs and lines for people."""

import importlib.util
import inspect
import textwrap
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from espnet_perception.errors import EngineError

Section = Tuple[Dict[str, Any], List[str]]
WIDTH = 100
INDENT = 19
NAMES_WIDTH = 21
LISTED_CLASSES = 80
WHOLE = 'image'
COLUMNS = {  # multiply-adds of a kind of layer, and the title over them
    'multiply_adds': 'multiply-adds',
    'transposed_multiply_adds': 'transposed',
    'linear_multiply_adds': 'linear',
}


def has_torch() -> bool:
    """Tell whether PyTorch is installed."""
    return importlib.util.find_spec('torch') is not None


def check_torch() -> None:
    """
    Refuse to go on without PyTorch.

    :raises EngineError: it is not installed.
    """
    if not has_torch():
        raise EngineError('networks are counted with torch, which is not installed; pip install '
                          'torch')


def is_network(name: str) -> bool:
    """
    Tell whether a network has this name.

    :param name: any text.
    """
    if not has_torch():
        return False
    from espnet_perception.networks import NETWORKS
    return name in NETWORKS


def sizes(network: Any, size: Tuple[int, int], fields: Mapping[str, Optional[int]]) -> Section:
    """
    Return parameters, multiply-adds and the widest receptive field.

    :param network: a torch module in evaluation mode.
    :param size: (width, height) in pixels.
    :param fields: receptive field of each stage.
    """
    from espnet_perception.networks.counting import count
    width, height = size
    counts = count(network, (height, width))
    rows = [('parameters', '{:,}'.format(counts.parameters)),
            ('multiply-adds', '{:,} of the convolutions at {} x {}'.format(
                counts.multiply_adds, width, height))]
    for figure, layers in ((counts.transposed_multiply_adds, 'transposed convolutions'),
                           (counts.linear_multiply_adds, 'fully connected layer')):
        if figure:
            rows.append(('', '{:,} of the {}, which the papers do not count'.format(
                figure, layers)))
    rows.append(('receptive field', _field_summary(fields)))
    return {'size': {'width': width, 'height': height}, 'counts': counts._asdict(),
            'receptive_fields': dict(fields)}, pairs(rows)


def parts(network: Any) -> Section:
    """
    Return the parameters of a language model, which takes no image, and those of its parts.

    :param network: a torch module.
    """
    counts = {name: sum(one.numel() for one in part.parameters())
              for name, part in [*network.named_children(), *network.layers.named_children()]}
    total = sum(one.numel() for one in network.parameters())
    rows = [('parameters', '{:,}'.format(total)),
            ('', '{:,} of the embedding, which the softmax shares'.format(counts['embedding']))]
    rows += [('', '{:,} of layer {}'.format(counts[name], int(name) + 1))
             for name, _ in network.layers.named_children()]
    return {'counts': {'parameters': total}, 'parts': counts}, pairs(rows)


def stages(network: Any, size: Tuple[int, int], fields: Mapping[str, Optional[int]]) -> Section:
    """
    Return a row for each stage; multiply-adds of a kind that no stage has, have no column.

    :param network: a torch module in evaluation mode.
    :param size: (width, height) in pixels.
    :param fields: receptive field of each stage.
    """
    from espnet_perception.networks.counting import count_stages
    rows = [{'name': row.name, 'shape': list(row.shape), **row.counts._asdict(),
             'receptive_field': fields[row.name]}
            for row in count_stages(network, size[::-1])]
    kinds = [kind for kind in COLUMNS if any(row[kind] for row in rows)]
    figures = ['parameters'] + kinds
    table = [['stage', 'output', 'parameters'] + [COLUMNS[kind] for kind in kinds] + ['sees']]
    for row in rows:
        field = row['receptive_field']
        table.append([row['name'], ' x '.join(str(side) for side in row['shape'])]
                     + ['{:,}'.format(row[figure]) for figure in figures]
                     + [WHOLE if field is None else '{:,}'.format(field)])
    table.append(['sum', ''] + ['{:,}'.format(sum(row[figure] for row in rows))
                                for figure in figures] + [''])
    return {'stages': rows}, [''] + columns(table, left=2) + [
        '', 'sees: side of the square of input pixels on which one output pixel depends;',
        "      '{}': the whole image, or more than 4096 pixels".format(WHOLE)]


def _field_summary(fields: Mapping[str, Optional[int]]) -> str:
    measured = {name: field for name, field in fields.items() if field is not None}
    if not measured:
        return 'the whole image'
    widest = max(measured, key=lambda name: measured[name])
    text = '{:,} pixels at {}'.format(measured[widest], widest)
    return text if len(measured) == len(fields) else text + ', then the whole image'


def networks() -> Section:
    """
    Return the networks, what they are and their arguments.

    :raises EngineError: torch is not installed.
    """
    check_torch()
    from espnet_perception.networks import network_arguments, NETWORKS
    rows: List[Dict[str, Any]] = []
    lines: List[str] = []
    for name, network in NETWORKS.items():
        defaults = {key: parameter.default for key, parameter in network_arguments(name).items()}
        summary = inspect.getdoc(network).split('\n')[0]
        rows.append({'name': name, 'summary': summary, 'arguments': defaults})
        lines += pairs([(name, summary), ('', assignments(defaults))], NAMES_WIDTH)
    return {'networks': rows}, lines


def papers() -> Section:
    """
    Return the rows that the papers print beside what is counted here.

    :raises EngineError: torch is not installed.
    """
    check_torch()
    from espnet_perception.networks.papers import paper_rows, PAPER_SIZE
    rows = [{'place': row.printed.place, 'network': row.printed.network,
             'arguments': row.printed.arguments,
             'printed_parameters': row.printed.parameters, 'parameters': row.counts.parameters,
             'printed_multiply_adds': row.printed.multiply_adds,
             'multiply_adds': row.counts.multiply_adds, 'agrees': row.agrees,
             'printed_accuracy': row.printed.accuracy, 'notes': list(row.notes)}
            for row in paper_rows()]
    table = [['printed in', 'parameters', 'counted', 'MACs', 'counted', '', 'accuracy']]
    table += [[row['place'], row['printed_parameters'], '{:,}'.format(row['parameters']),
               row['printed_multiply_adds'], '{:,}'.format(row['multiply_adds']),
               'agrees' if row['agrees'] else 'DIFFERS', row['printed_accuracy']] for row in rows]
    lines = textwrap.wrap(
        'ESPNetv2 (CVPR 2019) at {} x {}. MACs are the multiply-adds of the convolutions, which '
        "the paper calls FLOPs. The accuracies in percent are the paper's own (ImageNet "
        'validation, Cityscapes test), not measured here.'.format(*PAPER_SIZE[::-1]), WIDTH) + ['']
    lines += columns(table, left=1) + [''] + [
        '{}: {}'.format(row['place'], note) for row in rows for note in row['notes']]
    differing = sum(not row['agrees'] for row in rows)
    lines += ['', '{} of {} rows agree to the printed precision'.format(
        len(rows) - differing, len(rows))]
    return {'size': {'width': PAPER_SIZE[1], 'height': PAPER_SIZE[0]}, 'rows': rows}, lines


def assignments(arguments: Mapping[str, Any]) -> str:
    """
    Return arguments as they are given to ``info``, with commas.

    :param arguments: name to value.
    """
    return ', '.join('{}={}'.format(
        name, str(value).lower() if isinstance(value, bool) else value)
        for name, value in arguments.items())


def listed(names: Sequence[str]) -> str:
    """
    Return how many classes there are, and their names unless there are too many.

    :param names: the class names.
    """
    shown = ', '.join(names[:LISTED_CLASSES])
    return '{}: {}{}'.format(len(names), shown,
                             ', ...' if len(names) > LISTED_CLASSES else '')


def pairs(rows: Iterable[Tuple[str, Any]], indent: int = INDENT) -> List[str]:
    """
    Return lines of a name and a value, which is wrapped.

    :param rows: names and values.
    :param indent: where the values begin.
    """
    lines: List[str] = []
    for name, value in rows:
        wrapped = textwrap.wrap(str(value), WIDTH - indent, break_long_words=False,
                                break_on_hyphens=False) or ['']
        lines.append('{:<{}}{}'.format(name, indent, wrapped[0]))
        lines += [' ' * indent + rest for rest in wrapped[1:]]
    return lines


def columns(table: List[List[str]], left: int) -> List[str]:
    """
    Return rows whose columns stand under each other.

    :param table: rows of equal length, the first with the titles.
    :param left: how many columns begin at the left; the others end at the right.
    """
    widths = [max(len(cell) for cell in column) for column in zip(*table)]
    return ['  '.join(cell.ljust(width) if place < left else cell.rjust(width)
                      for place, (cell, width) in enumerate(zip(row, widths))).rstrip()
            for row in table]
