# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure latency, energy and memory of models in engines, side by side."""

import argparse
from contextlib import contextmanager
import importlib.util
import os
import sys
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from espnet_perception.benchmark import plan
from espnet_perception.cli.info_tables import columns
from espnet_perception.cli.sizes import parse_size
from espnet_perception.errors import SettingsError
from espnet_perception.settings import FACTS, PipelineSettings, SegmentationNodeSettings

DESCRIPTION = """\
Measure models x engines x precisions x sizes x threads in turns: a frame in, labels out. Every
configuration has a process of its own, and only one works at a time. Writes bench.json, table.md
and plots; an interrupted benchmark goes on where it stopped when the same command is given again.

    espnet-perception bench --engines openvino,torch --threads 1,2 --sizes 512x256,1024x512
    espnet-perception bench --papers          the networks and sizes of the papers' Figures 5, 7c
    espnet-perception bench --node ...        the whole node under load (--node --help)"""
OUTPUT, PAPERS_OUTPUT = 'bench_out', 'bench_papers_out'
MARKDOWN_FILE = 'table.md'
NODE_OPTION = '--node'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    defaults = plan.Settings()
    parser.add_argument(NODE_OPTION, action='store_true',
                        help='measure the whole node under load instead; see --node --help')
    what = parser.add_argument_group('what is measured; several with commas between')
    what.add_argument('--models', '--model', default='', metavar='M,M...',
                      help='names, folders or .pth files ({})'.format(
                          SegmentationNodeSettings().model))
    what.add_argument('--papers', action='store_true',
                      help="the papers' networks instead, at their sizes, with random weights")
    what.add_argument('--only', default='', metavar='TEXT,TEXT...',
                      help="of the papers' networks those whose names hold one of these")
    what.add_argument('--engines', default='', metavar='E,E...',
                      help='(all that are installed)')
    what.add_argument('--precisions', default=PipelineSettings().precision, metavar='P,P...',
                      help='fp32, fp16 (%(default)s)')
    what.add_argument('--sizes', default='', metavar='WxH,WxH...',
                      help="input sizes of the network (the card's; with --papers the papers')")
    what.add_argument('--threads', default=str(PipelineSettings().threads), metavar='N,N...',
                      help='CPU threads; 0 leaves it to the runtime (%(default)s)')
    what.add_argument('--device', default=defaults.device, help='of torch and tensorrt: auto, '
                      'cpu, cuda or cuda:N (%(default)s)')
    what.add_argument('--confidence', action='store_true',
                      help='segmentation: labels and confidence, as nodes run it')
    what.add_argument('--image', default='', metavar='FILE', help='frame to run on (noise)')
    how = parser.add_argument_group('how')
    how.add_argument('--iterations', type=int, default=defaults.iterations, metavar='N',
                     help='timed runs of each configuration, at least (%(default)s)')
    how.add_argument('--rounds', type=int, default=defaults.rounds, metavar='N',
                     help='turns over which they are spread, at least (%(default)s)')
    how.add_argument('--repeat', type=int, default=defaults.repeats, metavar='N',
                     help='do all of it N times with new processes and tell how far the medians '
                          'spread (%(default)s)')
    how.add_argument('--steady', type=float, default=defaults.steady_percent, metavar='PERCENT',
                     help='go on until no median is less certain than this, up to four times the '
                          'rounds; 0: do not (%(default)s)')
    how.add_argument('--warm-up', type=int, default=defaults.warm_up, metavar='N',
                     help='runs of a new process that are not timed (%(default)s)')
    how.add_argument('--subtract-idle', action='store_true',
                     help='measure the power of the idle machine first and subtract it')
    how.add_argument('--processes', type=int, default=defaults.processes, metavar='N',
                     help='at most so many open at once; 0 lets the free memory decide '
                          '(%(default)s)')
    shown = parser.add_argument_group('what is shown')
    shown.add_argument('--baseline', default=None, metavar='KEY=VALUE,...',
                       help='compare each row with the one that has these, of: {} (engine=torch '
                            'where it is measured)'.format(', '.join(plan.BASELINE_KEYS)))
    shown.add_argument('--accuracy', action='append', default=[], metavar='REPORT.json',
                       help="of `evaluate --json`, instead of the card's figure; repeatable")
    shown.add_argument('--output', default='', metavar='FOLDER',
                       help='({}, with --papers {})'.format(OUTPUT, PAPERS_OUTPUT))
    shown.add_argument('--restart', action='store_true',
                       help='measure anew what an earlier run left in the output folder')


def run(chosen: argparse.Namespace) -> int:
    """
    Measure, print the table and draw the plots.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: a model, engine, setting or the output cannot be used.
    """
    from espnet_perception.benchmark.record import JSON_FILE, open_record
    from espnet_perception.benchmark.running import Benchmark
    from espnet_perception.telemetry.power import discover
    settings = settings_of(chosen)
    rows = _rows(chosen)
    everyone = [one for one, _ in rows]
    baseline = _baseline(chosen, everyone)
    folder = chosen.output or (PAPERS_OUTPUT if chosen.papers else OUTPUT)
    record = open_record(os.path.join(folder, JSON_FILE), dict(settings._asdict()),
                         [row for _, row in rows], baseline, chosen.restart)
    if record.finished:
        print('measured already; --restart measures anew', file=sys.stderr)
    try:
        with _bar() as progress:
            Benchmark(record, everyone, settings, discover(), progress).run()
    finally:
        if any(row['turns'] for row in record.rows.values()):
            record.save()
            show(record.document, folder)
    return 0


def show(document: Dict[str, Any], folder: str) -> None:
    """
    Print the table, and write it and the plots into a folder.

    :param document: of a benchmark.
    :param folder: it exists.
    :raises OutputError: they cannot be written.
    """
    from espnet_perception.benchmark import table
    from espnet_perception.benchmark.record import write_text
    print('\n'.join(table.lines(document, columns)))
    write_text(os.path.join(folder, MARKDOWN_FILE), table.markdown(document))
    if importlib.util.find_spec('matplotlib') is None or sys.version_info < (3, 10):
        print('no plots: they need Python 3.10 and matplotlib; `espnet-perception compare` draws '
              'them from the same file on another machine')
        return
    from espnet_perception.evaluation.benchmark_charts import draw
    names = [path.name for path in draw(document, folder)]
    print('{}: {}'.format(folder, ', '.join(['bench.json', MARKDOWN_FILE] + names)))


def settings_of(chosen: argparse.Namespace) -> plan.Settings:
    """
    Return how is measured.

    :param chosen: the parsed arguments.
    :raises SettingsError: a value is out of range.
    """
    for name, low in (('iterations', 1), ('rounds', 1), ('repeat', 1), ('warm_up', 1),
                      ('processes', 0), ('steady', 0)):
        value = getattr(chosen, name)
        if not low <= value <= 100000:
            raise SettingsError('--{} is {}, expected {} to 100000'.format(
                name.replace('_', '-'), value, low))
    if chosen.only and not chosen.papers:
        raise SettingsError("--only chooses among the papers' networks; add --papers")
    if chosen.papers and chosen.models:
        raise SettingsError('--papers brings its own models; leave --models out')
    return plan.Settings(
        iterations=chosen.iterations, rounds=chosen.rounds, repeats=chosen.repeat,
        warm_up=chosen.warm_up, steady_percent=chosen.steady, confidence=chosen.confidence,
        above_idle=chosen.subtract_idle, processes=chosen.processes, device=chosen.device,
        image=os.path.abspath(chosen.image) if chosen.image else '')


def _rows(chosen: argparse.Namespace) -> List[Tuple[plan.Configuration, Dict[str, Any]]]:
    """Return every configuration with its row of the record."""
    from espnet_perception.benchmark import accuracy
    from espnet_perception.benchmark.record import new_row
    from espnet_perception.engines import choose_engine, present_engines
    from espnet_perception.pipeline.base import network_size
    from espnet_perception.pipeline.models import find_model
    engines = [choose_engine(name) for name in _parts(chosen.engines)] or present_engines()
    precisions, threads = _choices(chosen.precisions, 'precision'), _threads(chosen.threads)
    reports = accuracy.read_reports(chosen.accuracy)
    sizes = [parse_size(size) for size in _parts(chosen.sizes)] or [None]
    rows = []
    for subject in _subjects(chosen):
        model = find_model(subject.model)
        card = model.card
        name = card.name if model.graph is None else '{} ({} file)'.format(
            card.name, model.graph.precision)
        known = accuracy.of_reports(reports, card.name, card.sha256) or subject.accuracy \
            or accuracy.of_card(card)
        for size in sizes:
            width, height = size or subject.size or (0, 0)
            fitting = network_size(model, PipelineSettings(network_width=width,
                                                           network_height=height))
            holds = known is not None and known.holds_at(fitting[::-1])
            rows += [(one, new_row(one, card.sha256, subject.printed, known if holds else None))
                     for one in plan.every([(subject, name, fitting[::-1])], engines,
                                           precisions, threads)]
    plan.check_different([one for one, _ in rows])
    return rows


def _subjects(chosen: argparse.Namespace) -> List[plan.Subject]:
    if chosen.papers:
        from espnet_perception.benchmark.papers import subjects
        return subjects(chosen.only)
    names = _parts(chosen.models) or [SegmentationNodeSettings().model]
    return [plan.Subject(os.path.abspath(name) if os.path.exists(name) else name)
            for name in names]


def _baseline(chosen: argparse.Namespace, everyone: Sequence[plan.Configuration]
              ) -> Dict[str, Any]:
    if chosen.baseline is None:
        engines = {one.engine for one in everyone}
        several = len(engines) > 1 and 'torch' in engines
        return {'engine': 'torch', 'precision': 'fp32'} if several else {}
    wanted = plan.parse_baseline(chosen.baseline)
    plan.check_baseline(wanted, everyone)
    return wanted


def _parts(text: str) -> List[str]:
    return [part.strip() for part in text.split(',') if part.strip()]


def _choices(text: str, name: str) -> List[str]:
    valid = FACTS[name].choices
    for part in _parts(text):
        if part not in valid:
            raise SettingsError("--{}s has '{}', expected {}".format(name, part,
                                                                     ' or '.join(valid)))
    return _parts(text) or [getattr(PipelineSettings(), name)]


def _threads(text: str) -> List[int]:
    fact, counts = FACTS['threads'], _parts(text)
    if not all(count.isdigit() and int(count) <= fact.high for count in counts) or not counts:
        raise SettingsError("--threads is '{}', expected whole numbers of 0 to {} with commas "
                            'between'.format(text, fact.high))
    return [int(count) for count in counts]


@contextmanager
def _bar() -> Iterator[Any]:
    """Show the rounds on stderr."""
    from tqdm import tqdm
    with tqdm(desc='rounds', unit='round', leave=False, dynamic_ncols=True) as bar:
        def progress(done: int, total: int, doing: str) -> None:
            bar.total = max(total, done + 1) if total else None  # type: Optional[int]
            bar.set_postfix_str(doing, refresh=False)
            bar.n = done
            bar.refresh()
        yield progress
