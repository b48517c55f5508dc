# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A mailbox in which the newest items win, and the thread that empties it."""

from collections import deque
import threading
from typing import Any, Callable, Deque, Optional

from espnet_perception.errors import PerceptionError


class Mailbox:
    """
    Holds a few items; where it is full a newer item takes the place of the oldest.

    :param slots: how many items it holds.
    """

    def __init__(self, slots: int = 1) -> None:
        self._condition = threading.Condition()
        self._items: Deque[Any] = deque(maxlen=slots)
        self._closed = False

    def put(self, item: Any) -> bool:
        """
        Leave an item, never waiting.

        :param item: the item, not None.
        :return: whether it replaced an item that nobody had taken.
        """
        with self._condition:
            replaced = len(self._items) == self._items.maxlen
            self._items.append(item)
            self._condition.notify()
            return replaced

    def take(self) -> Optional[Any]:
        """
        Wait for an item.

        :return: the oldest item, or None once the mailbox is closed.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._items)
            return None if self._closed else self._items.popleft()

    def close(self) -> int:
        """
        Wake and turn away whoever waits.

        :return: how many items nobody had taken.
        """
        with self._condition:
            self._closed = True
            left = len(self._items)
            self._items.clear()
            self._condition.notify_all()
            return left


class Worker:
    """
    A thread that hands every item of a mailbox to a function.

    :param name: name of the thread.
    :param handle: called with each item; it must catch its own errors.
    :param slots: how many items its mailbox holds.
    """

    def __init__(self, name: str, handle: Callable[[Any], None], slots: int = 1) -> None:
        self.mailbox = Mailbox(slots)
        self._handle = handle
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> int:
        """
        Stop after the item in work.

        :param timeout_s: how long to wait for the item in work.
        :return: how many items nobody had taken.
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
