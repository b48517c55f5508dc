# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Replays many bags on several processes or machines with Ray: one task for each chunk of a bag.

A finished chunk is kept as a file beside the bag's results. When all of a bag are there they are
put together frame by frame, in the order of the bag, by the code that a single process uses; so
the results are the same. A chunk whose worker is lost is done again by another one.
"""

import base64
from collections import deque
from contextlib import contextmanager
from functools import lru_cache
import json
import os
from pathlib import Path
import shutil
import tempfile
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import cv2
from espnet_perception.errors import PerceptionError, SettingsError
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.replay import BagReplay, BagRun, Place, ReplaySettings
from espnet_perception.evaluation.state import CHUNKS_FOLDER, FrameRecord, write_text
from espnet_perception.evaluation.task import Task
import numpy as np

CHUNK_FRAMES = 64
RETRIES = 3  # of a chunk whose worker is lost
ATTEMPTS = 3  # to start workers on this machine
OBJECT_STORE_BYTES = 200 * 2 ** 20  # results are texts of some hundred kilobytes
NO_RAY = ('a replay on a cluster needs Ray, which cannot be imported ({}); pip install ray, or '
          'leave out --cluster')


class Opener(NamedTuple):
    """
    How a worker opens its source of answers; equal openers share an open one.

    :param function: takes the words and returns (source, task); importable on the workers.
    :param words: what it needs, as JSON.
    """

    function: Callable[[str], Tuple[Any, Task]]
    words: str


class Chunk(NamedTuple):
    """
    Some frames of a bag.

    :param bag: absolute path of the bag, as the workers see it.
    :param first: position of the first frame.
    :param last: position behind the last frame.
    """

    bag: str
    first: int
    last: int


class Cluster:
    """
    The connection with Ray; made by ``connected``.

    :param ray: the module.
    :param opener: how workers open their source.
    :param cores: processor cores that one worker uses.
    """

    def __init__(self, ray: Any, opener: Opener, cores: int) -> None:
        self._ray, self._opener = ray, opener
        self._remote = {function: ray.remote(num_cpus=cores, max_retries=RETRIES)(function)
                        for function in (describe, replay_chunk)}
        self.workers = max(1, int(ray.cluster_resources().get('CPU', cores) // cores))

    def facts(self) -> Dict[str, Any]:
        """Return what a worker's source says of itself."""
        return self._get(self._remote[describe].remote(self._opener))

    def results(self, chunks: Sequence[Chunk], settings: ReplaySettings
                ) -> Iterator[Tuple[Chunk, str]]:
        """
        Replay chunks and yield each with its result as it comes, in any order.

        :param chunks: the chunks.
        :param settings: what to replay and keep; paths are absolute.
        :raises PerceptionError: of a worker, or a chunk has lost too many workers.
        """
        waiting, running = deque(chunks), {}  # type: Any, Dict[Any, Chunk]
        try:
            while waiting or running:
                while waiting and len(running) < 2 * self.workers:
                    chunk = waiting.popleft()
                    reference = self._remote[replay_chunk].remote(self._opener, chunk, settings)
                    running[reference] = chunk
                for reference in self._ray.wait(list(running))[0]:
                    yield running.pop(reference), self._get(reference)
        finally:
            for reference in running:
                self._ray.cancel(reference, force=True)

    def _get(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, PerceptionError):
                raise error.cause
            raise PerceptionError('a worker failed: {}'.format(str(error).strip()))
        except self._ray.exceptions.RayError as error:
            raise PerceptionError('workers were lost {} times ({}); finished chunks are kept, the '
                                  'same command goes on'.format(
                                      RETRIES + 1, str(error).strip().split('\n')[0]))


@contextmanager
def connected(where: str, opener: Opener, cores: int) -> Iterator[Cluster]:
    """
    Start workers on this machine, or connect with a cluster.

    :param where: number of workers, or address of a running cluster, as auto or 10.0.0.1:6379.
    :param opener: how workers open their source.
    :param cores: processor cores that one worker uses.
    :return: context manager that gives a ``Cluster``.
    :raises PerceptionError: no Ray, or no cluster at the address.
    """
    os.environ.update(RAY_USAGE_STATS_ENABLED='0', RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO='0')
    try:
        import ray
    except ImportError as error:
        raise SettingsError(NO_RAY.format(error))
    options = {'address': where}  # type: Dict[str, Any]
    if where.isdigit():
        package_folder = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(part for part in (package_folder, os.environ.get('PYTHONPATH'))
                               if part)
        os.environ['PYTHONPATH'] = path  # for the workers; an environment of Ray's own starts more
        options = {'address': 'local', 'num_cpus': int(where) * cores, 'include_dashboard': False,
                   'object_store_memory': OBJECT_STORE_BYTES}
    _start(ray, where, options)
    try:
        yield Cluster(ray, opener, cores)
    finally:
        ray.shutdown()


def _start(ray: Any, where: str, options: Dict[str, Any]) -> None:
    """Start Ray, again if need be: it gives its processes 15 s, too little where all is busy."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            ray.init(log_to_driver=False, logging_level='error', **options)
            return
        except Exception as error:  # Ray raises bare ones too
            ray.shutdown()
            if attempt == ATTEMPTS or not where.isdigit():
                raise PerceptionError(
                    "no Ray cluster at '{}': {}; try again, start one with ray start, or give the "
                    'number of workers of this machine'.format(where, ' '.join(
                        str(error).split())))


def replay_bags(cluster: Cluster, bags: Dict[str, Place], task: Task, settings: ReplaySettings,
                facts: Dict[str, Any], whole: bool) -> List[BagReplay]:
    """
    Replay bags on a cluster, or what an interrupted run left of them.

    :param cluster: the connection.
    :param bags: path of each bag to where its results go.
    :param task: how the answers are judged.
    :param settings: what to replay and keep.
    :param facts: what tells the source of the answers from others.
    :param whole: a bag is one chunk, since answers depend on the frames before.
    :return: the same as ``replay_bag`` returns of each.
    :raises PerceptionError: as ``replay_bag``, and lost workers.
    """
    chunks = []  # type: List[Chunk]
    counts = {}  # type: Dict[str, List[int]]
    for path, place in bags.items():
        with open_bag(path) as bag:
            run = BagRun(bag, facts, task, settings, place)
        found = _chunks(path, run, whole)
        missing = [chunk for chunk in found if not _file(place, chunk).exists()]
        counts[path] = [run.frame_count - sum(chunk.last - chunk.first for chunk in missing),
                        run.frame_count]
        place.progress(*counts[path])
        chunks += missing
    for chunk, text in cluster.results([chunk._replace(bag=str(Path(chunk.bag).resolve()))
                                        for chunk in chunks], _absolute(settings)):
        path = next(path for path in bags if str(Path(path).resolve()) == chunk.bag)
        _file(bags[path], chunk).parent.mkdir(parents=True, exist_ok=True)
        write_text(_file(bags[path], chunk), text)
        counts[path][0] += chunk.last - chunk.first
        bags[path].progress(*counts[path])
    return [_merged(path, place, task, settings, facts) for path, place in bags.items()]


def describe(opener: Opener) -> Dict[str, Any]:
    """
    Return what the source of answers says of itself; runs on a worker.

    :param opener: how to open it.
    """
    return _opened(opener)[0].describe()


def replay_chunk(opener: Opener, chunk: Chunk, settings: ReplaySettings) -> str:
    """
    Replay a chunk; runs on a worker.

    :param opener: how to open the source of answers.
    :param chunk: which frames.
    :param settings: what to replay and keep.
    :return: JSON with the records, the label images that may be shown as PNG in base64, and notes.
    """
    source, task = _opened(opener)
    with open_bag(chunk.bag) as bag, tempfile.TemporaryDirectory() as folder:
        run = BagRun(bag, source.describe(), task, settings, Place(Path(folder)))
        run_messages = (message for message in run.messages() if message.index < chunk.last)
        for answer in source.answers(run_messages, chunk.first):
            run.keep(task.record(answer, run.truth), answer.labels)
        paths = {record.index: run.state.mask_path(record.index) for record in run.state.records}
        return json.dumps({
            'records': [record._asdict() for record in run.state.records], 'notes': bag.notes,
            'masks': {index: base64.b64encode(path.read_bytes()).decode('ascii')
                      for index, path in paths.items() if path.exists()}})


@lru_cache(maxsize=1)
def _opened(opener: Opener) -> Tuple[Any, Task]:
    cv2.setNumThreads(1)  # a worker has cores of its own, and forks none
    return opener.function(opener.words)


def _chunks(path: str, run: BagRun, whole: bool) -> List[Chunk]:
    """Return the chunks with frames to do."""
    size = max(1, run.frame_count) if whole else CHUNK_FRAMES
    done = len(run.state.records)
    return [Chunk(path, first, min(first + size, run.frame_count))
            for first in range(0, run.frame_count, size) if first + size > done < run.frame_count]


def _file(place: Place, chunk: Chunk) -> Path:
    return place.folder / CHUNKS_FOLDER / '{:08d}-{:08d}.json'.format(chunk.first, chunk.last)


def _merged(path: str, place: Place, task: Task, settings: ReplaySettings,
            facts: Dict[str, Any]) -> BagReplay:
    """Put the chunks of a bag together as if one process had replayed it."""
    with open_bag(path) as bag:
        run = BagRun(bag, facts, task, settings, place._replace(
            restart=False, progress=lambda done, total: None))
        for file in sorted((place.folder / CHUNKS_FOLDER).glob('*.json')):
            result = json.loads(file.read_text(encoding='utf-8'))
            bag.notes.extend(note for note in result['notes'] if note not in bag.notes)
            for values in result['records']:
                record = FrameRecord(**values)
                if record.index == len(run.state.records):
                    run.keep(record, _labels(result['masks'].get(str(record.index))))
        done = run.finished()
    shutil.rmtree(place.folder / CHUNKS_FOLDER, ignore_errors=True)
    return done


def _labels(png: Optional[str]) -> Optional[np.ndarray]:
    if png is None:
        return None
    return cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_UNCHANGED)


def _absolute(settings: ReplaySettings) -> ReplaySettings:
    """Return the settings with paths that mean the same in another folder."""
    if settings.truth and Path(settings.truth).exists():
        return settings._replace(truth=str(Path(settings.truth).resolve()))
    return settings
