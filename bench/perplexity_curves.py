#!/usr/bin/env python3
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Compare runs of language models: validation perplexity at equal steps, as a table and a plot.

    python3 bench/perplexity_curves.py runs/ptb_eru_7m runs/ptb_lstm_7m --expected 10:110 30:85

A run's folder is one that `train language` has made. What is expected is given as EPOCH:PERPLEXITY
and drawn at that epoch of the first run.
"""

import argparse
from pathlib import Path
from typing import Dict, List, Tuple

from espnet_perception.evaluation.charts import (
    canvas,
    FAINT,
    GRID,
    save,
    SEEN_COLOURS,
    styled,
    TITLE,
)
from espnet_perception.training.journal import read_rows

JOURNAL = 'journal.csv'
COLUMNS = ('step', 'epoch', 'valid_perplexity', 'averaging')
Curve = List[Dict[str, float]]


def read_curve(folder: str) -> Curve:
    """Return the checks of a run."""
    try:
        rows = read_rows(str(Path(folder) / JOURNAL))
    except OSError as error:
        raise SystemExit('{} is no run of `train language`: {}'.format(folder, error.strerror))
    curve = [{name: float(row[name]) for name in COLUMNS} for row in rows]
    if not curve:
        raise SystemExit('{} has no check yet; let it run for an epoch'.format(folder))
    return curve


def table(curves: Dict[str, Curve]) -> str:
    """Return the perplexities at the steps that the runs have in common, * where averaged."""
    by_step = {name: {row['step']: row for row in curve} for name, curve in curves.items()}
    steps = sorted(set.intersection(*map(set, by_step.values())))
    if not steps:
        return 'the runs have no step in common'
    lines = ['| step | ' + ' | '.join(curves) + ' |', '|---' * (len(curves) + 1) + '|']
    for step in steps:
        lines.append('| {:.0f} | '.format(step) + ' | '.join('{:.1f}{}'.format(
            rows[step]['valid_perplexity'], ' *' * (rows[step]['averaging'] > 0))
            for rows in by_step.values()) + ' |')
    return '\n'.join(lines)


def draw(path: Path, curves: Dict[str, Curve], expected: List[Tuple[float, float]]) -> None:
    """Draw the curves against the steps, the perplexity on a logarithmic scale."""
    figure = canvas(7.2, 3.6)
    axes = styled(figure.add_subplot(1, 1, 1))
    for (name, curve), colour in zip(curves.items(), SEEN_COLOURS):
        axes.plot([row['step'] for row in curve], [row['valid_perplexity'] for row in curve],
                  color=colour, linewidth=1.4, marker='.', label=name)
        begun = next((row for row in curve if row['averaging']), None)
        if begun:
            axes.axvline(begun['step'], color=colour, linestyle=':', linewidth=0.9)
    first = next(iter(curves.values()))
    per_epoch = first[-1]['step'] / first[-1]['epoch']
    if expected:
        axes.plot([epoch * per_epoch for epoch, _ in expected], [value for _, value in expected],
                  color=FAINT, linestyle='--', marker='x', linewidth=1.0, label='expected')
    axes.set_yscale('log')
    axes.yaxis.set_major_formatter('{x:.0f}')
    axes.yaxis.set_minor_formatter('{x:.0f}')
    axes.grid(axis='y', which='both', color=GRID, linewidth=0.6)
    axes.set_xlabel('steps; dotted: from here on averaged weights', color=FAINT)
    axes.set_ylabel('validation perplexity')
    axes.legend(fontsize=8, frameon=False)
    figure.suptitle('Language models at equal steps', **TITLE)
    save(figure, path)


def pair(text: str) -> Tuple[float, float]:
    """Read EPOCH:PERPLEXITY."""
    try:
        epoch, value = text.split(':')
        return float(epoch), float(value)
    except ValueError:
        raise argparse.ArgumentTypeError("'{}' is not EPOCH:PERPLEXITY, as 10:110".format(text))


def main() -> None:
    """Print the table, write the plot."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('runs', nargs='+', help='folders of runs')
    parser.add_argument('--expected', nargs='*', type=pair, default=[], metavar='EPOCH:PERPLEXITY')
    parser.add_argument('--output', type=Path, default=Path('perplexity.png'))
    chosen = parser.parse_args()
    curves = {Path(folder).name: read_curve(folder) for folder in chosen.runs}
    print(table(curves))
    draw(chosen.output, curves, chosen.expected)
    print('plot: {}'.format(chosen.output))


if __name__ == '__main__':
    main()
