# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The plots of a benchmark.

Bars of latency, power and energy as in Figure 5 of ESPNetv2 (CVPR 2019), and accuracy against
speed as the table of its Figure 7c, with the Pareto front.
"""

from pathlib import Path
import re
import textwrap
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

from espnet_perception.benchmark.accuracy import PRINTED
from espnet_perception.benchmark.table import tradeoff
from espnet_perception.evaluation import charts
import numpy as np

COLOURS = charts.SEEN_COLOURS
BAR_HEIGHT = 0.24  # inches of height
Row = Dict[str, Any]


class Measure(NamedTuple):
    """
    Something that is better the smaller it is.

    :param name: of the figure: latency, energy_mj or power_mw.
    :param title: what it is, with its unit.
    :param value: of a row.
    """

    name: str
    title: str
    value: Callable[[Row], float]


LATENCY = Measure('latency', 'median latency (ms)', lambda row: row['figures']['latency'][
    'p50_ms'])
ENERGY = Measure('energy_mj', 'energy of a frame (mJ)', lambda row: row['figures']['energy_mj'])
POWER = Measure('power_mw', 'power (W)', lambda row: row['figures']['power_mw'] / 1e3)


def draw(document: Dict[str, Any], folder: Any) -> List[Path]:
    """
    Draw all plots for which there are figures.

    :param document: of a benchmark.
    :param folder: where to; it exists.
    :return: paths of the pictures.
    :raises OutputError: they cannot be written.
    """
    drawn, rows = [], [row for row in document['configurations'] if row['figures']]
    for measure in (LATENCY, POWER, ENERGY):
        known = [row for row in rows if row['figures'][measure.name] is not None]
        if known:
            drawn.append(Path(folder) / '{}.png'.format(measure.name.partition('_')[0]))
            _bars(drawn[-1], known, measure)
    for measure in (LATENCY, ENERGY):
        for (name, where), known in tradeoff(document, measure.name).items():
            file = '{}_against_{}'.format(name, measure.name.partition('_')[0])
            if len(tradeoff(document, measure.name)) > 1:
                file += '_' + where
            drawn.append(Path(folder) / (re.sub(r'\W+', '_', file) + '.png'))
            _tradeoff(drawn[-1], known, measure, where)
    return drawn


def pareto_front(points: Sequence[Tuple[float, float]]) -> List[int]:
    """
    Return which points no other point beats in both ways, from left to right.

    :param points: (x, y); small x and large y are good.
    """
    best, front = -np.inf, []
    for index in sorted(range(len(points)), key=lambda place: (points[place][0],
                                                               -points[place][1])):
        if points[index][1] > best:
            best = points[index][1]
            front.append(index)
    return front


def _bars(path: Path, rows: Sequence[Row], measure: Measure) -> None:
    """Draw one bar for each row, in the colour of its engine."""
    figure, axes = charts.new_figure(8.4, BAR_HEIGHT * len(rows) + 1.2)
    values = [measure.value(row) for row in rows]
    series = _series(rows)
    for place, (row, value) in enumerate(zip(rows, values)):
        axes.barh(place, value, height=0.75, color=series[_series_of(row)],
                  label=_series_of(row))
        axes.text(value, place, ' {:.4g}'.format(value), va='center', fontsize=7,
                  color=charts.INK)
    axes.set_yticks(range(len(rows)), [_label(row, rows) for row in rows])
    axes.set_xlim(0, 1.12 * max(values))
    axes.invert_yaxis()
    axes.set_title(measure.title[0].upper() + measure.title[1:], **charts.TITLE)
    _legend(axes)
    charts.save(figure, path)


def _tradeoff(path: Path, rows: Sequence[Row], measure: Measure, where: str) -> None:
    """Draw accuracy against a measure; circles are hollow where a paper printed the accuracy."""
    figure, axes = charts.new_figure(8.4, 4.6)
    points = [(measure.value(row), row['accuracy']['percent']) for row in rows]
    series = _series(rows)
    for row, (x, y) in zip(rows, points):
        colour = series[_series_of(row)]
        hollow = row['accuracy']['origin'] == PRINTED
        axes.plot(x, y, 'o', markersize=7, color=colour, label=_series_of(row),
                  markerfacecolor='white' if hollow else colour)
    front = pareto_front(points)
    axes.step([points[index][0] for index in front], [points[index][1] for index in front],
              '--', where='post', color=charts.FAINT, linewidth=1, label='Pareto front', zorder=0)
    for index in front:
        axes.annotate(_label(rows[index], rows), points[index], xytext=(6, 5), fontsize=7,
                      textcoords='offset points', color=charts.INK)
    axes.margins(x=0.2, y=0.15)
    axes.set_xscale('log' if max(points)[0] > 10 * min(points)[0] else 'linear')
    axes.grid(axis='y', color=charts.GRID, linewidth=0.7)
    axes.set_xlabel(measure.title)
    axes.set_ylabel('{name} (%)'.format(**rows[0]['accuracy']))
    printed = any(row['accuracy']['origin'] == PRINTED for row in rows)
    axes.set_title('{}{}'.format(textwrap.shorten(where, 90), (
        '; hollow: accuracy as a paper prints it' if printed else '')), **charts.TITLE)
    _legend(axes)
    charts.save(figure, path)


def _legend(axes: Any) -> None:
    """Name every colour once."""
    handles, names = axes.get_legend_handles_labels()
    once = dict(zip(names, handles))
    axes.legend(once.values(), once.keys(), fontsize=8, frameon=False, loc='upper left',
                bbox_to_anchor=(1.0, 1.0))


def _series(rows: Sequence[Row]) -> Dict[str, str]:
    """Return a colour for each engine and precision."""
    names = sorted({_series_of(row) for row in rows})
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def _series_of(row: Row) -> str:
    return row['engine'] if row['precision'] == 'fp32' else '{engine} {precision}'.format(**row)


def _label(row: Row, rows: Sequence[Row]) -> str:
    """Return the name of the model, and what else tells the rows apart."""
    parts = [row['name']]
    if len({(other['name'], other['width'], other['height']) for other in rows}) > len(
            {other['name'] for other in rows}):
        parts.append('{width}x{height}'.format(**row))
    if len({other['threads'] for other in rows}) > 1:
        parts.append('{} thread(s)'.format(row['threads'] or 'all'))
    return ', '.join(parts)
