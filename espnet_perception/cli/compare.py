# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Put two reports of replays or benchmarks side by side."""

import argparse
from pathlib import Path

from espnet_perception.cli.info_tables import columns

DESCRIPTION = """\
Compare two reports of `replay`, or two of `bench`: what differs in model, data, machine and
clocks comes first, then every figure with its difference and ratio.

    espnet-perception compare replay_a/report.json replay_b/report.json
    espnet-perception compare bench_monday/ bench_friday/ --output compared

With one benchmark alone its table is printed again, and with --output its plots are drawn."""
MARKDOWN_FILE, CHART_FILE = 'compare.md', 'compare.png'
ALIKE = 'Conditions: all that the reports tell are alike.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('first', metavar='A', help='report.json or bench.json, or its folder')
    parser.add_argument('second', metavar='B', nargs='?', help='another one of the same kind')
    parser.add_argument('--output', default='', metavar='FOLDER',
                        help='write the table and a chart there')


def run(chosen: argparse.Namespace) -> int:
    """
    Compare and print.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: a report cannot be used, or the output not be written.
    """
    if chosen.second is None:
        return _show(chosen)
    from espnet_perception.evaluation import comparison
    found = comparison.compare(Path(chosen.first), Path(chosen.second))
    cells = comparison.table(found)
    differing = columns([['condition that differs', *found.names],
                         *([name, _short(one), _short(other)]
                           for name, one, other in found.conditions)], 3)
    print('\n'.join((differing if found.conditions else [ALIKE]) + [''] + columns(cells, 1)))
    if chosen.output:
        _write(found, cells, Path(chosen.output))
    return 0


def _write(found: object, cells: list, folder: Path) -> None:
    from espnet_perception.benchmark.record import write_text
    from espnet_perception.benchmark.table import markdown_table
    from espnet_perception.evaluation import comparison
    conditions = markdown_table([['condition that differs', *found.names],
                                 *map(list, found.conditions)], 3) if found.conditions else ALIKE
    write_text(str(folder / MARKDOWN_FILE),
               '{}\n\n{}\n'.format(conditions, markdown_table(cells, 1)))
    drawn = comparison.draw(found, folder / CHART_FILE)
    print('{}: {}'.format(folder, ', '.join([MARKDOWN_FILE] + [CHART_FILE] * drawn)))


def _show(chosen: argparse.Namespace) -> int:
    """Print one benchmark again, as on a machine where plots cannot be drawn."""
    from espnet_perception.benchmark import record, table
    path = Path(chosen.first)
    document = record.load(str(path / record.JSON_FILE if path.is_dir() else path))
    print('\n'.join(table.lines(document, columns)))
    if chosen.output:
        from espnet_perception.evaluation.benchmark_charts import draw
        record.write_text(str(Path(chosen.output) / MARKDOWN_FILE), table.markdown(document))
        draw(document, chosen.output)
    return 0


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + '...'
