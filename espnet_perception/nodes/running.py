# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs a managed node in a process of its own, until somebody asks it to end."""

from concurrent.futures import ThreadPoolExecutor
import os
import signal
import sys
import threading
import traceback
from typing import Any, Callable, List, Optional

import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.executors import (
    Executor,
    ExternalShutdownException,
    ShutdownException,
    TimeoutException,
)
from rclpy.signals import SignalHandlerOptions

PATIENCE_S = 4.0  # launch sends SIGTERM after 5 s
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
IMPATIENT = 3  # so many signals end the process at once


class SlowLaneExecutor(Executor):
    """
    Runs quick callbacks itself, one after the other, and slow ones in a thread beside it.

    rclpy's MultiThreadedExecutor hands every callback to a pool, which costs each image a change
    of thread, and cannot be shut down while its pool is busy.

    :param slow_group: the callback group whose callbacks are slow.
    :param log: logger of the node.
    """

    def __init__(self, slow_group: Any, log: Any) -> None:
        Executor.__init__(self)
        self._slow_group = slow_group
        self._log = log
        self._pool = ThreadPoolExecutor(max_workers=1)

    def spin_once(self, timeout_sec: Optional[float] = None) -> None:
        """
        Wait for one callback and see that it is run, whatever it raises.

        :param timeout_sec: seconds to wait; None waits for ever.
        """
        try:
            handler, entity, _node = self.wait_for_ready_callbacks(timeout_sec=timeout_sec)
        except (ExternalShutdownException, ShutdownException, TimeoutException):
            return
        if entity is not None and entity.callback_group is self._slow_group:
            self._pool.submit(self._execute, handler)
        else:
            self._execute(handler)

    def drain(self) -> None:
        """Wait for the slow callbacks."""
        self._pool.shutdown(wait=True)

    def _execute(self, handler: Any) -> None:
        """Run a callback; one bad request must not end the node."""
        handler()
        error = handler.exception()
        if error is not None and not isinstance(error, InvalidHandle):  # destroyed meanwhile
            self._log.error('a callback failed:\n' + ''.join(traceback.format_exception(
                type(error), error, error.__traceback__)))


class StopRequest:
    """
    SIGINT and SIGTERM ask for an orderly end; asking again does not disturb it.

    Python's handlers replace rclpy's, which would take the context away while the node still
    needs it. They also work where the shell made the process ignore SIGINT. A pipe wakes the
    waiting thread, because a signal may arrive while that thread holds the lock of an event.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._signals = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def wait(self) -> None:
        """Wait for a signal, or for ``ask``."""
        os.read(self._reader, 1)

    def ask(self) -> None:
        """End the wait."""
        os.write(self._writer, b'.')

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._signals += 1
        self.ask()
        if self._signals >= IMPATIENT:
            os._exit(128 + number)


def run(make_node: Callable[[], Any], args: Optional[List[str]] = None) -> int:
    """
    Spin a node until SIGINT or SIGTERM, then shut it down in order.

    :param make_node: makes the ManagedNode.
    :param args: command line; None takes that of the process.
    :return: exit status: 0 also after a signal, 1 where the command line is wrong.
    """
    stop, stopping = StopRequest(), threading.Event()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # what is wrong with the command line; RCLError is not public
        print('cannot start: ' + str(error).split(', at ')[0], file=sys.stderr)
        return 1
    node = make_node()
    _advise(node.get_logger())
    executor = SlowLaneExecutor(node.slow_group, node.get_logger())
    executor.add_node(node)
    spinning = threading.Thread(target=_spin, args=(executor, stop, stopping),
                                name='executor', daemon=True)
    spinning.start()
    stop.wait()
    stopping.set()
    executor.wake()
    spinning.join(PATIENCE_S)
    if rclpy.ok() and not node.finish(PATIENCE_S):
        node.get_logger().warning('a transition is still going on; ending without it')
        os._exit(0)
    executor.drain()
    executor.shutdown()
    node.destroy_node()
    if rclpy.ok():
        rclpy.shutdown()
    return 0


def _advise(log: Any) -> None:
    if 'fastrtps' in rclpy.get_rmw_implementation_identifier() and not any(
            os.environ.get(name) for name in PROFILE_VARIABLES):
        log.info('{} is not set: Fast DDS may lose large images between processes; see '
                 'docs/topics.md, "Images that never arrive"'.format(PROFILE_VARIABLES[0]))


def _spin(executor: Executor, stop: StopRequest, stopping: threading.Event) -> None:
    while rclpy.ok() and not stopping.is_set():
        executor.spin_once(timeout_sec=0.5)
    stop.ask()
