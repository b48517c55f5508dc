# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A managed node that configures and activates itself, and tries again if that fails."""

from typing import Any

from rclpy.clock import Clock, ClockType

FIRST_S, LONGEST_S = 0.01, 60.0


class Autostart:
    """
    Drives a node to active, once.

    It runs in the callback group of the transitions, so that it never meets one that somebody
    else asked for, and on the steady clock, so that it also works before /clock is published.

    :param node: a PerceptionNode.
    :param callback_group: the group of the transitions.
    """

    def __init__(self, node: Any, callback_group: Any) -> None:
        self._node = node
        self._wait_s = FIRST_S
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._group = callback_group
        self._timer = None
        self._schedule()

    def _schedule(self) -> None:
        self._timer = self._node.create_timer(self._wait_s, self._on_timer, self._group,
                                              self._clock)

    def _on_timer(self) -> None:
        self._node.destroy_timer(self._timer)
        if self._node.state == 'unconfigured':
            self._node.trigger_configure()
        if self._node.state == 'inactive':
            self._node.trigger_activate()
        if self._node.state not in ('active', 'finalized'):
            self._wait_s = min(LONGEST_S, max(1.0, 2 * self._wait_s))
            self._node.get_logger().info('trying again in {:.0f} s'.format(self._wait_s))
            self._schedule()
