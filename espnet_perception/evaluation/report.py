# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes the report of a replay: report.json, report.html and the pictures beside them."""

import base64
import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import cv2
from espnet_perception.evaluation import charts
from espnet_perception.evaluation.replay import BagReplay
from espnet_perception.evaluation.scenes import (
    by_index,
    scenes,
    sheet_picture,
    title_of,
    worst_picture,
)
from espnet_perception.evaluation.state import write_image, write_text, writing
from espnet_perception.evaluation.summary import Replays, summary
import jinja2
import numpy as np

JSON_FILE, HTML_FILE, TEMPLATE = 'report.json', 'report.html', 'report.html.jinja'


class Picture(NamedTuple):
    """
    A picture of the report.

    :param path: file beside the report.
    :param caption: what it shows.
    :param photo: it shows camera images; the page then holds a JPEG, a tenth of the size.
    """

    path: Path
    caption: str
    photo: bool = False

    @property
    def uri(self) -> str:
        """Return the whole picture as a data URI, so that the page needs no other file."""
        content = self.path.read_bytes()
        if self.photo:
            picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            content = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
        return 'data:image/{};base64,{}'.format('jpeg' if self.photo else 'png',
                                                base64.b64encode(content).decode('ascii'))


def write_report(replays: Replays, folder: Path, truth_place: str) -> Dict[str, Any]:
    """
    Write report.json, report.html and their pictures.

    :param replays: what was replayed.
    :param folder: the output folder.
    :param truth_place: where the ground truth is, or empty.
    :return: what report.json holds.
    :raises OutputError: they cannot be written.
    """
    figures = summary(replays)
    pictures = _charts(replays, figures, folder)
    for bag, bag_figures in zip(replays.bags, figures['bags']):
        shown = _bag_pictures(bag, replays, folder / bag.state.folder.name, truth_place)
        bag_figures['pictures'] = [str(picture.path.relative_to(folder))
                                   for name in shown for picture in shown[name]]
        pictures[bag.state.folder.name] = shown
    write_text(folder / JSON_FILE, json.dumps(figures, indent=1) + '\n')
    write_text(folder / HTML_FILE, _page(replays, figures, pictures))
    return figures


def _charts(replays: Replays, figures: Dict[str, Any], folder: Path) -> Dict[str, Any]:
    overall, drawn = figures['overall'], []  # type: Any, List[Picture]
    if overall['metrics']:
        drawn += [Picture(*chart) for chart in replays.task.charts(overall['metrics'], folder)]
    if overall['latency_ms']:
        drawn.append(Picture(folder / 'latency.png', 'Latency of each stage'))
        charts.latency_chart(drawn[-1].path, _stages(overall))
    if overall['frames']['total']:
        drawn.append(Picture(folder / 'frames.png', 'What became of the frames'))
        charts.fate_chart(drawn[-1].path, figures['bags'])
    return {'charts': drawn}


def _bag_pictures(bag: BagReplay, replays: Replays, folder: Path, truth_place: str
                  ) -> Dict[str, List[Picture]]:
    look = replays.task.look(replays.model)
    worst = [entry.index for entry in bag.worst]
    found = by_index(list(scenes(bag, {*worst, *bag.spread}, truth_place, replays.task)))
    shown = {'timeline': [], 'sheet': [], 'worst': []}  # type: Dict[str, List[Picture]]
    stage = _main_stage(bag)
    if stage:
        shown['timeline'].append(Picture(folder / 'timeline.png', 'Every frame over time'))
        charts.timeline_chart(shown['timeline'][0].path, bag.state.records, stage)
    shown['timeline'] += _power_pictures(bag, stage, folder)
    shown['timeline'] += [Picture(*chart) for chart in replays.task.bag_charts(
        bag.state.records, folder)]
    spread = [found[index] for index in bag.spread if index in found]
    if spread:
        picture = Picture(folder / 'contact_sheet.png', 'Frames of the whole bag', True)
        facts = ', '.join(str(replays.source[key]) for key in ('model', 'engine')
                          if key in replays.source)
        write_image(picture.path, sheet_picture(spread, look, bag.name, facts))
        shown['sheet'].append(picture)
    for index in worst:
        if index in found:
            picture = Picture(folder / 'worst_{:06d}.png'.format(index),
                              title_of(found[index].record, bag.name, look), True)
            write_image(picture.path, worst_picture(found[index], look, bag.name))
            shown['worst'].append(picture)
    return shown


def _power_pictures(bag: BagReplay, stage: Optional[str], folder: Path) -> List[Picture]:
    """Draw what the machine drew during the replay, and what the robot drew when recording."""
    drawn = []  # type: List[Picture]
    if any(row.measured_s for row in bag.state.power):
        drawn.append(Picture(folder / 'power.png', 'Power and energy of this machine during the '
                             'replay, on the time axis of the frames'))
        charts.power_chart(drawn[-1].path, bag.state.power, bag.state.records, stage or '')
    recorded = bag.recorded_power
    if recorded is not None and any(row.measured_s for row in recorded.rows):
        drawn.append(Picture(folder / 'recorded_power.png', 'Power and energy of the robot while '
                             'it was recorded, as {} told'.format(recorded.topic)))
        charts.power_chart(drawn[-1].path, recorded.rows, bag.state.records)
    return drawn


def _stages(overall: Dict[str, Any]) -> Dict[str, Dict[str, float]]:
    """Return the stages to draw: those of the pipeline or node, then the whole."""
    stages = dict(overall['node_latency_ms'] or {})
    stages = {stage: figures for stage, figures in stages.items()
              if stage != 'camera stamp to publish' and 'p99_ms' in figures}
    stages.update(overall['latency_ms'])
    return stages


def _main_stage(bag: BagReplay) -> Optional[str]:
    for record in bag.state.records:
        for stage in ('round trip', 'total'):
            if stage in record.times_ns:
                return stage
    return None


def _page(replays: Replays, figures: Dict[str, Any], pictures: Dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(Path(__file__).parent)), autoescape=True,
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters['percent'] = _percent
    environment.filters['figure'] = _figure
    label_set = replays.task.label_set
    palette = dict(zip(label_set.classes, label_set.palette))
    folders = [bag.state.folder.name for bag in replays.bags]
    with writing(Path(TEMPLATE)):
        template = environment.get_template(TEMPLATE)
    return template.render(figures=figures, pictures=pictures, palette=palette, folders=folders,
                           worst_words=replays.task.worst_words,
                           columns=replays.task.columns,
                           stages=_stages(figures['overall']))


def _percent(value: Optional[float]) -> str:
    return '–' if value is None else '{:.1f} %'.format(100 * value)


def _figure(value: Any) -> str:
    if value is None:
        return '–'
    return '{:.4g}'.format(value) if isinstance(value, float) else '{:,}'.format(value)
