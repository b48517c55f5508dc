# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure whole nodes under load: latency, drops and processor time against the rate of frames."""

import argparse
from contextlib import contextmanager, ExitStack
import datetime
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List

from espnet_perception.cli.info_tables import columns
from espnet_perception.cli.sizes import parse_size
from espnet_perception.errors import SettingsError
from espnet_perception.settings import (
    ENGINE_NAMES,
    NodeSettings,
    SegmentationNodeSettings,
    SegmenterSettings,
)

DESCRIPTION = """\
Play noise at a fixed rate to segmentation or classification nodes, each in a process of its own
with a camera of its own, over DDS; look for the rate at which they are saturated: frames are lost,
or 95 % of the answers take twice as long as at the lowest rate.

An interrupted benchmark goes on where it stopped when the same command is given again."""
OUTPUT, JSON_FILE, CHART_FILE = 'bench_node_out', 'bench_node.json', 'bench_node.png'
KEY_FIELDS = ('model', 'engine', 'threads', 'size', 'seconds')
WARM_UP_HZ, WARM_UP_S = 2.0, 1.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('--model', default=SegmentationNodeSettings().model,
                        help='model: its name, folder or .pth file (%(default)s)')
    parser.add_argument('--engine', default=NodeSettings().engine, choices=ENGINE_NAMES,
                        help='runtime of the network (%(default)s)')
    parser.add_argument('--threads', type=int, default=SegmenterSettings().threads,
                        help='CPU threads of the engine of each node; 0 leaves it to the runtime')
    parser.add_argument('--size', default='1024x512', metavar='WxH',
                        help='size of the camera images (%(default)s)')
    parser.add_argument('--cameras', default='1,2,4', metavar='N,N',
                        help='how many cameras at a time, each with a node (%(default)s)')
    parser.add_argument('--seconds', type=float, default=5.0,
                        help='how long at each rate (%(default)s s)')
    parser.add_argument('--lowest-rate', type=float, default=1.0, metavar='HZ',
                        help='where the search begins (%(default)s Hz)')
    parser.add_argument('--highest-rate', type=float, default=120.0, metavar='HZ',
                        help='where it gives up (%(default)s Hz)')
    parser.add_argument('--precision', type=float, default=0.1, metavar='SHARE',
                        help='how exactly the rate is looked for (%(default)s)')
    parser.add_argument('--output', default=OUTPUT, metavar='FOLDER',
                        help='where the results go (%(default)s)')
    parser.add_argument('--restart', action='store_true',
                        help='measure anew what an earlier benchmark left there')


def run(chosen: argparse.Namespace) -> int:
    """
    Measure, and write table, plot and JSON.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: model, node or output cannot be used.
    """
    from espnet_perception.evaluation.node_load import frame_message
    counts, size = _counts(chosen), parse_size(chosen.size)
    record = _Record(chosen)
    try:
        message = frame_message(*size)
        for count in counts:
            _search(chosen, count, message, record)
    finally:
        if record.measured:
            _show(record)
    return 0


class _Record:
    """What was measured so far, in a file that is whole at any time."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        from espnet_perception.revision import commit
        from espnet_perception.telemetry.hardware import machine
        self.folder = Path(chosen.output)
        self.path = self.folder / JSON_FILE
        settings = {name: getattr(chosen, name) for name in KEY_FIELDS}
        self.document = {
            'settings': settings, 'machine': machine(), 'commit': commit(),
            'created': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
            'cameras': {}}  # type: Dict[str, Any]
        if self.path.exists() and not chosen.restart:
            self._go_on(settings)
        self.save()

    @property
    def measured(self) -> bool:
        """Return whether there is anything to show."""
        return any(entry['steps'] for entry in self.document['cameras'].values())

    def entry(self, count: int) -> Dict[str, Any]:
        """Return what was measured with so many cameras."""
        return self.document['cameras'].setdefault(
            str(count), {'steps': [], 'search': None, 'node': {}})

    def save(self) -> None:
        """Write the file."""
        from espnet_perception.evaluation.state import write_text, writing
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.path, json.dumps(self.document, indent=1) + '\n')

    def _go_on(self, settings: Dict[str, Any]) -> None:
        try:
            document = json.loads(self.path.read_text(encoding='utf-8'))
            earlier = document['settings']
        except (OSError, ValueError, KeyError) as error:
            raise SettingsError('{} cannot be read ({}); --restart measures anew'.format(
                self.path, error))
        different = ['{}: {} there, {} now'.format(name, earlier.get(name), settings[name])
                     for name in KEY_FIELDS if earlier.get(name) != settings[name]]
        if different:
            raise SettingsError('{} holds a benchmark with other settings ({}); choose another '
                                '--output, or --restart'.format(self.path, '; '.join(different)))
        self.document = document


def _search(chosen: argparse.Namespace, count: int, message: Any, record: _Record) -> None:
    """Look for saturation with so many cameras; nodes start only if there is something to do."""
    from espnet_perception.evaluation.node_load import measure, remembered, search
    entry = record.entry(count)
    with ExitStack() as stack, _bar(_words(count)) as told:
        cameras, numbers = [], [0]  # type: List[Any], List[int]

        def at(rate_hz: float, seconds: float) -> Any:
            if not cameras:
                cameras.extend(stack.enter_context(_camera(chosen, number))
                               for number in range(count))
                at(WARM_UP_HZ, WARM_UP_S)
            first, numbers[0] = numbers[0], numbers[0] + 10 ** 6
            return measure(cameras, message, rate_hz, seconds, first)

        def measured(rate_hz: float) -> Any:
            told('{:g} Hz'.format(rate_hz))
            step = at(rate_hz, chosen.seconds)
            entry['node'] = dict(cameras[0].player.facts(),
                                 latency_ms=cameras[0].player.latency_ms())
            return step
        found = search(remembered(measured, entry['steps'], record.save), chosen.lowest_rate,
                       chosen.highest_rate, chosen.precision)
    entry['search'] = found._asdict()
    record.save()


@contextmanager
def _camera(chosen: argparse.Namespace, number: int) -> Iterator[Any]:
    """Start a node, and give the camera that is connected with it."""
    from espnet_perception.cli.live_node import live_node, NodeChoice
    from espnet_perception.evaluation.node_load import Camera
    from espnet_perception.pipeline.models import find_model
    model = str(Path(chosen.model).resolve()) if Path(chosen.model).exists() else chosen.model
    choice = NodeChoice('', find_model(chosen.model).card.task,
                        {'model': model, 'engine': chosen.engine, 'threads': chosen.threads},
                        False, Path(chosen.output) / 'node_{}.log'.format(number), number)
    with live_node(choice, compressed=False) as player:
        yield Camera(player, player.pid)


def _show(record: _Record) -> None:
    """Print the table and the rates of saturation, and draw the plot."""
    from espnet_perception.evaluation.node_load import Step, table_rows
    from espnet_perception.evaluation.node_load_chart import load_chart
    entries = record.document['cameras'].items()
    results = [(int(count), [Step(**values) for values in entry['steps']])
               for count, entry in entries if entry['steps']]
    print('\n'.join(columns(table_rows(results), 0)))
    searches = {}  # type: Dict[int, Tuple[Any, Any]]
    for count, entry in entries:
        found = entry['search']
        if found is None:
            print('{}: not finished; the same command goes on'.format(_words(int(count))))
            continue
        searches[int(count)] = (found['highest_hz'], found['saturated_hz'])
        rates = ['–' if rate_hz is None else '{:g} Hz'.format(rate_hz)
                 for rate_hz in searches[int(count)]]
        print('{}: borne up to {}, saturated at {} each: {}'.format(_words(int(count)), *rates,
                                                                    found['reason']))
    load_chart(record.folder / CHART_FILE, results, searches)
    print('{0}/{1}, {0}/{2}'.format(record.folder, JSON_FILE, CHART_FILE))


def _counts(chosen: argparse.Namespace) -> List[int]:
    parts = chosen.cameras.split(',')
    if not all(part.isdigit() and 1 <= int(part) <= 16 for part in parts):
        raise SettingsError("--cameras is '{}', expected numbers from 1 to 16 with commas "
                            'between, as 1,2,4'.format(chosen.cameras))
    if not 0 < chosen.lowest_rate < chosen.highest_rate:
        raise SettingsError('the rates are {:g} and {:g} Hz, expected the lowest above 0 and '
                            'below the highest'.format(chosen.lowest_rate, chosen.highest_rate))
    if chosen.seconds <= 0 or not 0.01 <= chosen.precision <= 1:
        raise SettingsError('--seconds is {:g} and --precision {:g}, expected more than 0, and '
                            '0.01 to 1'.format(chosen.seconds, chosen.precision))
    return [int(part) for part in parts]


def _words(count: int) -> str:
    return '{} camera{}'.format(count, 's' * (count > 1))


@contextmanager
def _bar(name: str) -> Iterator[Any]:
    """Show on stderr which rate is measured; how many there will be nobody knows."""
    from tqdm import tqdm
    with tqdm(desc=name, unit='rate', leave=True, dynamic_ncols=True) as shown:
        def told(words: str) -> None:
            shown.set_postfix_str(words)
            shown.update(1)
        yield told
