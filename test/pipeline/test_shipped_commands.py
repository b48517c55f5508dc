# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The command model that comes with the package understands what people say, and no more."""

import json
import os

from espnet_perception.pipeline import command_card
from espnet_perception.pipeline.commander import create_commander
from espnet_perception.settings import CommandNodeSettings
import pytest

MOST_BYTES = 3 * 10 ** 6


@pytest.fixture(scope='module')
def commander():
    return create_commander(CommandNodeSettings().model)


@pytest.mark.parametrize('text, intent, slots', [
    ('go to the kitchen', 'navigate', {'place': 'kitchen'}),
    ('Could you please drive over to the living room?', 'navigate', {'place': 'living room'}),
    ('bring me the cup', 'bring', {'object': 'cup'}),
    ('would you mind bringing me the milk', 'bring', {'object': 'milk'}),
    ('could you fetch me the newspaper from the entrance', 'bring',
     {'object': 'newspaper', 'place': 'entrance'}),
    ('please take the umbrella to the hallway', 'carry',
     {'object': 'umbrella', 'place': 'hallway'}),
    ('put the plate on the kitchen table', 'place_object',
     {'object': 'plate', 'furniture': 'kitchen table'}),
    ('follow me', 'follow', {}),
    ('where are my reading glasses', 'find_object', {'object': 'glasses'}),
    ('is Anna in the garden?', 'find_person', {'person': 'anna', 'place': 'garden'}),
    ('turn left by ninety degrees', 'turn', {'side': 'left', 'angle': '90 degrees'}),
    ('tell grace that dinner is ready', 'tell',
     {'person': 'grace', 'message': 'dinner is ready'}),
    ('switch off the lights in the bedroom please', 'switch_off', {'place': 'bedroom'}),
    ('how many people are in the meeting room', 'count', {'place': 'meeting room'}),
    ('open the door', 'open', {'openable': 'door'}),
    ('come here', 'come', {}),
    ('HALT', 'stop', {}),
])
def test_what_people_say(commander, text, intent, slots):
    reading = commander.read(text)
    assert (reading.reason, reading.intent) == ('stop' if intent == 'stop' else 'ok', intent)
    assert {slot.role: slot.value for slot in reading.slots} == slots


@pytest.mark.parametrize('text', [
    'play some jazz on the radio', 'what will the weather be like in paris next week',
    'book a table for four at an italian restaurant', 'the quick brown fox', 'lorem ipsum dolor',
    'asdf jkl qwer', 'shut down your motors', 'weld the second seam of the frame'])
def test_what_is_no_command_of_his(commander, text):
    assert not commander.read(text).accepted


def test_foreign_texts_are_refused(commander, shared_dir):
    """SNIPS, test split: at most 5 % pass; the stop words in titles stop by design."""
    path = shared_dir / 'data/commands/snips.jsonl'
    if not path.exists():
        pytest.skip('no {}'.format(path))
    rows = [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]
    readings = [commander.read(row['text']) for row in rows if row['split'] == 'test'][::2]
    assert len(readings) == 350
    assert sum(reading.reason == 'ok' for reading in readings) <= 0.05 * len(readings)


def test_few_commands_for_other_robots_pass(commander, repository):
    texts = (repository / 'test/commands/near_domain.txt').read_text().splitlines()
    assert len(texts) >= 60
    accepted = [text for text in texts if commander.read(text).accepted]
    assert len(accepted) <= 0.15 * len(texts), accepted


def test_size_and_licence(commander):
    directory = command_card.find(CommandNodeSettings().model)
    sizes = [os.path.getsize(os.path.join(directory, name)) for name in os.listdir(directory)]
    assert sum(sizes) <= MOST_BYTES
    assert commander.card.licence == 'Apache-2.0'
    assert os.path.exists(os.path.join(directory, 'MODEL_CARD.md'))
