# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A mailbox of one slot in which the newest item wins, and the thread that empties it."""

import threading
from typing import Any, Callable, Optional

from espnet_perception.errors import PerceptionError


class Mailbox:
    """Holds at most one item; a newer item takes the place of one that nobody has taken."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: Optional[Any] = None
        self._closed = False

    def put(self, item: Any) -> bool:
        """
        Leave an item, never waiting.

        :param item: the item, not None.
        :return: whether it replaced an item that nobody had taken.
        """
        with self._condition:
            replaced = self._item is not None
            self._item = item
            self._condition.notify()
            return replaced

    def take(self) -> Optional[Any]:
        """
        Wait for an item.

        :return: the newest item, or None once the mailbox is closed.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._item is not None)
            if self._closed:
                return None
            item, self._item = self._item, None
            return item

    def close(self) -> int:
        """
        Wake and turn away whoever waits.

        :return: how many items nobody had taken, 0 or 1.
        """
        with self._condition:
            self._closed = True
            left, self._item = int(self._item is not None), None
            self._condition.notify_all()
            return left


class Worker:
    """
    A thread that hands every item of a mailbox to a function.

    :param name: name of the thread.
    :param handle: called with each item; it must catch its own errors.
    """

    def __init__(self, name: str, handle: Callable[[Any], None]) -> None:
        self.mailbox = Mailbox()
        self._handle = handle
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> int:
        """
        Stop after the item in work.

        :param timeout_s: how long to wait for the item in work.
        :return: how many items nobody had taken, 0 or 1.
        :raises PerceptionError: the item in work was not finished in time.
        """
        left = self.mailbox.close()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise PerceptionError('the frame in work was not finished within {:g} s; the engine '
                                  'hangs, restart the node'.format(timeout_s))
        return left

    def _run(self) -> None:
        item = self.mailbox.take()
        while item is not None:
            self._handle(item)
            item = self.mailbox.take()
