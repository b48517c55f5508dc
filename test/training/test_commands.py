# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A command model learns, goes on exactly where it was stopped, and comes with fixed gates."""

import os
from pathlib import Path
import random
import shutil
import signal

from espnet_perception.commands import grammar_file
from espnet_perception.commands.vocabulary import Columns
from espnet_perception.errors import DatasetError, SettingsError
from espnet_perception.networks.command_model import CommandDesign, ERUCommandModel
from espnet_perception.pipeline import command_card
from espnet_perception.pipeline.commander import create_commander, network_of
from espnet_perception.results import CommandReading
from espnet_perception.training import checkpoint, command_data, command_publishing, commands
from espnet_perception.training.command_initialisation import start_from
from espnet_perception.training.run_state import LAST_FILE
import pytest
import torch


@pytest.fixture
def settings(small_command_model, tmp_path):
    grammar = shutil.copy(small_command_model[1], str(tmp_path / 'grammar.yaml'))
    return commands.Settings(
        run_folder=str(tmp_path / 'run'), grammar=grammar, count=600,
        embedding=16, hidden=16, layers=1, epochs=2, batch_size=32, save_every=1000)


def weights(settings):
    return checkpoint.read(os.path.join(settings.run_folder, LAST_FILE))['network']


def test_it_learns(small_command_model):
    card = command_card.load(small_command_model[0])
    figures = {row['name']: row['value'] for row in card.metrics}
    assert figures['intent accuracy'] > 0.97
    assert figures['slot F1'] > 0.97
    assert figures['frame exact match'] > 0.95
    assert figures['acceptance'] >= 0.95


def test_a_stopped_run_ends_with_the_same_weights(settings, tmp_path, monkeypatch):
    straight = settings._replace(run_folder=str(tmp_path / 'straight'))
    commands.train(straight)
    learn, steps = commands._learn, []

    def interrupted(*arguments):
        steps.append(1)
        if len(steps) == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return learn(*arguments)

    monkeypatch.setattr(commands, '_learn', interrupted)
    assert commands.train(settings)['step'] == 7
    done = commands.train(settings)
    assert done['step'] == done['steps'] > 7
    for name, tensor in weights(straight).items():
        assert torch.equal(tensor, weights(settings)[name]), name


def test_another_grammar_or_size_is_refused(settings):
    commands.train(settings)
    with pytest.raises(SettingsError, match='hidden'):
        commands.train(settings._replace(hidden=32))
    path = Path(settings.grammar)
    path.write_text(path.read_text().replace('office', 'sauna'))
    with pytest.raises(SettingsError, match='another grammar'):
        commands.train(settings)


SMALL = {'embedding': 32, 'hidden': 32, 'layers': 1}  # sizes of small_command_model


def test_an_intent_is_added_to_a_model(settings, small_command_model):
    path = Path(settings.grammar)
    path.write_text(path.read_text().replace(
        'intents:', 'intents:\n  water: {phrases: [water the plants, the plants are dry]}'))
    settings = settings._replace(init_from=small_command_model[0], count=1000, epochs=1, **SMALL)
    commands.train(settings)
    directory = os.path.join(settings.run_folder, 'model')
    card, before = command_card.load(directory), command_card.load(small_command_model[0])
    assert set(card.intents) - set(before.intents) == {'water'}
    commander = create_commander(directory, settings.grammar)
    assert commander.read('the plants are dry').intent == 'water'
    assert commander.read('bring me the mug from the hall').intent == 'bring'
    assert card.sha256[command_card.BACKGROUND_FILE] == before.sha256[
        command_card.BACKGROUND_FILE]


def test_what_both_know_is_taken_over_by_name(small_command_model):
    directory = small_command_model[0]
    card = command_card.load(directory)
    source = network_of(directory, card)
    names = [list(card.words) + ['water'], ['O', 'B-plant', 'I-plant'] + list(card.labels[1:]),
             ['water'] + list(card.intents)]
    columns = Columns(*map(len, names))
    network = ERUCommandModel(CommandDesign(len(names[0]), columns.heads, **SMALL)).eval()
    sentence = start_from(network, directory, names)
    assert '{} of {} intents'.format(len(card.intents), len(names[2])) in sentence
    tokens = torch.tensor([[1], [7], [9], [2]])
    new, old = network(tokens)[0], source(tokens)[0]
    words, labels = len(card.words), len(card.labels)
    assert torch.allclose(columns.next_word(new)[..., :words], card.columns.next_word(old))
    assert torch.allclose(columns.label_logits(new)[..., [0] + list(range(3, labels + 2))],
                          card.columns.label_logits(old), atol=1e-6)
    assert torch.allclose(columns.intent_logits(new)[..., 1:], card.columns.intent_logits(old),
                          atol=1e-6)


def test_a_model_of_other_sizes_cannot_be_begun_with(settings, small_command_model):
    with pytest.raises(SettingsError, match='init_from: .* set these in the run'):
        commands.train(settings._replace(init_from=small_command_model[0]))


def test_acceptance_is_a_share(settings):
    with pytest.raises(SettingsError, match='acceptance is 1.0'):
        commands.train(settings._replace(acceptance=1.0))


def test_no_text_is_in_two_splits(small_command_model):
    grammar = grammar_file.load(small_command_model[1])
    splits = command_data.pool(grammar, 2000, 3)
    texts = {split: {' '.join(one.words) for one in splits[split]} for split in splits}
    assert not texts['train'] & texts['val'] and not texts['train'] & texts['test']
    assert len(texts['val']) == len(splits['val']) > 0
    few = [one for split in ('val', 'test') for one in splits[split]
           if one.example.intent == 'greet']
    assert few == []


def test_every_command_once_an_epoch_in_batches_of_one_length(small_command_model):
    grammar = grammar_file.load(small_command_model[1])
    train = command_data.pool(grammar, 500, 3)['train']
    plan = command_data.Plan(train, 16, 5)
    batches = list(plan.batches(0))
    assert len(batches) == plan.steps
    assert sorted(id(one) for batch in batches for one in batch) == sorted(map(id, train))
    assert all(len({len(one.ids) for one in batch}) == 1 for batch in batches)
    rest = list(plan.batches(0, 3))
    assert [[id(one) for one in batch] for batch in rest] == [
        [id(one) for one in batch] for batch in batches[3:]]


def test_unknown_words_by_hand():
    batch = command_data.CommandBatch(torch.tensor([[1], [5], [6], [7], [8], [2]]),
                                      torch.tensor([[0], [1], [2], [3]]), torch.tensor([0]))
    slots = command_data.with_unknown_words(batch, (1.0, 0.0), random.Random(1))
    assert slots.tokens[:, 0].tolist() == [1, 5, 0, 0, 0, 2]
    others = command_data.with_unknown_words(batch, (0.0, 1.0), random.Random(1))
    assert others.tokens[:, 0].tolist() == [1, 0, 6, 7, 8, 2]
    assert batch.tokens[:, 0].tolist() == [1, 5, 6, 7, 8, 2]


def test_gates_pass_the_share_that_was_asked_for():
    rng = random.Random(2)
    readings = [CommandReading('', False, '', 'go', (), rng.random(), (('other', 0.0),), 0.0,
                               rng.random()) for _ in range(1000)]
    gates = command_publishing.fix_gates(readings, 0.9)
    passed = sum(one.out_of_domain <= gates.out_of_domain and one.confidence >= gates.confidence
                 and one.confidence >= gates.margin for one in readings)
    assert 900 <= passed <= 905


def test_foreign_texts(tmp_path):
    (tmp_path / 'a.txt').write_text('Play it.\n\n')
    (tmp_path / 'b.jsonl').write_text('{"text": "one", "split": "test"}\n{"text": "Two cups"}\n')
    (tmp_path / 'c.txt').write_bytes(b'caf\xe9')
    paths = [str(tmp_path / name) for name in ('a.txt', 'b.jsonl')]
    assert command_data.foreign_texts(paths) == [['play', 'it'], ['2', 'cups']]
    for name, fragment in (('c.txt', 'UTF-8'), ('gone.txt', 'cannot read')):
        with pytest.raises(DatasetError, match=fragment):
            command_data.foreign_texts([str(tmp_path / name)])
