# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the benchmark share: configurations, turns and processes that are not real."""

from espnet_perception.benchmark.plan import Configuration
from espnet_perception.benchmark.record import new_row, open_record
from espnet_perception.errors import EngineError
import numpy as np

MS = 10 ** 6
TORCH = Configuration('tiny', 'tiny', 'torch', 'fp32', 96, 64, 1)
OPENVINO = TORCH._replace(engine='openvino')
FACTS = {'engine': 'torch', 'version': '2.0', 'device': 'cpu', 'precision': 'fp32', 'threads': 1}


def turn(*durations_ms, **fields):
    """Return a turn of these durations, one after the other, from stamp 0."""
    durations_ns = [int(duration_ms * MS) for duration_ms in durations_ms]
    return dict({'repeat': 0, 'round': 0, 'durations_ns': durations_ns, 'start_ns': 0,
                 'end_ns': sum(durations_ns), 'peak_bytes': 10 ** 8}, **fields)


def record(path, settings, *everyone, **options):
    """Return an open record of configurations."""
    rows = [new_row(one, 'ab' * 32, {}, None) for one in everyone]
    return open_record(str(path), dict(settings._asdict()), rows, options.get('baseline', {}),
                       options.get('restart', False))


class FakeProcesses:
    """
    Stands for ``processes.Processes``: every turn takes what a table says.

    :param durations_ms: by engine; a text is what it refuses with.
    :param folder: for the classes.
    """

    def __init__(self, durations_ms, folder):
        self.durations_ms, self.folder, self.order = durations_ms, folder, []

    def __call__(self, settings, folder):
        """Stand for the constructor."""
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def classes_path(self, one):
        """Return the file of the classes."""
        return str(self.folder / (one.engine + '.npy'))

    def get(self, one):
        """Return what runs the configuration."""
        duration_ms = self.durations_ms[one.engine]
        if isinstance(duration_ms, str):
            raise EngineError(duration_ms)
        np.save(self.classes_path(one), np.arange(4) == (0 if one.engine == 'torch' else 1))
        return FakeProcess(self, one, duration_ms)


class FakeProcess:
    """Stands for ``processes.MeasuringProcess``."""

    def __init__(self, processes, one, duration_ms):
        self._processes, self._one, self._duration_ms = processes, one, duration_ms
        self.opened = {'facts': dict(FACTS, engine=one.engine), 'open_s': 0.5, 'product': 'labels'}

    def turn(self, iterations, least_s):
        """Take the next duration; an exception among them is raised."""
        duration_ms = self._duration_ms
        if isinstance(duration_ms, list):
            duration_ms = duration_ms.pop(0)
        if isinstance(duration_ms, BaseException):
            raise duration_ms
        self._processes.order.append(self._one.engine)
        return turn(*[duration_ms] * iterations)
