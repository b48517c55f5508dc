# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
One process for each configuration, and never two of them at work.

Runtimes keep threads that spin for a while after their work, and settings that hold for a whole
process; in processes of their own they cannot disturb each other, and each one's memory is known.
"""

from collections import OrderedDict
import contextlib
import json
import os
import subprocess
import sys
import time
from typing import Any, Dict

from espnet_perception.benchmark.plan import Configuration, Settings
from espnet_perception.errors import EngineError
from espnet_perception.telemetry.hardware import read_text

MODULE = 'espnet_perception.benchmark.measuring'
END_S = 10.0
# A process is at rest when the kernel has charged it no time over so many looks.
LOOK_S, QUIET_LOOKS, LONGEST_WAIT_S = 0.02, 3, 3.0
LEAST_FREE_SHARE = 0.25  # of the memory, before one more process is started


class MeasuringProcess:
    """
    A process that has one configuration open.

    :param one: the configuration.
    :param settings: how is measured.
    :param classes_path: file for the classes that it finds.
    :raises EngineError: it cannot be opened.
    """

    def __init__(self, one: Configuration, settings: Settings, classes_path: str) -> None:
        package_folder = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
        folders = [package_folder, os.environ.get('PYTHONPATH', '')]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, folders)))
        # A session of its own: Ctrl-C is for the command, which ends its processes in order.
        self._process = subprocess.Popen(
            [sys.executable, '-m', MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=environment, start_new_session=True)
        self._key = one.key
        request = dict(one._asdict(), do='prepare', confidence=settings.confidence,
                       device=settings.device, image=settings.image, warm_up=settings.warm_up,
                       classes=classes_path)
        try:
            self.opened = self._ask(request)
        except BaseException:
            self.close()
            raise

    def turn(self, iterations: int, least_s: float) -> Dict[str, Any]:
        """
        Let it run, and wait until its threads are at rest.

        :param iterations: timed runs at least.
        :param least_s: seconds at least.
        :return: see ``measuring.Measuring.turn``.
        :raises EngineError: the engine fails, or the process has ended.
        """
        answer = self._ask({'do': 'turn', 'iterations': iterations, 'least_s': least_s})
        wait_until_quiet(self._process.pid)
        return answer

    def close(self) -> None:
        """End the process. Closing twice is fine."""
        self._process.kill()
        self._process.wait(END_S)
        with contextlib.suppress(BrokenPipeError):  # of a request that it did not live to read
            self._process.stdin.close()
        self._process.stdout.close()

    def _ask(self, request: Dict[str, Any]) -> Dict[str, Any]:
        try:
            self._process.stdin.write(json.dumps(request).encode('utf-8') + b'\n')
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b''
        if not line:
            raise EngineError('the process of {} has ended with status {}; is there enough '
                              'memory?'.format(self._key, self._process.wait(END_S)))
        answer = json.loads(line.decode('utf-8'))
        if 'error' in answer:
            raise EngineError(answer['error'])
        return answer


class Processes:
    """
    The open processes; a context manager that ends them.

    :param settings: how is measured.
    :param folder: where they leave the classes that they find.
    """

    def __init__(self, settings: Settings, folder: str) -> None:
        self._settings, self._folder = settings, folder
        self._open = OrderedDict()  # type: OrderedDict
        self._prepared = set()  # type: Set[Configuration]

    def get(self, one: Configuration) -> MeasuringProcess:
        """
        Return the process of a configuration; start it where there is none.

        :param one: the configuration.
        :raises EngineError: it cannot be opened.
        """
        if one not in self._open:
            while self._open and self._crowded():
                self._open.popitem(last=False)[1].close()  # the one that ran longest ago
            self._open[one] = self._start(one)
        self._open.move_to_end(one)
        return self._open[one]

    def classes_path(self, one: Configuration) -> str:
        """
        Return the file of the classes that a configuration found, a NumPy array.

        :param one: the configuration.
        """
        return os.path.join(self._folder, one.key.replace(os.sep, '_') + '.npy')

    def __enter__(self) -> 'Processes':
        return self

    def __exit__(self, *_error: Any) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def _start(self, one: Configuration) -> MeasuringProcess:
        """Start a process; again where it had to make the engine's file, which takes memory."""
        process = MeasuringProcess(one, self._settings, self.classes_path(one))
        if process.opened['prepared'] and one not in self._prepared:
            process.close()
            process = MeasuringProcess(one, self._settings, self.classes_path(one))
        self._prepared.add(one)
        return process

    def _crowded(self) -> bool:
        if self._settings.processes:
            return len(self._open) >= self._settings.processes
        return free_memory_share() < LEAST_FREE_SHARE


def free_memory_share(root: str = '/') -> float:
    """
    Return the share of the memory that new processes may take; 1 where the system tells none.

    :param root: folder that holds proc/, another one in tests.
    """
    lines = (read_text(os.path.join(root, 'proc/meminfo')) or '').splitlines()
    kilobytes = {line.partition(':')[0]: float(line.split()[1]) for line in lines}
    if not kilobytes.get('MemTotal'):
        return 1.0
    return kilobytes.get('MemAvailable', 0.0) / kilobytes['MemTotal']


def wait_until_quiet(pid: int) -> None:
    """
    Wait until a process uses no processor time any more, three seconds at most.

    :param pid: of the process.
    """
    end_s, quiet, before = time.monotonic() + LONGEST_WAIT_S, 0, _ticks(pid)
    while quiet < QUIET_LOOKS and time.monotonic() < end_s:
        time.sleep(LOOK_S)
        now = _ticks(pid)
        quiet, before = (quiet + 1 if now == before else 0), now


def _ticks(pid: int) -> int:
    """Return the processor time of all threads of a process, in ticks of the kernel."""
    fields = (read_text('/proc/{}/stat'.format(pid)) or '').rpartition(')')[2].split()
    return int(fields[11]) + int(fields[12]) if len(fields) > 12 else 0
