# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Texts and readings as messages, and as those of hri_actions_msgs where that is installed."""

import json

from espnet_perception.results import CommandReading, CommandSlot, stop_reading
import pytest

command_conversions = pytest.importorskip(
    'espnet_perception.nodes.command_conversions', reason='needs a sourced workspace')

READING = CommandReading('go', True, 'ok', 'go', (CommandSlot('place', 'hall', 0, 2, 0.5),), 0.75)


class FakeIntent:
    """Stands for hri_actions_msgs/Intent, which is not in this environment."""

    STOP_ACTIVITY, MODALITY_SPEECH = '__stop__', 2

    def __init__(self, **fields):
        self.__dict__.update(fields)


def test_intents(monkeypatch):
    monkeypatch.setattr(command_conversions, 'Intent', FakeIntent)
    intent = command_conversions.to_intent(READING)
    assert (intent.intent, json.loads(intent.data)) == ('go', {'place': 'hall'})
    assert intent.priority < 255
    stop = command_conversions.to_intent(stop_reading('stop'))
    assert (stop.intent, stop.priority) == ('__stop__', 255)


class FakeSpeech:
    """Stands for hri_msgs/LiveSpeech, which is not in this environment."""

    def __init__(self, incremental='', final=''):
        self.incremental, self.final = incremental, final


@pytest.mark.parametrize('message, expected', [
    (FakeSpeech('go to the'), [('go to the', True)]),
    (FakeSpeech(final='go'), [('go', False)]),
    (FakeSpeech('stop', 'shop'), [('stop', True), ('shop', False)]),
    (FakeSpeech(), [])])
def test_speech(message, expected):
    assert command_conversions.spoken(message) == expected


def test_what_a_message_cannot_hold():
    message = command_conversions.to_command(
        READING._replace(text='a\x00b\udcff', perplexity=float('inf')), 0, 1.0, 'm')
    assert message.text == 'a b?' and message.perplexity > 1e29
