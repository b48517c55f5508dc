# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs a managed node in a process of its own, until somebody asks it to end."""

import os
import signal
import threading
import traceback
from typing import Any, Callable, List, Optional

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.signals import SignalHandlerOptions

THREADS = 2  # one for what is quick, one for transitions and reloads
PATIENCE_S = 4.0  # launch sends SIGTERM after 5 s
IMPATIENT = 3  # so many signals end the process at once


class StopRequest:
    """
    SIGINT and SIGTERM ask for an orderly end; asking again does not disturb it.

    Python's handlers replace rclpy's, which would take the context away while the node still
    needs it. They also work where the shell made the process ignore SIGINT.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._signals = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._signals += 1
        self.event.set()
        if self._signals >= IMPATIENT:
            os._exit(128 + number)


def run(make_node: Callable[[], Any], args: Optional[List[str]] = None) -> int:
    """
    Spin a node until SIGINT or SIGTERM, then shut it down in order.

    :param make_node: makes the ManagedNode.
    :param args: command line; None takes that of the process.
    :return: exit status, 0 also after a signal.
    """
    stop = StopRequest()
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    node = make_node()
    executor = MultiThreadedExecutor(num_threads=THREADS)
    executor.add_node(node)
    spinning = threading.Thread(target=_spin, args=(executor, stop.event, node.get_logger()),
                                name='executor', daemon=True)
    spinning.start()
    stop.event.wait()
    if not node.finish(PATIENCE_S):
        node.get_logger().warning('a transition is still going on; ending without it')
        os._exit(0)
    executor.wake()
    spinning.join(PATIENCE_S)
    executor.shutdown(PATIENCE_S)
    node.destroy_node()
    if rclpy.ok():
        rclpy.shutdown()
    return 0


def _spin(executor: MultiThreadedExecutor, stop: threading.Event, log: Any) -> None:
    """Go on whatever a callback raises: one bad request must not end the node."""
    while rclpy.ok() and not stop.is_set():
        try:
            executor.spin_once(timeout_sec=0.5)
        except ExternalShutdownException:
            stop.set()
        except Exception:
            log.error('a callback failed:\n' + traceback.format_exc())
    stop.set()
