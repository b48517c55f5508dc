# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Says from time to time that something long is still going on."""

import threading
from typing import Any, Callable

from espnet_perception.telemetry.clock import monotonic_ns


class ProgressLog:
    """
    A context manager that logs while its body runs.

    :param log: called with a sentence.
    :param what: what is going on.
    :param period_s: seconds between two sentences.
    """

    def __init__(self, log: Callable[[str], Any], what: str, period_s: float = 5.0) -> None:
        self._log = log
        self._what = what
        self._period_s = period_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name='progress', daemon=True)

    def __enter__(self) -> 'ProgressLog':
        self._start_ns = monotonic_ns()
        self._log(self._what + ' ...')
        self._thread.start()
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(self._period_s):
            self._log('{}: {:.0f} s so far ...'.format(
                self._what, (monotonic_ns() - self._start_ns) / 1e9))
