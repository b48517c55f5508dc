# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Quality of service of every topic; users override it with qos_overrides parameters."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions


def newest_frame() -> QoSProfile:
    """Return sensor data, best effort, depth 1: an old frame is never worth the wait."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1,
                      reliability=ReliabilityPolicy.BEST_EFFORT,
                      durability=DurabilityPolicy.VOLATILE)


def reliable(depth: int = 5) -> QoSProfile:
    """
    Return reliable and volatile, for results.

    :param depth: how many messages wait for a slow subscriber.
    """
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth,
                      reliability=ReliabilityPolicy.RELIABLE,
                      durability=DurabilityPolicy.VOLATILE)


def latched() -> QoSProfile:
    """Return reliable and transient local of depth 1: a late subscriber still gets the last."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1,
                      reliability=ReliabilityPolicy.RELIABLE,
                      durability=DurabilityPolicy.TRANSIENT_LOCAL)


def overridable() -> QoSOverridingOptions:
    """Let users override history, depth and reliability of a topic by parameters."""
    return QoSOverridingOptions.with_default_policies()
