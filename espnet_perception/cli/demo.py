# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Show the live node on a synthetic drive, or on your own bag."""

import argparse
from pathlib import Path
import shutil
import time
from typing import Any, Dict, List

from espnet_perception.cli import replay
from espnet_perception.settings import ENGINE_NAMES, NodeSettings, SegmentationNodeSettings

DESCRIPTION = """\
Draw a synthetic drive, write it as a bag, start the real node in a process of its own, play the
bag to it over DDS with the bag's own timing, and make a film, a contact sheet and a report of
what came back. With --bag your own bag is played instead."""
OUTPUT = 'demo_out'
SEED, FRAMES, RATE_HZ, WIDTH, HEIGHT = 4, 120, 10.0, 768, 384
FILM_FRAMES = 300
GIF_FRAMES, GIF_RATE_HZ, GIF_WIDTH = 48, 6.0, 760


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    node = SegmentationNodeSettings()
    parser.add_argument('--output', default=OUTPUT, metavar='FOLDER',
                        help='where everything goes; replaced (%(default)s)')
    parser.add_argument('--model', default=node.model,
                        help='model: its name (shipped, fetched or imported), folder or .pth file '
                             '(%(default)s)')
    parser.add_argument('--engine', default=NodeSettings().engine, choices=ENGINE_NAMES,
                        help='runtime of the network (%(default)s)')
    parser.add_argument('--bag', default='', help='your own bag instead of a synthetic drive')
    parser.add_argument('--topic', default='', help='topic of the images in your bag')
    parser.add_argument('--frames', type=int, default=FRAMES, metavar='N',
                        help='length of the synthetic drive, or how much of your bag to play '
                             '(%(default)s)')
    parser.add_argument('--seed', type=int, default=SEED,
                        help='another seed, another drive (%(default)s)')


def run(chosen: argparse.Namespace) -> int:
    """
    Run the demo.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: model, bag, node or output cannot be used.
    """
    began = time.monotonic()
    output = Path(chosen.output)
    card = _segmentation_card(chosen.model)
    own = bool(chosen.bag)
    truth = '' if own else _draw(chosen, output, card)
    print('playing {} to the node ...'.format(chosen.bag), flush=True)
    replays = []  # type: List[Any]
    figures = replay.replay(_replay_arguments(chosen, truth), replays)
    print('making the film ...', flush=True)
    made = films(replays[0], output)
    print('\n' + '\n'.join(replay.sentences(figures)))
    for name, path in _results(figures, output, made):
        print('{:<14} {}'.format(name, path))
    print('done in {:.0f} s'.format(time.monotonic() - began))
    return 0


def films(replays: Any, output: Path) -> Dict[str, Path]:
    """
    Make an MP4 and a GIF of the first replayed bag, whose masks were all kept.

    :param replays: the Replays.
    :param output: where they go.
    :return: name to path.
    :raises OutputError: they cannot be written, or no frame has a mask.
    """
    from espnet_perception.evaluation.answers import ANSWERED
    from espnet_perception.evaluation.scenes import scenes
    from espnet_perception.evaluation.video import (
        classes_shown,
        Film,
        film_frames,
        write_gif,
        write_mp4,
    )
    bag, task = replays.bags[0], replays.task
    indices = [record.index for record in bag.state.records if record.status == ANSWERED]
    indices = indices[:FILM_FRAMES]
    masks = (bag.state.mask(index) for index in indices)
    film = Film('espnet_perception',
                '{} in {}'.format(replays.source.get('model', ''),
                                  replays.source.get('engine', '')),
                task.look(replays.model), classes_shown(masks, len(replays.model.classes)))
    rate_hz = _rate_hz([bag.state.records[index] for index in indices])
    step = max(1, round(rate_hz / GIF_RATE_HZ))
    made = {'film': output / 'demo.mp4', 'animation': output / 'demo.gif'}
    write_mp4(made['film'], film_frames(scenes(bag, set(indices), '', task), film), rate_hz)
    few = set(indices[:GIF_FRAMES * step:step])
    write_gif(made['animation'], film_frames(scenes(bag, few, '', task), film),
              rate_hz / step, GIF_WIDTH)
    return made


def _segmentation_card(model: str) -> Any:
    """Return the card of a model; the film shows masks, so others are refused."""
    from espnet_perception.errors import ModelError
    from espnet_perception.pipeline.models import find_model
    card = find_model(model).card
    if card.task != 'segmentation':
        raise ModelError("model '{}' is for {}, and the demo shows segmentation; for your own bag "
                         'use espnet-perception replay BAG --live --model {}'.format(
                             card.name, card.task, model))
    return card


def _draw(chosen: argparse.Namespace, output: Path, card: Any) -> str:
    """Write the synthetic drive as a bag; return its label topic, if the model can use it."""
    from espnet_perception.evaluation.state import writing
    from espnet_perception.label_sets import CITYSCAPES
    from espnet_perception.synthetic import SyntheticDrive
    from espnet_perception.synthetic.bag import LABELS_TOPIC, write_bag
    from tqdm import tqdm
    bag = output / 'synthetic_drive'
    with writing(output):
        if bag.exists():
            shutil.rmtree(bag)
        output.mkdir(parents=True, exist_ok=True)
    drive = SyntheticDrive(chosen.seed, WIDTH, HEIGHT, chosen.frames, RATE_HZ)
    with tqdm(total=chosen.frames, unit='frame', desc='drawing the drive',
              dynamic_ncols=True) as bar:
        write_bag(str(bag), drive, progress=lambda done: bar.update(done - bar.n))
    chosen.bag = str(bag)
    comparable = set(card.classes) & set(CITYSCAPES.classes)
    return LABELS_TOPIC if comparable else ''


def _replay_arguments(chosen: argparse.Namespace, truth: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    replay.add_arguments(parser)
    arguments = [chosen.bag, '--live', '--restart', '--keep-masks', '--model', chosen.model,
                 '--engine', chosen.engine, '--output', str(Path(chosen.output) / 'report'),
                 '--frames', str(chosen.frames)]
    if truth:
        arguments += ['--truth', truth, '--truth-classes', 'cityscapes']
    if chosen.topic:
        arguments += ['--topic', chosen.topic]
    return parser.parse_args(arguments)


def _rate_hz(records: List[Any]) -> float:
    """Return the mean rate of frames, within what a film can show."""
    if len(records) < 2:
        return RATE_HZ
    seconds = (records[-1].recorded_ns - records[0].recorded_ns) / 1e9
    return min(60.0, max(1.0, (len(records) - 1) / seconds)) if seconds > 0 else RATE_HZ


def _results(figures: Dict[str, Any], output: Path, made: Dict[str, Path]) -> List[tuple]:
    """Return what was made; the contact sheet is copied out of the report's folder."""
    results = list(made.items())
    for bag in figures['bags']:
        for picture in bag['pictures']:
            if picture.endswith('contact_sheet.png'):
                shutil.copyfile(output / 'report' / picture, output / 'contact_sheet.png')
                results.append(('contact sheet', output / 'contact_sheet.png'))
    results.append(('report', output / 'report' / 'report.html'))
    return results
