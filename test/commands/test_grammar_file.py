# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A grammar is read, joined from several files, and its mistakes are named in one sentence."""

from espnet_perception.commands import grammar_file
from espnet_perception.errors import GrammarError
import pytest

PLACES = 'vocabulary:\n  place: {values: {kitchen: [galley], hall: []}}\n'
GO = ('intents:\n'
      '  go: {motion: true, roles: {to: place}, required: [to], phrases: ["go to {to}"]}\n')


def test_files_are_joined(write_grammar):
    grammar = grammar_file.load(write_grammar(PLACES, GO, 'stop: {anywhere: [stop]}\n'))
    assert list(grammar.intents) == ['go']
    assert grammar.intents['go'].motion
    assert grammar.labels() == ['O', 'B-to', 'I-to']
    assert grammar.words() == {'go', 'to', 'kitchen', 'galley', 'hall'}
    assert grammar.stop_watch().find('Stop!') == 'stop'


def test_a_single_file(tmp_path):
    path = tmp_path / 'one.yml'
    path.write_text(PLACES + GO, encoding='utf-8')
    assert list(grammar_file.load(str(path)).vocabularies) == ['place']


def test_values(write_grammar):
    grammar = grammar_file.load(write_grammar(PLACES + '  said: {listed: false, values: [hi]}\n',
                                              GO))
    place, said = grammar.vocabularies['place'], grammar.vocabularies['said']
    assert place.value_of('the GALLEY'[4:]) == 'kitchen'
    assert place.value_of('sauna') is None
    assert said.value_of('Good  night') == 'good night'


def test_the_packages_own_grammar(own_grammar):
    assert len(own_grammar.intents) >= 20
    assert any(intent.motion for intent in own_grammar.intents.values())
    assert {'navigate', 'follow', 'bring', 'pick', 'open', 'close', 'count', 'wait', 'turn',
            'faster', 'slower', 'greet', 'tell', 'answer', 'come'} <= set(own_grammar.intents)


@pytest.mark.parametrize('text, fragment', [
    ('intent: {}\n', "unknown section 'intent'; did you mean 'intents'?"),
    (GO.replace('motion', 'motoin'), "'motoin'; did you mean 'motion'?"),
    (GO.replace('{to: place}', '{to: plac}'), "'plac'; did you mean 'place'?"),
    (GO.replace('go to {to}', 'go to {too}'), "'too'; did you mean 'to'?"),
    (GO.replace('[to]', '[tp]'), "unknown required role of the intent 'go' 'tp'"),
    (GO.replace('go to {to}', '<walk> to {to}'), "unknown word group 'walk'"),
    (GO.replace('"go to {to}"', '"go on"'), "the role 'to' of the intent 'go' is in none"),
    (GO.replace('go to {to}', '[{to}]'), 'may be empty'),
    (GO.replace('go to {to}', '{to} or {to}'), "the role 'to' twice"),
    (GO.replace('go to {to}', ' '.join(['[a|b|c]'] * 9)), '262144 forms, expected at most 20000'),
    (GO.replace('true', 'often'), 'expected true or false'),
    (GO.replace('["go to {to}"]', '[]'), 'has no phrases'),
    (GO.replace('["go to {to}"]', '[true]'), 'expected a list of words or phrases'),
    (GO + '  walk: {roles: {where: place}, phrases: ["go to {where}"]}\n',
     "'go to {place}' is a phrase of the intents 'go' and 'walk'"),
    (GO + GO.replace('intents:\n', ''), "'go' stands twice"),
    (GO + 'vocabulary: {place: {values: [x]}}\n', 'part0.yaml as well'),
    (GO + 'vocabulary: {thing: {values: []}}\n', 'has the values {}'),
    (GO + 'vocabulary: {thing: {value: [x]}}\n', "'value'; did you mean 'values'?"),
    (GO + 'vocabulary: {thing: {values: {cup: [mug], jug: [mug]}}}\n', "for 'cup' and for 'jug'"),
    (GO + 'vocabulary: {thing: {values: ["?!"]}}\n', 'is no word'),
    (GO + 'stop: {anywere: [stop]}\n', "'anywere'; did you mean 'anywhere'?"),
    (GO + 'around: {before: ["{to}"]}\n', 'expected no roles'),
    (GO + 'words: {walk: ["{to}"]}\n', 'must hold plain words'),
    ('intents: [go]\n', 'expected a mapping'),
    ('- go\n', 'expected a mapping'),
    ('intents: {go: [}\n', 'is not valid YAML'),
    ('words: {a: [b]}\n', 'has no intents'),
])
def test_mistakes(write_grammar, text, fragment):
    with pytest.raises(GrammarError) as caught:
        grammar_file.load(write_grammar(PLACES, text))
    assert fragment in str(caught.value)
    assert '\n' not in str(caught.value)


def test_what_is_no_grammar(tmp_path):
    for path, fragment in ((tmp_path / 'gone', 'no command grammar'), (tmp_path, 'no YAML file')):
        with pytest.raises(GrammarError, match=fragment):
            grammar_file.load(str(path))
    (tmp_path / 'latin.yaml').write_bytes(b'intents: {caf\xe9: {}}')
    with pytest.raises(GrammarError, match='not UTF-8'):
        grammar_file.load(str(tmp_path))
