# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Texts of files and bags are read and judged; figures by hand."""

import json

from espnet_perception.errors import BagError, DatasetError
from espnet_perception.evaluation.command_replay import (
    Heard,
    read_texts,
    Said,
    summed_up,
    Truth,
    with_truth,
)
from espnet_perception.evaluation.command_report import tables
from espnet_perception.results import CommandReading, CommandSlot, refusal, stop_reading
import pytest

STRING = 'std_msgs/msg/String'


def reading(intent, accepted=True, score=0.0, span=None, reason='ok'):
    slots = (CommandSlot('place', 'hall', span[0], span[1], 0.9),) if span else ()
    return CommandReading('x', accepted, reason, intent, slots, 0.8, (('other', 0.2),), 2.0, score)


def heard(one, truth=None, ms=1):
    return Heard(Said('x', truth), one, ms * 10 ** 6)


def test_files(tmp_path):
    (tmp_path / 'a.txt').write_text('go\n\nstop it\n')
    rows = [{'text': 'go', 'intent': 'go', 'slots': [
        {'role': 'place', 'value': 'hall', 'start': 1, 'end': 2}]}, {'text': 'stop it'}]
    (tmp_path / 'b.jsonl').write_text('\n'.join(map(json.dumps, rows)))
    texts = read_texts(str(tmp_path / 'a.txt'))
    assert texts == [Said('go'), Said('stop it')]
    truths = read_texts(str(tmp_path / 'b.jsonl'))
    assert truths[0] == Said('go', Truth('go', (('place', 1, 2),)))
    assert with_truth(texts, truths) == truths
    assert read_texts(str(tmp_path / 'b.jsonl'), judged=False) == texts
    with pytest.raises(DatasetError, match='none of the 1 texts'):
        with_truth([Said('other')], truths)


@pytest.mark.parametrize('content', [b'{"txt": "go"}', b'{"text": 3}', b'{', b'[]', b'\xff\xfe'])
def test_no_texts(tmp_path, content):
    (tmp_path / 'bad.jsonl').write_bytes(content)
    with pytest.raises(DatasetError, match='holds no texts'):
        read_texts(str(tmp_path / 'bad.jsonl'))


def test_an_absent_file(tmp_path):
    with pytest.raises(DatasetError, match='cannot read'):
        read_texts(str(tmp_path / 'gone.txt'))


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_bags(bags, make, storage):
    path = bags.write('talk', [('/speech', STRING, 1000 + index, make.text(word)) for index, word
                               in enumerate(['go', 'stop'])] + [
        ('/log', STRING, 2000, make.text('noise'))], storage)
    assert read_texts(str(path), '/speech') == [Said('go'), Said('stop')]
    assert read_texts(str(path), 'log') == [Said('noise')]
    for topic, fragment in (('', '2 topics'), ('/none', "0 topics.*'/none'")):
        with pytest.raises(BagError, match=fragment):
            read_texts(str(path), topic)


def test_figures_by_hand():
    commands = [heard(reading('go', span=(1, 5)), Truth('go', (('place', 1, 5),)), 1),
                heard(reading('go', span=(1, 4)), Truth('go', (('place', 1, 5),)), 2),
                heard(reading('come', False, 0.4, reason='low_confidence'), Truth('go', ()), 3),
                heard(stop_reading('halt'), Truth('stop', ()), 4)]
    foreign = {'near': [heard(reading('go', False, 0.2, reason='small_margin')),
                        heard(reading('go', False, 9.0, reason='ood_perplexity')),
                        heard(refusal('?', 'unknown_words')), heard(reading('go'))]}
    document = summed_up(commands, foreign, ('go', 'come'))
    truth = document['truth']
    assert (document['accepted'], truth['accepted_right']) == (3, 2)
    assert truth['intent_accuracy'] == 0.75 and truth['frame_exact_match'] == 0.5
    assert truth['slots']['f1'] == 0.5 and truth['slots']['truth'] == 2
    rows = {row['intent']: row for row in truth['intents']}
    assert rows['go']['f1'] == pytest.approx(0.8) and rows['stop']['f1'] == 1.0
    assert truth['intent_macro_f1'] == pytest.approx(0.6)
    assert truth['calibration_error'] == pytest.approx((3 * 0.8 - 2) / 4)
    near = document['foreign']['near']
    assert (near['texts'], near['scored'], near['accepted']) == (4, 3, 1)
    # against the commands' scores 0, 0 and 0.4: 0.2 beats two, 9 beats all, 0 draws with two
    assert near['auroc'] == pytest.approx((2 + 3 + 1) / 9, abs=1e-6)
    assert near['fpr_at_95_tpr'] == pytest.approx(2 / 3, abs=1e-6)
    assert document['latency_ms']['max_ms'] == 4.0
    titles = [title for title, _ in tables(document)]
    assert titles == ['', 'Reasons', 'Intents', 'Slots', 'Texts that are no commands']


def test_without_truth_there_are_reasons_alone():
    document = summed_up([heard(refusal('x', 'too_long'))], {}, ('go',))
    assert document['truth'] is None and document['reasons'] == {'too_long': 1}
    assert [title for title, _ in tables(document)] == ['', 'Reasons']
    assert summed_up([], {}, ('go',))['latency_ms'] is None


def test_an_unknown_intent_in_the_truth():
    with pytest.raises(DatasetError, match="'gp'; did you mean 'go'"):
        summed_up([heard(reading('go'), Truth('gp', ()))], {}, ('go',))
