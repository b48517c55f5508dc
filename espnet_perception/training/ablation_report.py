# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the runs of an ablation say: means, spread over the seeds, and the paper beside them."""

import statistics
from typing import List, NamedTuple, Optional, Sequence

from espnet_perception.networks import create_network
from espnet_perception.networks.counting import count
from espnet_perception.networks.papers import PAPER_SIZE, PRINTED, Printed
from espnet_perception.training.ablation import Result
from espnet_perception.training.ablation_plan import (
    Experiment,
    PAPER_EPOCHS,
    PAPER_LONG_EPOCHS,
    ROWS,
)
from espnet_perception.whole_files import whole_file
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

CHART_FILE = 'ablation.png'
PAPER_WIDTH = 1.0  # of Table 4
ROW_FORM = '{:<4} {:<32} {:>9} {:>11} {:>15} {:>5}  {}'


class Comparison(NamedTuple):
    """
    Two rows that differ in one thing.

    :param words: what the first has and the second has not
    :param row: a key of ROWS
    :param base: a key of ROWS
    :param places: beginnings of the places in networks.papers.PRINTED, where the paper compares
        other rows than these
    """

    words: str
    row: str
    base: str
    places: Sequence[str] = ()


COMPARISONS = (
    Comparison('hierarchical feature fusion', 'R2', 'R1'),
    Comparison('long-range shortcut', 'R3', 'R2'),
    Comparison('cyclic instead of fixed rate', 'R4', 'R3'),
    Comparison('longer training', 'R5', 'R4'),
    Comparison('grouped instead of dense point-wise', 'R4', 'P',
               ('Table 2', 'Table 5, point-wise')),
)


class Summary(NamedTuple):
    """
    The runs of one row.

    :param mean: of the top-1 accuracies, in percent
    :param spread: their standard deviation; None for a single run
    :param runs: their number
    """

    mean: float
    spread: Optional[float]
    runs: int


class Difference(NamedTuple):
    """
    The difference of two rows, over the seeds that both have.

    :param mean: in percentage points
    :param spread: standard deviation of the differences; None for a single pair
    :param pairs: number of seeds
    :param seed_spread: the larger standard deviation of the two rows over these seeds
    """

    mean: float
    spread: Optional[float]
    pairs: int
    seed_spread: Optional[float]

    @property
    def verdict(self) -> str:
        """Say whether the difference is larger than what another seed changes."""
        if self.seed_spread is None:
            return 'one seed cannot tell'
        if abs(self.mean) <= self.seed_spread:
            return 'within the spread of the seeds'
        return 'helps' if self.mean > 0 else 'harms'


def summary(results: Sequence[Result], row: str) -> Optional[Summary]:
    """
    Return mean and spread of a row; None without a run.

    :param row: a key of ROWS
    """
    values = [100 * result.top1 for result in results if result.row == row]
    return Summary(statistics.mean(values), _spread(values), len(values)) if values else None


def difference(results: Sequence[Result], row: str, base: str) -> Optional[Difference]:
    """
    Return how much better one row is than another, seed by seed; None without a common seed.

    :param row: a key of ROWS
    :param base: a key of ROWS
    """
    tops = {(result.row, result.seed): 100 * result.top1 for result in results}
    seeds = sorted(seed for name, seed in tops if name == row and (base, seed) in tops)
    if not seeds:
        return None
    sides = [[tops[name, seed] for seed in seeds] for name in (row, base)]
    apart = [first - second for first, second in zip(*sides)]
    spread = _spread(apart)
    return Difference(statistics.mean(apart), spread, len(apart),
                      None if spread is None else max(statistics.stdev(side) for side in sides))


def describe(experiment: Experiment) -> List[str]:
    """Return what is trained on what, as text for people."""
    return [
        'ESPNetv2 s={width} learns from {patches} patches of {dataset} at {size}x{size}; epochs: '
        '{epochs} (R5: {long}).'.format(long=experiment.epochs_of(ROWS['R5']),
                                        **experiment._asdict()),
        'Its last weights are measured on patches of other frames.',
        'This is a small data set and a short training; the paper trains s=1.0 on ImageNet for '
        '{} epochs (R5: {}).'.format(PAPER_EPOCHS, PAPER_LONG_EPOCHS)]


def lines(experiment: Experiment, results: Sequence[Result]) -> List[str]:
    """
    Return the tables as text, for people.

    :param experiment: of the results
    :param results: finished runs
    """
    text = [ROW_FORM.format('row', '', 'weights', 'mult.-adds', 'top-1 here', 'runs', 'paper')]
    for name, row in ROWS.items():
        figures = summary(results, name)
        if figures is None:
            continue
        counts = count(create_network('espnetv2', **dict(row.design, width=experiment.width)),
                       PAPER_SIZE)
        printed = _printed(row.place, experiment.width)
        text.append(ROW_FORM.format(
            name, row.words, '{:,}'.format(counts.parameters),
            '{:,}'.format(counts.multiply_adds), _with_spread(figures.mean, figures.spread),
            figures.runs, '{}, s={width}'.format(printed.accuracy, **printed.arguments)))
    text += ['weights and multiply-adds: of 1000 classes at 224x224, as the paper counts', '']
    for one in COMPARISONS:
        apart = difference(results, one.row, one.base)
        if apart is not None:
            text.append('{:<37} {:>15} points ({} - {}, {} seeds): {}; paper {:+.2f}'.format(
                one.words, _with_spread(apart.mean, apart.spread, '{:+.2f}'), one.row, one.base,
                apart.pairs, apart.verdict, _paper_difference(one, experiment.width)))
    return text


def draw(path: str, experiment: Experiment, results: Sequence[Result]) -> None:
    """
    Draw every run as a point, by row, and the mean of each row as a line.

    :param path: of the PNG file
    :param experiment: of the results
    :param results: finished runs, at least one
    """
    names = [name for name in ROWS if summary(results, name)]
    figure = Figure(figsize=(1.2 * len(names) + 2.4, 4), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for place, name in enumerate(names):
        values = [100 * result.top1 for result in results if result.row == name]
        axes.plot([place] * len(values), values, 'o', color='#3d8bfd', alpha=0.7)
        axes.hlines(statistics.mean(values), place - 0.25, place + 0.25, color='#212529')
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylabel('top-1 (%)')
    axes.set_title('{} patches of {}, s={}, {} epochs'.format(
        experiment.patches, experiment.dataset, experiment.width, experiment.epochs), fontsize=10)
    axes.grid(axis='y', color='#dee2e6')
    axes.set_axisbelow(True)
    with whole_file(path) as part:
        figure.savefig(part, format='png')


def _spread(values: Sequence[float]) -> Optional[float]:
    return statistics.stdev(values) if len(values) > 1 else None


def _with_spread(mean: float, spread: Optional[float], form: str = '{:.2f}') -> str:
    return form.format(mean) + ('' if spread is None else ' +- {:.2f}'.format(spread))


def _printed(place: str, width: float) -> Printed:
    """Return the row of the paper at a width, or else at that of Table 4."""
    rows = [row for row in PRINTED if row.place.startswith(place) and row.accuracy]
    return next(row for wanted in (width, PAPER_WIDTH) for row in rows
                if row.arguments['width'] == wanted)


def _paper_difference(one: Comparison, width: float) -> float:
    row, base = one.places or (ROWS[one.row].place, ROWS[one.base].place)
    first, second = (float(_printed(place, width).accuracy.split()[0]) for place in (row, base))
    return first - second
