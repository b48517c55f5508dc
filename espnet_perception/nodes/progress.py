# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Says from time to time that something long is still going on, and how far it is."""

import threading
from typing import Any, Callable, NamedTuple, Optional

from espnet_perception.telemetry.clock import monotonic_ns


class Progress(NamedTuple):
    """
    How far something long is.

    :param what: what is going on.
    :param passed_s: seconds since it began.
    :param expected_s: seconds that it is expected to take; None where nobody knows.
    """

    what: str
    passed_s: float
    expected_s: Optional[float]

    def sentence(self) -> str:
        """Return such as 'building engine, 42 s of about 240 s'."""
        about = '' if self.expected_s is None else ' of about {:.0f} s'.format(self.expected_s)
        return '{}, {:.0f} s{}'.format(self.what, self.passed_s, about)


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
        self.stage(what, None)

    def stage(self, what: str, expected_s: Optional[float]) -> None:
        """
        Note that the next part has begun.

        :param what: what is going on now.
        :param expected_s: seconds that it is expected to take; None where nobody knows.
        """
        self._stage = (what, monotonic_ns(), expected_s)  # one assignment: others read it

    def now(self) -> Progress:
        """Return how far the present part is."""
        what, start_ns, expected_s = self._stage
        return Progress(what, (monotonic_ns() - start_ns) / 1e9, expected_s)

    def __enter__(self) -> 'ProgressLog':
        self._log(self._what + ' ...')
        self._thread.start()
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(self._period_s):
            self._log(self.now().sentence() + ' so far ...')
