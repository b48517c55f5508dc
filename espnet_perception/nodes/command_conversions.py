# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Between messages about commands and the plain objects of the package."""

import json
from typing import Any, List, Tuple

from builtin_interfaces.msg import Time
from espnet_msgs.msg import Command, Completions, Slot
from espnet_perception.results import CommandReading
from std_msgs.msg import Bool, Header, String

try:
    from hri_actions_msgs.msg import Intent
except ImportError:  # an optional package
    Intent = None
try:
    from hri_msgs.msg import LiveSpeech
except ImportError:  # an optional package
    LiveSpeech = None

LONGEST_TEXT = 2000  # characters of a text that are sent on
SECOND_NS = 10 ** 9
MOST_URGENT = 255
USUAL = 128


def whole_text(message: String) -> List[Tuple[str, bool]]:
    """Return the texts of a message, each with whether it is still being written."""
    return [(message.data, False)]


def partial_text(message: String) -> List[Tuple[str, bool]]:
    """Return the texts of a message that are still being written, as for ``whole_text``."""
    return [(message.data, True)]


def spoken(message: Any) -> List[Tuple[str, bool]]:
    """
    Return the texts of a hri_msgs/LiveSpeech, as for ``whole_text``.

    What was heard so far comes before the final text, so that no stop word in it is missed.
    """
    return [(text, partial) for text, partial in ((message.incremental, True),
                                                  (message.final, False)) if text]


def to_stop(stopped: bool) -> Bool:
    """Say whether the robot is asked to stop."""
    return Bool(data=stopped)


def to_command(reading: CommandReading, stamp_ns: int, latency_ms: float, model: str) -> Command:
    """
    Say how a text was understood.

    :param reading: the reading.
    :param stamp_ns: when the text arrived, node clock.
    :param latency_ms: from then to now.
    :param model: name of the model; empty where none was asked.
    """
    return Command(
        header=_header(stamp_ns), text=_sendable(reading.text), intent=reading.intent,
        slots=[Slot(role=slot.role, value=slot.value, start=slot.start, end=slot.end,
                    confidence=slot.confidence) for slot in reading.slots],
        confidence=reading.confidence, alternatives=[name for name, _ in reading.alternatives],
        alternative_confidences=[chance for _, chance in reading.alternatives],
        perplexity=min(reading.perplexity, 1e30), out_of_domain=reading.out_of_domain,
        accepted=reading.accepted, reason=reading.reason, latency_ms=latency_ms, model=model)


def to_completions(prefix: str, stamp_ns: int, offered: List[Tuple[str, float]]) -> Completions:
    """
    Say which words may come next.

    :param prefix: the text so far.
    :param stamp_ns: when it arrived, node clock.
    :param offered: words and their probabilities.
    """
    return Completions(header=_header(stamp_ns), prefix=_sendable(prefix),
                       words=[word for word, _ in offered],
                       probabilities=[chance for _, chance in offered])


def to_intent(reading: CommandReading) -> Any:
    """
    Say an accepted command as hri_actions_msgs/Intent; only where that is installed.

    :param reading: accepted.
    """
    is_stop = reading.reason == 'stop'
    return Intent(intent=Intent.STOP_ACTIVITY if is_stop else reading.intent,
                  data=json.dumps({slot.role: slot.value for slot in reading.slots}),
                  source=Intent.UNKNOWN_AGENT if hasattr(Intent, 'UNKNOWN_AGENT') else '',
                  modality=Intent.MODALITY_SPEECH, confidence=reading.confidence,
                  priority=MOST_URGENT if is_stop else USUAL)


def _header(stamp_ns: int) -> Header:
    seconds, nanoseconds = divmod(stamp_ns, SECOND_NS)
    return Header(stamp=Time(sec=seconds, nanosec=nanoseconds))


def _sendable(text: str) -> str:
    """Return the beginning of a text without what a message cannot hold."""
    return text[:LONGEST_TEXT].replace('\x00', ' ').encode('utf-8', 'replace').decode('utf-8')
