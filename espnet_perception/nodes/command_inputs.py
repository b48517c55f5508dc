# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The topics on which texts reach the command node."""

from typing import Any, Callable, List, Tuple

from espnet_perception.nodes import command_conversions, qos
from espnet_perception.nodes.command_answers import Arrival
from espnet_perception.telemetry.clock import monotonic_ns
from std_msgs.msg import String

BURST = 1000  # texts that DDS keeps while the node is busy, so that drops are counted here


def listen(node: Any, on_text: Callable[[Arrival], None]) -> None:
    """
    Subscribe to whole and partial texts, and to speech where hri_msgs is installed.

    :param node: the node.
    :param on_text: called with every text.
    """
    _subscribe(node, (String, '~/text'), command_conversions.whole_text, on_text)
    _subscribe(node, (String, '~/partial'), command_conversions.partial_text, on_text)
    if command_conversions.LiveSpeech is not None:
        _subscribe(node, (command_conversions.LiveSpeech, '~/speech'),
                   command_conversions.spoken, on_text)


def _subscribe(node: Any, topic: Tuple[Any, str],
               texts_of: Callable[[Any], List[Tuple[str, bool]]],
               on_text: Callable[[Arrival], None]) -> None:
    def on_message(message: Any) -> None:
        for _ in range(BURST):
            at_ns, stamp_ns = monotonic_ns(), node.now_ns()
            for text, partial in texts_of(message):
                on_text(Arrival(text, partial, at_ns, stamp_ns))
            message = _next_waiting(subscription)
            if message is None:
                return
    subscription = node.create_subscription(*topic, on_message, qos.reliable(BURST),
                                            qos_overriding_options=qos.overridable())


def _next_waiting(subscription: Any) -> Any:
    """
    Return the next message that DDS holds, or None.

    In a flood a stop word stands behind hundreds of texts; a round of the executor for each of
    them takes far longer than looking at it does.
    """
    with subscription.handle:
        taken = subscription.handle.take_message(subscription.msg_type, False)
    return None if taken is None else taken[0]
