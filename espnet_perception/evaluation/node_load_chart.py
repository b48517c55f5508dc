# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The plot of nodes under load."""

from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

from espnet_perception.evaluation.charts import (
    canvas,
    FAINT,
    GRID,
    save,
    SEEN_COLOURS,
    styled,
    TITLE,
)
from espnet_perception.evaluation.node_load import Step


def load_chart(path: Path, results: Sequence[Tuple[int, Sequence[Step]]],
               searches: Dict[int, Tuple[Optional[float], Optional[float]]]) -> None:
    """
    Draw latency, lost frames and processor time against the rate of each camera.

    :param path: the PNG file.
    :param results: number of cameras and what was measured with them; at least one step.
    :param searches: number of cameras to the highest rate borne and the lowest that was not.
    """
    figure, first = canvas(7.2, 6.4), None
    panels = (('latency p50 (–), p95 (··) (ms)', ('p50_ms', 'p95_ms')),
              ('frames without answer (%)', ('lost',)), ('CPU of a node (% of a core)', ('cpu',)))
    for row, (words, names) in enumerate(panels):
        first = axes = styled(figure.add_subplot(3, 1, row + 1, sharex=first))
        for (cameras, steps), colour in zip(results, SEEN_COLOURS):
            ordered = sorted(steps, key=lambda step: step.rate_hz)
            for name, line in zip(names, ('-', ':')):
                axes.plot([step.rate_hz for step in ordered],
                          [_value(step, name) for step in ordered], line, marker='.',
                          markersize=5, linewidth=1.4, color=colour,
                          label='{} camera{}'.format(cameras, 's' * (cameras > 1))
                          if line == '-' else None)
            saturated = searches.get(cameras, (None, None))[1]
            if saturated is not None:
                axes.axvline(saturated, color=colour, linestyle='--', linewidth=0.8)
        axes.grid(axis='y', color=GRID, linewidth=0.7)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(words)
        axes.tick_params(labelbottom=row == len(panels) - 1)
    axes.set_xlabel('frames per second of each camera; dashed: saturated', color=FAINT)
    figure.axes[0].legend(fontsize=8, frameon=False, loc='upper left')
    figure.suptitle('Whole nodes under load, over DDS', **TITLE)
    save(figure, path)


def _value(step: Step, name: str) -> float:
    if name == 'lost':
        return 100 * step.lost_share
    if name == 'cpu':
        return sum(step.cpu_percent) / len(step.cpu_percent)
    return step.latency_ms.get(name, float('nan'))
