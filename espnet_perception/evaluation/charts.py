# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The charts of a replay report, drawn with matplotlib into PNG files."""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.evaluation.answers import ANSWERED, DROPPED, REJECTED
from espnet_perception.evaluation.power_trace import PowerRow
from espnet_perception.evaluation.state import FrameRecord, writing
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
import numpy as np

INK, FAINT, GRID = '#212529', '#6c757d', '#dee2e6'
TITLE = {'fontsize': 10, 'color': INK}
PERCENTILES = (('p50_ms', '#9ec5fe'), ('p95_ms', '#3d8bfd'), ('p99_ms', '#0a58ca'))
STATUS_COLOURS = {ANSWERED: '#198754', DROPPED: '#fd7e14', REJECTED: '#dc3545'}
DPI = 110
# At most so many parts of a bag and so many classes can be told from each other.
TIME_PARTS, SEEN_CLASSES = 60, 8
SEEN_COLOURS = ('#0d6efd', '#fd7e14', '#198754', '#6f42c1', '#dc3545', '#20c997', '#ffc107',
                '#795548', '#adb5bd')


class Mean(NamedTuple):
    """Title of a chart, and the mean that is written behind it and drawn as a dashed line."""

    title: str
    value: float


class Curve(NamedTuple):
    """A curve of a chart: its title and its points."""

    title: str
    xs: Sequence[float]
    ys: Sequence[float]


def class_chart(path: Path, rows: Sequence[Tuple[str, Optional[float]]],
                palette: Sequence[Sequence[int]], mean: Mean) -> None:
    """
    Draw one bar for each class, in the colour of the class.

    :param path: the PNG file.
    :param rows: name and figure 0..1 of each class; None or NaN where it was not measured.
    :param palette: (red, green, blue) of each class.
    :param mean: title and mean.
    """
    values = [None if value is None or value != value else 100 * value for _, value in rows]
    figure, axes = new_figure(7.2, 0.29 * len(rows) + 1.1)
    places = np.arange(len(rows))
    axes.barh(places, [value or 0 for value in values], height=0.72, edgecolor=FAINT,
              color=[np.array(colour) / 255 for colour in palette], linewidth=0.5)
    for place, value in zip(places, values):
        text = 'not in the data' if value is None else '{:.1f}'.format(value)
        axes.text((value or 0) + 1, place, text, va='center', fontsize=8,
                  color=INK if value is not None else FAINT)
    axes.axvline(100 * mean.value, color=INK, linestyle='--', linewidth=1)
    axes.set_title('{} {:.1f}'.format(mean.title, 100 * mean.value), **TITLE)
    axes.set_yticks(places, [name for name, _ in rows])
    axes.set_xlim(0, 108)
    axes.invert_yaxis()
    save(figure, path)


def confusion_chart(path: Path, counts: Sequence[Sequence[int]], names: Sequence[str],
                    unit: str) -> None:
    """
    Draw the confusion matrix, every row in per cent of the true class.

    :param path: the PNG file.
    :param counts: (classes, classes), perhaps with a further column for no class.
    :param names: names of the classes.
    :param unit: what is counted, as pixels.
    """
    matrix, columns = np.asarray(counts, dtype=np.float64), list(names)
    if matrix[:, len(names):].any():
        columns.append('none')
    matrix = matrix[:, :len(columns)]
    totals = matrix.sum(axis=1, keepdims=True)
    share = np.divide(100 * matrix, totals, out=np.full(matrix.shape, np.nan), where=totals > 0)
    side = max(4.4, 0.36 * len(names) + 2.2)
    figure, axes = new_figure(side + 0.6, side)
    axes.imshow(share, cmap='Blues', vmin=0, vmax=100, aspect='auto')
    for row, column in np.argwhere(share >= 0.5):
        axes.text(column, row, '{:.0f}'.format(share[row, column]), ha='center', va='center',
                  fontsize=7, color='white' if share[row, column] > 55 else INK)
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha='right', rotation_mode='anchor')
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel('predicted')
    axes.set_ylabel('true')
    axes.set_title('Confusion: % of the {} of the true class'.format(unit), **TITLE)
    axes.grid(False)
    save(figure, path)


def latency_chart(path: Path, latency_ms: Dict[str, Dict[str, float]]) -> None:
    """
    Draw median, 95th and 99th percentile of each stage.

    :param path: the PNG file.
    :param latency_ms: stage to its figures.
    """
    stages = list(latency_ms)
    figure, axes = new_figure(7.2, 0.55 * len(stages) + 1.2)
    places = np.arange(len(stages))
    for offset, (name, colour) in zip((-0.26, 0, 0.26), PERCENTILES):
        values = [latency_ms[stage][name] for stage in stages]
        axes.barh(places + offset, values, height=0.25, color=colour, label=name[:-3])
        for place, value in zip(places, values):
            axes.text(value, place + offset, ' {:.3g}'.format(value), va='center', fontsize=7,
                      color=INK)
    axes.set_yticks(places, stages)
    axes.set_xlim(0, 1.12 * max(latency_ms[stage]['p99_ms'] for stage in stages))
    axes.invert_yaxis()
    axes.set_title('Latency of each stage (ms)', **TITLE)
    axes.legend(fontsize=8, frameon=False, loc='best')
    save(figure, path)


def timeline_chart(path: Path, records: Sequence[FrameRecord], stage: str) -> None:
    """
    Draw latency and fate of each frame over the time of the bag.

    :param path: the PNG file.
    :param records: what became of the frames.
    :param stage: the stage whose time is drawn.
    """
    start_ns = records[0].recorded_ns
    figure, axes = new_figure(9.0, 2.7)
    timed = [record for record in records if stage in record.times_ns]
    axes.plot([(record.recorded_ns - start_ns) / 1e9 for record in timed],
              [record.times_ns[stage] / 1e6 for record in timed], '.', markersize=4,
              color=STATUS_COLOURS[ANSWERED], label='{} ({})'.format(ANSWERED, len(timed)))
    for status in (DROPPED, REJECTED):
        seconds = [(record.recorded_ns - start_ns) / 1e9 for record in records
                   if record.status == status]
        if seconds:
            axes.plot(seconds, [0] * len(seconds), '|', markersize=12, clip_on=False,
                      color=STATUS_COLOURS[status], label='{} ({})'.format(status, len(seconds)))
    axes.set_ylim(bottom=0)
    axes.set_xlabel('seconds into the bag')
    axes.set_ylabel('{} (ms)'.format(stage))
    axes.set_title('Every frame over time', **TITLE)
    axes.legend(fontsize=8, frameon=False, loc='upper left', bbox_to_anchor=(1.0, 1.0))
    save(figure, path)


def power_chart(path: Path, rows: Sequence[PowerRow], records: Sequence[FrameRecord] = (),
                stage: str = '') -> None:
    """
    Draw latency, power and energy below each other over the time of the bag.

    :param path: the PNG file.
    :param rows: what was drawn; at least one.
    :param records: what became of the frames; the first is where the time begins.
    :param stage: the stage whose time is drawn; empty: power and energy alone.
    """
    start_ns = records[0].recorded_ns if records else rows[0].recorded_ns
    seconds = [(row.recorded_ns - start_ns) / 1e9 for row in rows]
    timed = [((record.recorded_ns - start_ns) / 1e9, record.times_ns[stage] / 1e6)
             for record in records if stage in record.times_ns]
    dots = {'linestyle': '', 'marker': '.', 'markersize': 4, 'color': STATUS_COLOURS[ANSWERED]}
    panels = [('{} (ms)'.format(stage), *zip(*timed), dots)] if timed else []
    powers_w = [np.nan if row.power_mw is None else row.power_mw / 1e3 for row in rows]
    panels += [('power (W)', seconds, powers_w, {'color': PERCENTILES[2][1]}),
               ('energy (J)', seconds, np.cumsum([row.energy_mj for row in rows]) / 1e3,
                {'color': STATUS_COLOURS[DROPPED]})]
    figure, first = canvas(9.0, 1.7 * len(panels) + 0.6), None
    for row, (words, xs, ys, style) in enumerate(panels):
        first = axes = styled(figure.add_subplot(len(panels), 1, row + 1, sharex=first))
        axes.plot(xs, ys, **dict({'linewidth': 1.4}, **style))
        axes.grid(axis='y', color=GRID, linewidth=0.7)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(words)
        axes.tick_params(labelbottom=row == len(panels) - 1)
    axes.set_xlabel('seconds into the bag')
    figure.suptitle('Latency, power and energy over time' if timed else
                    'Power and energy over time', **TITLE)
    save(figure, path)


def seen_chart(path: Path, seen: Sequence[Tuple[int, Sequence[str]]], start_ns: int) -> None:
    """
    Draw which classes were seen when: how many frames of each class in each part of the bag.

    :param path: the PNG file.
    :param seen: time in nanoseconds and classes of each frame.
    :param start_ns: beginning of the bag.
    """
    seconds = np.array([(time_ns - start_ns) / 1e9 for time_ns, _ in seen])
    edges = np.linspace(0, max(seconds.max(), 1e-3), min(TIME_PARTS, len(seen)) + 1)
    counts = Counter(name for _, names in seen for name in names)
    frequent = [name for name, _ in counts.most_common(SEEN_CLASSES)]
    rows = {name: [time_s for time_s, (_, names) in zip(seconds, seen) if name in names]
            for name in frequent}
    rows['others'] = [time_s for time_s, (_, names) in zip(seconds, seen) for name in names
                      if name not in rows]
    figure, axes = new_figure(9.0, 2.7)
    bottom = np.zeros(len(edges) - 1)
    for (name, times), colour in zip(rows.items(), SEEN_COLOURS):
        if times:
            frames = np.histogram(times, edges)[0]
            axes.bar(edges[:-1], frames, np.diff(edges), bottom, align='edge', color=colour,
                     label='{} ({})'.format(name, len(times)))
            bottom += frames
    axes.set_xlabel('seconds into the bag')
    axes.set_ylabel('frames')
    axes.set_title('Classes seen over time', **TITLE)
    axes.legend(fontsize=8, frameon=False, loc='upper left', bbox_to_anchor=(1.0, 1.0))
    save(figure, path)


def fate_chart(path: Path, bags: List[Dict[str, Any]]) -> None:
    """
    Draw for each bag which share of its frames was answered, dropped and rejected.

    :param path: the PNG file.
    :param bags: name and frame counts of each, as in the summary.
    """
    figure, axes = new_figure(7.2, 0.42 * len(bags) + 1.3)
    places, left = np.arange(len(bags)), np.zeros(len(bags))
    for status, colour in STATUS_COLOURS.items():
        counts = np.array([bag['frames'][status] for bag in bags])
        share = 100 * counts / np.array([max(1, bag['frames']['total']) for bag in bags])
        axes.barh(places, share, left=left, height=0.6, color=colour,
                  label='{} ({})'.format(status, counts.sum()))
        left += share
    axes.set_yticks(places, [bag['name'] for bag in bags])
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.set_title('What became of the frames (%)', **TITLE)
    axes.legend(fontsize=8, frameon=False, loc='upper left', bbox_to_anchor=(1.0, 1.0))
    save(figure, path)


def curves_chart(path: Path, curves: Sequence[Curve], x_title: str) -> None:
    """
    Draw curves below each other over one axis.

    :param path: the PNG file.
    :param curves: at least one.
    :param x_title: what the values of x are.
    """
    figure = canvas(7.2, 1.9 * len(curves) + 0.3)
    first = None
    for row, curve in enumerate(curves):
        first = axes = styled(figure.add_subplot(len(curves), 1, row + 1, sharex=first))
        axes.plot(curve.xs, curve.ys, color=PERCENTILES[1][1], linewidth=1.4,
                  marker='.' if len(curve.xs) <= 60 else '', markersize=4)
        axes.grid(axis='y', color=GRID, linewidth=0.7)
        axes.set_title(curve.title, **TITLE)
    axes.set_xlabel(x_title)
    save(figure, path)


def new_figure(width: float, height: float) -> tuple:
    """
    Return an empty figure and its only axes.

    :param width: inches.
    :param height: likewise.
    """
    figure = canvas(width, height)
    return figure, styled(figure.add_subplot())


def canvas(width: float, height: float) -> Figure:
    """
    Return an empty figure.

    :param width: inches.
    :param height: likewise.
    """
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor='white', layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def styled(axes: Any) -> Any:
    """
    Return axes in the style of all charts.

    :param axes: of matplotlib.
    """
    axes.tick_params(labelsize=8, colors=INK, length=0)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)
    axes.set_axisbelow(True)
    axes.grid(axis='x', color=GRID, linewidth=0.7)
    for side in ('top', 'right', 'left'):
        axes.spines[side].set_visible(False)
    axes.spines['bottom'].set_color(GRID)
    return axes


def save(figure: Figure, path: Path) -> None:
    """
    Write a figure.

    :param figure: of matplotlib.
    :param path: the PNG file.
    :raises OutputError: it cannot be written.
    """
    with writing(path):
        figure.savefig(path)
