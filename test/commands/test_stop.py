# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Stop words are found in every disguise, without a model, and hardly anything else stops."""

import json

from espnet_perception.commands.generation import generate
from espnet_perception.commands.stop import StopWatch, StopWords
import pytest


@pytest.fixture(scope='module')
def watch(own_grammar):
    return own_grammar.stop_watch()


@pytest.mark.parametrize('text', [
    'stop', 'STOP', 'Stop!', 'stooop', 'sssstop', 'stopp', 'stop stop stop', 'stopstopstop',
    's t o p', 'S.T.O.P.', 's-t-o-p', 'stpo', 'sotp', 'stip', 'please stop', "don't stop",
    'do not ever stop', 'go to the kitchen, stop', 'stop following me', 'stop\x00', '\ufeffstop',
    'bring me the cu stop', 'HALT', 'haaalt', 'stand still', 'stnad still', "don't move",
    'don\u2019t move', 'freeze', 'Freeze!', 'freeze please', 'enough', 'enough, robot',
    'bus! stop', 'at the bus stop, stop', 'st\u00f3p'])
def test_it_stops(watch, text):
    assert watch.find(text)


@pytest.mark.parametrize('text', [
    '', '?', 'shop', 'step', 'top', 'go to the bus stop', 'a non-stop flight', 'stop-light',
    'the next stop', 'unstoppable', 'bring enough cups', 'the freezer', 'will it freeze tomorrow',
    'sto', 'stor', 'go to the sto', 'hal', 'photo', 'bring me the salt',
    '\u505c', 'wait', 'a b c'])
def test_it_does_not_stop(watch, text):
    assert not watch.find(text)


def test_without_the_nouns_a_bus_stop_stops():
    assert StopWatch(StopWords(anywhere=('stop',))).find('go to the bus stop') == 'stop'


def test_an_empty_list_never_stops():
    assert StopWatch(StopWords()).find('stop') == ''


def test_ten_thousand_words_with_a_stop_at_the_end(watch):
    assert watch.find('go to the kitchen ' * 2500 + 'stop') == 'stop'


def measured(own_grammar, watch, others):
    stop_noise = pytest.importorskip('espnet_perception.evaluation.stop_noise')
    return stop_noise.measure_stops(watch, own_grammar.stop_words, others)


def test_recall_is_complete_and_own_commands_go_on(own_grammar, watch):
    others = [example.text for example in generate(own_grammar, 5000, 4)]
    figures = measured(own_grammar, watch, others)
    assert figures.variants > 2000
    assert figures.missed == []
    assert figures.false == []


@pytest.mark.parametrize('name', ['snips', 'gpsr', 'gpsr_generated'])
def test_two_in_a_thousand_other_commands_at_most(own_grammar, watch, shared_dir, name):
    path = shared_dir / 'data/commands' / (name + '.jsonl')
    if not path.exists():
        pytest.skip('no {}'.format(path))
    texts = [json.loads(line)['text'] for line in path.read_text(encoding='utf-8').splitlines()]
    assert measured(own_grammar, watch, texts).false_per_1000 <= 2.0
