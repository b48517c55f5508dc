# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A commander reads, refuses with a reason whatever it should not accept, and completes."""

import os
import shutil

from espnet_perception.errors import AbsentModelError, EngineError, ModelError
from espnet_perception.pipeline import command_card
from espnet_perception.pipeline.commander import create_commander
from espnet_perception.results import REASONS
from espnet_perception.settings import CommanderSettings
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np
import pytest


@pytest.fixture(scope='module')
def commander(small_command_model):
    return create_commander(*small_command_model)


@pytest.fixture
def copied(small_command_model, tmp_path):
    """Return a copy of the model's directory that may be damaged."""
    shutil.copytree(small_command_model[0], str(tmp_path / 'copy'))
    return str(tmp_path / 'copy')


def test_a_command(commander):
    text = 'Please bring me the MUG from the long corridor!'
    reading = commander.read(text)
    assert (reading.accepted, reading.reason, reading.intent) == (True, 'ok', 'bring')
    assert [(slot.role, slot.value, text[slot.start:slot.end]) for slot in reading.slots] == [
        ('thing', 'cup', 'MUG'), ('place', 'long corridor', 'long corridor')]
    assert 0.5 < reading.confidence <= 1 and len(reading.alternatives) == 3
    assert reading.perplexity > 1


@pytest.mark.parametrize('text, reason', [
    ('', 'unknown_words'),
    ('?! ...', 'unknown_words'),
    ('\x00\x07\x1b', 'unknown_words'),
    ('\u0438\u0434\u0438 \u0432 \u043a\u0443\u0445\u043d\u044e', 'unknown_words'),
    ('\u53bb\u53a8\u623f', 'unknown_words'),
    ('zyx wvut srq pon', 'unknown_words'),
    ('broken \udcff\udcfe bytes', 'unknown_words'),
    ('go there', 'missing_slot'),
    ('go to the sauna', 'unlisted_value'),
    ('the to go kitchen me bring the to', 'ood_perplexity'),
    (' '.join(['go'] * 65), 'too_long'),
    ('word ' * 10000, 'too_long'),
    ('x' * 100000, 'too_long'),
])
def test_refusals(commander, text, reason):
    reading = commander.read(text)
    assert not reading.accepted
    assert reading.reason == reason


@pytest.mark.parametrize('text', ['stop', "don't stop", 'STOOOP!', 'go to the kitchen, halt',
                                  'word ' * 10000 + 'stop'])
def test_stop(commander, text):
    reading = commander.read(text)
    assert (reading.accepted, reading.reason, reading.intent) == (True, 'stop', 'stop')


def test_an_old_text_moves_nothing(commander):
    old_ns = monotonic_ns() - 3 * 10 ** 9
    assert commander.read('go to the kitchen', old_ns).reason == 'stale'
    assert commander.read('good day', old_ns).reason == 'ok'


def test_a_robot_may_ask_for_more_than_the_model_does(small_command_model):
    strict = create_commander(*small_command_model,
                              settings=CommanderSettings(least_confidence=1.0))
    assert strict.read('go to the kitchen').reason == 'low_confidence'


def test_what_moves_the_robot_is_known_word_by_word(commander, small_command_model):
    text = 'please go zyx to the kitchen'
    assert commander.read(text).reason == 'unknown_words'
    lenient = create_commander(*small_command_model,
                               settings=CommanderSettings(motion_unknown_words=1))
    assert lenient.read(text).reason != 'unknown_words'
    assert lenient.read(text.replace('to', 'wvut')).reason == 'unknown_words'
    assert commander.read('go to the sauna').reason == 'unlisted_value'  # a slot is no such word


def test_every_reason_is_listed(commander):
    found = {commander.read(text).reason for text in (
        'go to the kitchen', 'go there', 'stop', 'bring bring bring', 'hello say the', 'fetch')}
    assert found <= set(REASONS)


def test_gates_in_order(small_command_model, copied):
    card = command_card.load(copied)
    for changed, reason in (
            (card.gates._replace(out_of_domain=-99.0), 'ood_perplexity'),
            (card.gates._replace(confidence=1.1), 'low_confidence'),
            (card.gates._replace(margin=1.1), 'small_margin'),
            (card.gates._replace(unknown_share=-1.0), 'unknown_words')):
        command_card.save(card._replace(gates=changed), copied)
        opened = create_commander(copied, small_command_model[1])
        assert opened.read('go to the kitchen').reason == reason


def test_both_engines_agree(commander, small_command_model):
    other = create_commander(*small_command_model, engine='torch')
    assert {commander.describe()['engine'], other.describe()['engine']} == {'onnxruntime', 'torch'}
    words = ['bring', 'me', 'the', 'cup']
    first, second = commander.understand(words), other.understand(words)
    np.testing.assert_allclose(first.intents, second.intents, atol=1e-5)
    np.testing.assert_allclose(first.labels, second.labels, atol=1e-4)
    assert first.log_likelihood == pytest.approx(second.log_likelihood, abs=1e-4)


def test_what_was_read_before_changes_nothing(commander, small_command_model):
    fresh = create_commander(*small_command_model)
    commander.read('bring me the cup from the hall')
    commander.complete('bring me')
    assert commander.read('bring me the book') == fresh.read('bring me the book')


def test_completions(commander):
    offered = commander.complete('bring me the c')
    assert offered[0][0] == 'cup'
    assert all(word.startswith('c') for word, _ in offered)
    following = commander.complete('bring me ')
    assert following[0][0] == 'the' and len(following) == CommanderSettings().completions
    chances = [chance for _, chance in following]
    assert chances == sorted(chances, reverse=True) and 0 < sum(chances) <= 1
    assert commander.complete('')[0][1] > 0
    assert commander.complete('bring me the qqq') == []
    assert commander.complete('word ' * 10000) == []


def test_the_site_may_change_its_values_without_training(small_command_model, tmp_path):
    with open(small_command_model[1]) as stream:
        changed = stream.read().replace('office: []', 'sauna: [steam room]')
    (tmp_path / 'site.yaml').write_text(changed)
    opened = create_commander(small_command_model[0], str(tmp_path / 'site.yaml'))
    assert opened.read('go to the sauna').slots[0].value == 'sauna'
    assert opened.read('go to the office').reason == 'unlisted_value'


def test_another_grammar_needs_training(small_command_model):
    with pytest.raises(ModelError, match='trained for other intents.*train it again'):
        create_commander(small_command_model[0])


@pytest.mark.parametrize('name', command_card.FILES)
def test_a_damaged_file(small_command_model, copied, name):
    with open(os.path.join(copied, name), 'ab') as stream:
        stream.write(b'?')
    with pytest.raises(ModelError, match='sha256'):
        create_commander(copied, small_command_model[1])
    os.remove(os.path.join(copied, name))
    with pytest.raises(ModelError, match='cannot read'):
        create_commander(copied, small_command_model[1])


@pytest.mark.parametrize('text, fragment', [
    ('wrods: []', "did you mean 'words'"), ('[]', 'expected a mapping'), ('{', 'cannot read'),
    ('name: x', 'lacks words')])
def test_a_wrong_card(copied, text, fragment):
    with open(os.path.join(copied, command_card.CARD_FILE), 'w') as stream:
        stream.write(text)
    with pytest.raises(ModelError, match=fragment):
        command_card.load(copied)


def test_absent_model_and_engine(small_command_model):
    for model in ('', 'nowhere'):
        with pytest.raises(AbsentModelError, match='no command model'):
            create_commander(model)
    with pytest.raises(EngineError, match="'openvino' cannot run commands"):
        create_commander(*small_command_model, engine='openvino')
