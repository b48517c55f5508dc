# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Two reports side by side: first what differs in their conditions, then every figure of both."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.benchmark.record import KIND as BENCHMARK
from espnet_perception.errors import SettingsError
from espnet_perception.evaluation import charts
import numpy as np

REPLAY = 'replay'
# Sections of a report that hold conditions.
CONDITIONS = {
    REPLAY: ('package_version', 'commit', 'machine', 'source', 'task', 'label_set', 'classes',
             'power'),
    BENCHMARK: ('package_version', 'commit', 'machine', 'gpus', 'settings', 'power'),
}
RUNNING_CONDITIONS = ('governors', 'limits_mhz', 'mode')
OF_ROW = ': '  # between the row of a benchmark and its figure
# Panels of the chart: ends of the names of figures, and their titles.
PANELS = (('p50_ms', 'median latency (ms)'), ('energy_per_frame_mj', 'energy of a frame (mJ)'),
          (OF_ROW + 'energy_mj', 'energy of a frame (mJ)'), ('iou', 'IoU'), ('top1', 'top-1'),
          ('f1', 'F1'))
MOST_BARS = 40
WHITE_SPACE = 1.15


class Pair(NamedTuple):
    """
    A figure of both reports.

    :param name: path of the figure, with dots.
    :param first: value in the first report; None where it has none.
    :param second: likewise.
    """

    name: str
    first: Optional[float]
    second: Optional[float]

    @property
    def difference(self) -> Optional[float]:
        """Second minus first."""
        return None if self.first is None or self.second is None else self.second - self.first

    @property
    def ratio(self) -> Optional[float]:
        """Second over first; None where the first is nothing."""
        return None if self.difference is None or not self.first else self.second / self.first


class Comparison(NamedTuple):
    """
    Two reports of one kind.

    :param kind: REPLAY or BENCHMARK.
    :param names: of the reports, which differ.
    :param conditions: (name, in the first, in the second) of every condition that differs.
    :param pairs: every figure, in the order of the reports.
    """

    kind: str
    names: Tuple[str, str]
    conditions: List[Tuple[str, str, str]]
    pairs: List[Pair]


def compare(first: Path, second: Path) -> Comparison:
    """
    Compare two reports.

    :param first: report.json of a replay, or bench.json.
    :param second: of the same kind.
    :raises SettingsError: a file cannot be read, is no report, or they are of different kinds.
    """
    documents = [read(path) for path in (first, second)]
    kinds = [kind_of(document, path) for document, path in zip(documents, (first, second))]
    if kinds[0] != kinds[1]:
        raise SettingsError('{} is of a {} and {} of a {}; give two of one kind'.format(
            first, kinds[0], second, kinds[1]))
    conditions = [dict(_conditions(document, kinds[0])) for document in documents]
    different = [(name, *(one.get(name, '-') for one in conditions))
                 for name in dict.fromkeys([*conditions[0], *conditions[1]])
                 if conditions[0].get(name) != conditions[1].get(name)]
    figures = [dict(_figures(document, kinds[0])) for document in documents]
    pairs = [Pair(name, *(one.get(name) for one in figures))
             for name in dict.fromkeys([*figures[0], *figures[1]])]
    return Comparison(kinds[0], _names(first, second), different, pairs)


def read(path: Path) -> Dict[str, Any]:
    """
    Read a report.

    :param path: of the JSON file, or of the folder that holds report.json or bench.json.
    :raises SettingsError: it cannot be read.
    """
    if path.is_dir():
        found = [path / name for name in ('report.json', 'bench.json') if (path / name).is_file()]
        path = found[0] if found else path / 'report.json'
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise SettingsError('cannot read {}: {}'.format(path, error.strerror))
    except ValueError as error:
        raise SettingsError('{} is not JSON: {}'.format(path, error))
    return document if isinstance(document, dict) else {}


def kind_of(document: Dict[str, Any], path: Path) -> str:
    """
    Return what a report is of.

    :param document: the report.
    :param path: where it was.
    :raises SettingsError: it is none.
    """
    if document.get('kind') == BENCHMARK:
        return BENCHMARK
    if 'overall' in document and 'bags' in document:
        return REPLAY
    raise SettingsError('{} is no report; give report.json of `espnet-perception replay` or '
                        'bench.json of `espnet-perception bench`'.format(path))


def table(comparison: Comparison) -> List[List[str]]:
    """
    Return the figures as texts, the first row with the titles.

    :param comparison: of two reports.
    """
    names = comparison.names
    rows = [['figure', *names, 'difference', 'ratio']]
    for pair in comparison.pairs:
        ratio = '-' if pair.ratio is None else '{:.3f}'.format(pair.ratio)
        rows.append([pair.name, _text(pair.first), _text(pair.second), _text(pair.difference, '+'),
                     ratio])
    return rows


def draw(comparison: Comparison, path: Path) -> bool:
    """
    Draw bars of both reports side by side: latency, energy and accuracy, as far as they have it.

    :param comparison: of two reports.
    :param path: the PNG file.
    :return: whether there was anything to draw.
    :raises OutputError: it cannot be written.
    """
    panels = []
    for ending, title in PANELS:
        pairs = [pair for pair in comparison.pairs if pair.name.endswith(ending)
                 and pair.difference is not None and not any(pair in drawn for _, drawn in panels)]
        if pairs:
            panels.append((title, pairs[:MOST_BARS]))
    if not panels:
        return False
    heights = [len(pairs) + 1.5 for _, pairs in panels]
    figure = charts.canvas(8.4, 0.34 * sum(heights) + 0.5)
    grid = figure.add_gridspec(len(panels), 1, height_ratios=heights)
    for row, (title, pairs) in enumerate(panels):
        _draw_panel(charts.styled(figure.add_subplot(grid[row])), title, pairs,
                    comparison.names if row == 0 else ())
    charts.save(figure, path)
    return True


def _draw_panel(axes: Any, title: str, pairs: Sequence[Pair], names: Sequence[str]) -> None:
    places = np.arange(len(pairs))
    for offset, which, colour in ((-0.2, 'first', charts.PERCENTILES[0][1]),
                                  (0.2, 'second', charts.PERCENTILES[2][1])):
        values = [getattr(pair, which) for pair in pairs]
        axes.barh(places + offset, values, height=0.38, color=colour,
                  label=names[which == 'second'] if names else None)
        for place, value in zip(places, values):
            axes.text(value, place + offset, ' {:.4g}'.format(value), va='center', fontsize=7,
                      color=charts.INK)
    axes.set_yticks(places, [_label(pair.name) for pair in pairs])
    axes.set_xlim(0, WHITE_SPACE * max(1e-9, *(value for pair in pairs for value in pair[1:])))
    axes.invert_yaxis()
    axes.set_title(title, **charts.TITLE)
    if names:
        axes.legend(fontsize=8, frameon=False, loc='lower right', bbox_to_anchor=(1.0, 1.0),
                    ncols=2)


def _label(name: str) -> str:
    """Return what a figure is of, without the figure, which the title of its panel tells."""
    row, _, figure = name.rpartition(OF_ROW)
    return row or figure.rpartition('.')[0] or figure


def _conditions(document: Dict[str, Any], kind: str) -> Iterator[Tuple[str, str]]:
    """Yield the name and the text of every condition."""
    for section in CONDITIONS[kind]:
        if section in document:
            yield from _texts(section, document[section])
    if kind == REPLAY:
        yield 'bags', ', '.join(bag['name'] for bag in document['bags'])
        return
    for row in document['configurations']:
        yield 'weights of ' + row['name'], row['sha256'][:12]
        for name, value in row['facts'].items():
            yield '{}: {}'.format(row['key'], name), str(value)
    for name in RUNNING_CONDITIONS:
        values = sorted({str(one[name]) for one in document['conditions'] if one.get(name)})
        yield name, ', '.join(values) or 'not told'
    clocks = [one['clock_mhz'] for one in document['conditions'] if one.get('clock_mhz')]
    if clocks:
        yield 'clocks in MHz', '{:.0f} to {:.0f}'.format(min(low for low, _ in clocks),
                                                         max(high for _, high in clocks))


def _texts(name: str, value: Any) -> Iterator[Tuple[str, str]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _texts('{}.{}'.format(name, key), entry)
    elif isinstance(value, list):
        yield name, ', '.join(str(entry) for entry in value)
    else:
        yield name, str(value)


def _figures(document: Dict[str, Any], kind: str) -> Iterator[Tuple[str, float]]:
    """Yield the name and the value of every figure."""
    if kind == REPLAY:
        yield from _numbers('', document['overall'])
        return
    for row in document['configurations']:
        for name, value in _numbers('', row['figures'] or {}):
            yield row['key'] + OF_ROW + name, value


def _numbers(name: str, value: Any) -> Iterator[Tuple[str, float]]:
    """Yield the numbers below a value; entries of lists are known by their names."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, (int, float)):
        yield name, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _numbers('{}.{}'.format(name, key) if name else key, entry)
    elif isinstance(value, list):
        for entry in value:
            if isinstance(entry, dict) and 'name' in entry:
                yield from _numbers('{}.{}'.format(name, entry['name']), {
                    key: inner for key, inner in entry.items() if key != 'name'})


def _names(first: Path, second: Path) -> Tuple[str, str]:
    """Return the shortest ends of both paths that differ."""
    parts = [path.resolve().parts for path in (first, second)]
    for count in range(1, 1 + max(len(one) for one in parts)):
        names = ['/'.join(one[-count:]) for one in parts]
        if names[0] != names[1]:
            return names[0], names[1]
    return 'first', 'second'


def _text(value: Optional[float], sign: str = '') -> str:
    if value is None:
        return '-'
    return ('{:' + sign + ',}').format(value) if isinstance(value, int) else \
        ('{:' + sign + '.4g}').format(value)
