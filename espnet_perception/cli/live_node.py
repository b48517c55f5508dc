# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A node in a process of its own, and its player, for a live replay."""

from contextlib import contextmanager
import importlib
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from espnet_perception.errors import PerceptionError
from espnet_perception.evaluation.answers import Ranking
from espnet_perception.evaluation.mappings import ModelClasses
from espnet_perception.evaluation.player import NodeCounters, PowerTold, ReceivedAnswer

# The first up to Jazzy, the second from Kilted on.
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
RANGE_VARIABLE = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
PROFILE = 'fastdds_profile.xml'
READY_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 10.0
CHECK_EVERY_S = 2.0
POWER_NODE_TIMEOUT_S = 1.0
# A process group of its own: Ctrl-C must reach us alone, for we still need the node's counters.
# PR_SET_PDEATHSIG: the node ends with this process, whatever ends it.
START = """\
import ctypes, os, signal, sys
os.setpgrp()
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
from espnet_perception.nodes.{} import main
sys.exit(main())
"""
DIAGNOSTICS_PERIOD_S = 0.25
COUNTER_KEYS = NodeCounters(
    'Events since startup', 'frames published since startup',
    'frames dropped by the node since startup', 'frames skipped on request since startup',
    'frames rejected since startup', 'frames failed since startup')


class NodeChoice(NamedTuple):
    """
    The node to play to.

    :param attach: full name of a running node; empty: start one.
    :param task: which node to start, segmentation or classification.
    :param parameters: parameters of the node that is started.
    :param with_confidence: collect the confidence of every frame.
    :param log_path: where the output of the node that is started goes.
    :param number: tells nodes of one process from each other.
    """

    attach: str
    task: str
    parameters: Dict[str, Any]
    with_confidence: bool
    log_path: Path
    number: int = 0


class NodePlayer:
    """
    A node that is ready, as the live replay wants it.

    :param player: connected with the node.
    :param check: raises PerceptionError when the node has ended.
    :param pid: its process, where it was started here.
    """

    def __init__(self, player: Any, check: Callable[[], None] = lambda: None,
                 pid: Optional[int] = None) -> None:
        self._player = player
        self._check = check
        self.pid = pid
        name, classes, palette, void_id = player.legend
        self.model = ModelClasses(name, tuple(classes), tuple(palette), void_id)

    def publish(self, cdr: bytes) -> None:
        """Send one serialised image message."""
        self._player.publish(cdr)

    def next_answer(self, timeout_s: float) -> Optional[ReceivedAnswer]:
        """Wait for the next answer; None when none came in time."""
        returned = self._player.next_answer(timeout_s)
        if returned is None:
            self._check()
            return None
        ranking = None if returned.ranking is None else Ranking(*returned.ranking)
        return ReceivedAnswer(*returned)._replace(ranking=ranking)

    def counters(self, timeout_s: float) -> NodeCounters:
        """
        Wait for the next diagnostics and return the node's counters.

        :raises PerceptionError: none came in time.
        """
        end = time.monotonic() + timeout_s
        while True:
            self._check()
            try:
                values = self._player.values('frames', min(timeout_s, CHECK_EVERY_S))
                return NodeCounters(*(int(values.get(key, 0)) for key in COUNTER_KEYS))
            except PerceptionError:
                if time.monotonic() > end:
                    raise

    def latency_ms(self) -> Dict[str, Dict[str, float]]:
        """Return what the latest diagnostics say of each stage: figure name to milliseconds."""
        stages = {}  # type: Dict[str, Dict[str, float]]
        for key, value in self._player.values('latency').items():
            if key.endswith(' (ms)'):
                stage, figure = key[:-len(' (ms)')].rsplit(' ', 1)
                stages.setdefault(stage, {})[figure + '_ms'] = float(value)
        return stages

    def follow_power(self) -> str:
        """Listen to a power node; return its topic, empty where none is found within a second."""
        end = time.monotonic() + POWER_NODE_TIMEOUT_S
        while True:
            topic = self._player.follow_power()
            if topic or time.monotonic() > end:
                return topic
            time.sleep(0.1)

    def powers(self) -> List[PowerTold]:
        """Return what the power node has told since the last call, in order."""
        return [PowerTold(*told) for told in self._player.powers()]

    def facts(self) -> Dict[str, str]:
        """Return what the node's diagnostics say of its model."""
        values = self._player.values('model')
        return {key: value for key, value in values.items() if key != 'lifecycle state'}


@contextmanager
def live_node(choice: NodeChoice, compressed: bool) -> Iterator[NodePlayer]:
    """
    Start a node, or attach to one, and connect with it.

    :param choice: which node.
    :param compressed: the images are compressed.
    :return: context manager that gives a player which is ready; it ends the node it started.
    :raises PerceptionError: no ROS, no such node, or it does not become ready.
    """
    prepare_environment()
    try:
        module = importlib.import_module('espnet_perception.nodes.player')
    except ImportError as error:
        raise PerceptionError('live replay needs ROS 2 and espnet_msgs ({}); build the workspace '
                              'and source its setup.bash, or replay without --live'.format(error))
    if choice.attach:
        with module.BagPlayer(choice.attach, '/diagnostics', choice.with_confidence) as player:
            player.wait_until_ready(compressed, 15.0)
            yield NodePlayer(player)
        return
    namespace = '/replay_{}_{}'.format(os.getpid(), choice.number)
    with module.BagPlayer('{}/{}'.format(namespace, choice.task), namespace + '/diagnostics',
                          choice.with_confidence) as player:
        with _process(_arguments(choice, namespace, compressed), choice.log_path) as process:
            def check() -> None:
                _check(process, choice.log_path)
            player.wait_until_ready(compressed, READY_TIMEOUT_S, check)
            yield NodePlayer(player, check, process.pid)


def prepare_environment() -> None:
    """
    Give this process, which publishes images, the settings that let them arrive.

    Without the profile, Fast DDS loses nearly all best-effort images; see docs/topics.md. What
    the user has set is left alone.
    """
    if not set(PROFILE_VARIABLES) & set(os.environ):
        profile = config_file(PROFILE)
        if profile is None:
            raise PerceptionError('config/{} is neither beside the package nor installed; build '
                                  'and source the workspace'.format(PROFILE))
        os.environ.update(dict.fromkeys(PROFILE_VARIABLES, str(profile)))
    if not {RANGE_VARIABLE, 'ROS_LOCALHOST_ONLY'} & set(os.environ):
        os.environ[RANGE_VARIABLE] = 'LOCALHOST'


def config_file(name: str) -> Optional[Path]:
    """
    Return a file of config/, of the source tree or installed; None where there is none.

    :param name: its name.
    """
    folders = [Path(__file__).resolve().parents[2]]
    folders += [Path(prefix) / 'share' / 'espnet_perception'
                for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if prefix]
    for folder in folders:
        if (folder / 'config' / name).is_file():
            return folder / 'config' / name
    return None


def _arguments(choice: NodeChoice, namespace: str, compressed: bool) -> List[str]:
    parameters = dict(choice.parameters, diagnostics_period_s=DIAGNOSTICS_PERIOD_S,
                      image_transport='compressed' if compressed else 'raw')
    arguments = [sys.executable, '-c', START.format(choice.task), '--ros-args',
                 '-r', '__ns:=' + namespace,
                 '-r', '/diagnostics:={}/diagnostics'.format(namespace)]
    for name, value in parameters.items():
        text = '"{}"'.format(value) if isinstance(value, str) else str(value).lower()
        arguments += ['-p', '{}:={}'.format(name, text)]
    return arguments


@contextmanager
def _process(arguments: Sequence[str], log_path: Path) -> Iterator[subprocess.Popen]:
    """Run a process, its output in a file, and end it in order."""
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        log = open(log_path, 'wb')
    except OSError as error:
        raise PerceptionError('cannot write {}: {}; choose another --output'.format(
            log_path, error.strerror))
    # the same package in both processes, whichever copies there are
    package_folder = str(Path(__file__).resolve().parents[2])
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(
        [package_folder] + [folder for folder in [os.environ.get('PYTHONPATH')] if folder]))
    with log:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=environment)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _check(process: subprocess.Popen, log_path: Path) -> None:
    if process.poll() is not None:
        lines = log_path.read_text(encoding='utf-8', errors='replace').strip().splitlines()
        raise PerceptionError('the node ended with status {}: {} (all of its output: {})'.format(
            process.returncode, lines[-1].strip() if lines else 'no output', log_path))
