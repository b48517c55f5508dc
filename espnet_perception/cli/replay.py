# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Replay bags through the pipeline or the live node and report on it."""

import argparse
from contextlib import closing, contextmanager, ExitStack
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from espnet_perception.cli.replay_words import sentences
from espnet_perception.settings import (
    ClassifierSettings,
    ENGINE_NAMES,
    from_dict,
    NodeSettings,
    SegmentationNodeSettings,
    SegmenterSettings,
)
from espnet_perception.telemetry.sysfs import ROOT

DESCRIPTION = """\
Replay bags (ROS 2 sqlite3 and mcap, ROS 1) and write a report with pictures.

  offline (without --live): every frame straight through the pipeline
  --live: the bag is played to the node (segmentation or classification, as the model asks for),
          in a process of its own or already running (--attach), and its answers are collected

An interrupted replay goes on where it stopped when the same command is given again."""
OUTPUT = 'replay_out'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    node, pipeline = SegmentationNodeSettings(), SegmenterSettings()
    parser.add_argument('bags', nargs='+', metavar='BAG',
                        help='folder with metadata.yaml, or .mcap, .db3 or .bag file')
    parser.add_argument('--output', default=OUTPUT, metavar='FOLDER',
                        help='where the report goes (%(default)s)')
    parser.add_argument('--restart', action='store_true',
                        help='replace what an earlier replay left in the output folder')
    parser.add_argument('--topic', default='', help='topic of the images, where there are several')
    parser.add_argument('--frames', type=int, default=0, metavar='N',
                        help='at most so many frames of each bag')
    model = parser.add_argument_group('model')
    model.add_argument('--model', default=node.model,
                       help='model: its name (shipped, fetched or imported), folder or .pth file '
                            '(%(default)s)')
    model.add_argument('--engine', default=NodeSettings().engine, choices=ENGINE_NAMES,
                       help='runtime of the network (%(default)s)')
    model.add_argument('--threads', type=int, default=pipeline.threads,
                       help='CPU threads of the engine; 0 leaves it to the runtime')
    model.add_argument('--confidence-threshold', type=float, metavar='P',
                       default=pipeline.confidence_threshold,
                       help='segmentation: pixels of lower probability count as unlabelled')
    model.add_argument('--smoothing-frames', type=int, metavar='N',
                       default=ClassifierSettings().smoothing_frames,
                       help='classification: smooth the probabilities over about so many frames')
    model.add_argument('--cluster', default='', metavar='N|ADDRESS',
                       help='offline, on so many processes of this machine, or on the Ray '
                            'cluster at an address')
    live = parser.add_argument_group('live')
    live.add_argument('--live', action='store_true', help='play the bag to the running node')
    live.add_argument('--attach', default='', metavar='NODE',
                      help='play to this node, which runs already, as /segmentation')
    live.add_argument('--rate', default='1', metavar='R',
                      help="times the bag's own speed, or max: the next frame as soon as the "
                           'node has answered (%(default)s)')
    live.add_argument('--timeout', type=float, default=120.0, metavar='S',
                      help='longest wait for the answer to a frame (%(default)s s)')
    truth = parser.add_argument_group('ground truth')
    truth.add_argument('--truth', default='', metavar='TOPIC|FOLDER|FILE',
                       help='label images: a topic of the bag or a folder; of a classifier: a '
                            '.csv or .yaml file of frames and their classes')
    truth.add_argument('--truth-classes', default='', metavar='SET|FILE',
                       help='label set of the label images, as camvid, or a mapping file (the '
                            "model's own classes)")
    truth.add_argument('--void', type=int, default=-1, metavar='ID',
                       help='a further id in the label images that means unlabelled')
    report = parser.add_argument_group('report')
    report.add_argument('--worst', type=int, default=6, metavar='N',
                        help='show so many of the worst frames of each bag (%(default)s)')
    report.add_argument('--spread', type=int, default=12, metavar='N',
                        help='frames on the contact sheet of each bag (%(default)s)')
    report.add_argument('--power-root', default=ROOT, metavar='FOLDER',
                        help='folder whose files tell power (%(default)s); empty: do not '
                             'measure power')
    report.add_argument('--keep-masks', action='store_true', help='keep every label image')


def run(chosen: argparse.Namespace) -> int:
    """
    Replay, write the report and print its main figures.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: bag, model, node, ground truth or output cannot be used.
    """
    figures = replay(chosen)
    print('\n'.join(sentences(figures)))
    print('report: {}'.format(Path(chosen.output) / 'report.html'))
    return 0


# What makes sense for one task only, with the values that mean that it was not given.
OF_ONE_TASK = {
    'segmentation': {'truth_classes': '', 'void': -1, 'keep_masks': False,
                     'confidence_threshold': SegmenterSettings().confidence_threshold},
    'classification': {'smoothing_frames': ClassifierSettings().smoothing_frames},
}


class Opened(NamedTuple):
    """A source of answers, what its labels mean, and what tells the power of the machine."""

    source: Any
    model: Any
    meter: Any


def replay(chosen: argparse.Namespace, replays_out: Optional[List[Any]] = None) -> Dict[str, Any]:
    """
    Replay the bags and write the report.

    :param chosen: the parsed arguments.
    :param replays_out: receives the Replays object, for those who draw more pictures.
    :return: what report.json holds.
    :raises PerceptionError: bag, model, node, ground truth or output cannot be used.
    """
    from espnet_perception.evaluation.report import write_report
    settings = _replay_settings(chosen)
    if chosen.cluster:
        from espnet_perception.cli.replay_cluster import replay_on_cluster
        replays = replay_on_cluster(chosen, settings, bag_folders(chosen))
    else:
        replays = _replay_here(chosen, settings)
    if replays_out is not None:
        replays_out.append(replays)
    return write_report(replays, Path(chosen.output), settings.truth)


def _replay_here(chosen: argparse.Namespace, settings: Any) -> Any:
    """Replay the bags one after the other in this process, or to the live node."""
    from espnet_perception.evaluation.bags import open_bag
    from espnet_perception.evaluation.messages import COMPRESSED_IMAGE
    from espnet_perception.evaluation.replay import Place, replay_bag
    from espnet_perception.evaluation.summary import Replays
    transports = _transports(chosen, settings, open_bag, COMPRESSED_IMAGE)
    done, opened = [], None
    with ExitStack() as stack:
        sources = _Sources(chosen, stack)
        for path, folder in zip(chosen.bags, bag_folders(chosen)):
            opened = sources.get(transports[path])
            task = make_task(chosen, opened)
            with open_bag(path) as bag, bar(bag.name) as progress:
                done.append(replay_bag(bag, opened.source, task, settings,
                                       Place(folder, chosen.restart, progress), opened.meter))
        return Replays(done, opened.source.describe(), task, opened.model, opened.meter.words())


def make_task(chosen: argparse.Namespace, opened: Opened) -> Any:
    """
    Return what judges the answers.

    :param chosen: the parsed arguments.
    :param opened: the source of answers says which task it is.
    :return: a ``Task``.
    :raises SettingsError: an argument that is for another task.
    """
    from espnet_perception.evaluation.classification_task import ClassificationTask
    from espnet_perception.evaluation.mappings import mapping_for
    from espnet_perception.evaluation.segmentation_task import SegmentationTask
    facts = opened.source.describe()
    _refuse_arguments_of_others(chosen, facts['task'])
    if facts['task'] == 'classification':
        return ClassificationTask(opened.model, facts['labels_per_image'] == 'several')
    return SegmentationTask(mapping_for(opened.model, chosen.truth_classes,
                                        None if chosen.void < 0 else chosen.void))


class _Sources:
    """Opens a source when it is first needed; the live one again for another transport."""

    def __init__(self, chosen: argparse.Namespace, stack: ExitStack) -> None:
        self._chosen = chosen
        self._stack = stack
        self._transport = None  # type: Optional[bool]
        self._opened = None  # type: Optional[Opened]

    def get(self, compressed: bool) -> Opened:
        live = self._chosen.live or self._chosen.attach
        if self._opened is None or (live and compressed != self._transport):
            self._stack.close()
            self._transport = compressed
            opener = _open_live if live else open_offline
            self._opened = opener(self._chosen, self._stack, compressed)
        return self._opened


def open_offline(chosen: argparse.Namespace, stack: ExitStack, _compressed: bool = False
                 ) -> Opened:
    """
    Open the pipeline as a source of answers.

    :param chosen: the parsed arguments.
    :param stack: closes it.
    :raises PerceptionError: no such model, or the engine cannot run it.
    """
    from espnet_perception.evaluation.mappings import ModelClasses
    from espnet_perception.evaluation.offline import OfflineSource
    from espnet_perception.pipeline import Classifier, Segmenter
    from espnet_perception.pipeline.models import find_model
    model = find_model(chosen.model)
    card = model.card
    pipeline_type, settings_type = {
        'segmentation': (Segmenter, SegmenterSettings),
        'classification': (Classifier, ClassifierSettings)}[card.task]
    pipeline = stack.enter_context(closing(pipeline_type(
        model, chosen.engine, from_dict(settings_type, _pipeline_values(chosen, card.task)))))
    classes = ModelClasses(card.name, tuple(card.classes), tuple(card.palette), card.void_id)
    return Opened(OfflineSource(pipeline), classes, _own_meter(chosen, stack))


def _open_live(chosen: argparse.Namespace, stack: ExitStack, compressed: bool) -> Opened:
    from espnet_perception.cli.live_node import live_node, NodeChoice
    from espnet_perception.evaluation.live import LiveSource
    from espnet_perception.evaluation.player import Pace
    from espnet_perception.pipeline.models import find_model
    task, parameters = '', {}  # type: str, Dict[str, Any]
    if not chosen.attach:
        task = find_model(chosen.model).card.task
        parameters = dict(_pipeline_values(chosen, task), model=chosen.model,
                          engine=chosen.engine)
        if Path(chosen.model).exists():
            parameters['model'] = str(Path(chosen.model).resolve())
    choice = NodeChoice(chosen.attach, task, parameters, not chosen.truth,
                        Path(chosen.output) / 'node.log')
    pace = Pace(_rate(chosen.rate), chosen.timeout)
    player = stack.enter_context(live_node(choice, compressed))
    return Opened(LiveSource(player, pace), player.model, _live_meter(chosen, stack, player))


def _own_meter(chosen: argparse.Namespace, stack: ExitStack) -> Any:
    """Return the sensors of this machine as a meter, or one that says where it looked."""
    from espnet_perception.evaluation.power_trace import NoMeter, RecorderMeter
    from espnet_perception.telemetry.power import discover
    from espnet_perception.telemetry.recorder import PowerRecorder
    if not chosen.power_root:
        return NoMeter('')
    sensors = discover(chosen.power_root)
    if not sensors.rails:
        return NoMeter(sensors.no_power_sentence())
    return RecorderMeter(stack.enter_context(PowerRecorder(sensors)))


def _live_meter(chosen: argparse.Namespace, stack: ExitStack, player: Any) -> Any:
    """Return the power node, else the sensors of this machine where the node runs here."""
    from espnet_perception.evaluation.live import NodeMeter
    from espnet_perception.evaluation.power_trace import NoMeter
    topic = player.follow_power()
    if topic:
        return NodeMeter(player, topic)
    if chosen.attach:
        return NoMeter('no power node found beside {}; start one on its machine with ros2 launch '
                       'espnet_perception power.launch.py'.format(chosen.attach))
    return _own_meter(chosen, stack)


def _pipeline_values(chosen: argparse.Namespace, task: str) -> Dict[str, Any]:
    if task == 'classification':  # all classes, for the metrics
        return {'threads': chosen.threads, 'smoothing_frames': chosen.smoothing_frames,
                'top_k': 0, 'score_threshold': 0.0}
    return {'threads': chosen.threads, 'confidence_threshold': chosen.confidence_threshold}


def _refuse_arguments_of_others(chosen: argparse.Namespace, task: str) -> None:
    from espnet_perception.errors import SettingsError
    for other, arguments in OF_ONE_TASK.items():
        for name, absent in arguments.items():
            if other != task and getattr(chosen, name) != absent:
                raise SettingsError('--{} is for {}, and the model is for {}; leave it out'.format(
                    name.replace('_', '-'), other, task))


def _replay_settings(chosen: argparse.Namespace) -> Any:
    from espnet_perception.evaluation.replay import ReplaySettings
    return ReplaySettings(chosen.topic, chosen.truth, chosen.truth_classes, chosen.void,
                          chosen.frames, chosen.worst, chosen.spread, chosen.keep_masks)


def _transports(chosen: argparse.Namespace, settings: Any, open_bag: Any,
                compressed_type: str) -> Dict[str, bool]:
    """Look into every bag before the model is loaded: a wrong name is better told at once."""
    from espnet_perception.evaluation.replay import camera_topic
    transports = {}
    for path in chosen.bags:
        with open_bag(path) as bag:
            topic = camera_topic(bag, settings)
            transports[path] = topic.message_type == compressed_type
    return transports


def bag_folders(chosen: argparse.Namespace) -> List[Path]:
    """
    Return one folder for each bag: its name in the output, numbered where names repeat.

    :param chosen: the parsed arguments.
    """
    names = []  # type: List[str]
    for path in chosen.bags:
        location = Path(path).resolve()
        name = location.name if location.is_dir() else location.stem
        unique, number = name, 2
        while unique in names:
            unique, number = '{}_{}'.format(name, number), number + 1
        names.append(unique)
    return [Path(chosen.output) / name for name in names]


def _rate(text: str) -> float:
    from espnet_perception.errors import SettingsError
    if text == 'max':
        return 0.0
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 < rate < float('inf'):
        raise SettingsError("--rate is '{}', expected a number above 0, or max".format(text))
    return rate


@contextmanager
def bar(name: str) -> Iterator[Any]:
    """
    Show a progress bar on stderr.

    :param name: what it is of.
    :return: context manager that gives a function of (done, total).
    """
    from tqdm import tqdm
    with tqdm(desc=name, unit='frame', leave=True, dynamic_ncols=True) as bar:
        def progress(done: int, total: int) -> None:
            if bar.total != total:
                bar.reset(total)
                bar.initial = done
            bar.update(done - bar.n)
        yield progress
