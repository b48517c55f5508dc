# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train a command model on the grammar of its commands, plainly, from top to bottom.

    espnet-perception train command config/train/command.yaml

Stop it at any time (Ctrl-C, SIGTERM): the same command goes on from the last saved step and ends
with the same weights as a run that was never stopped. When the last step is done, the run's
folder holds the model's directory, ready for the node.
"""

import math
import os
import random
import sys
from typing import Any, Dict, List, NamedTuple

from espnet_perception.commands import background, grammar_file
from espnet_perception.commands.grammar import Grammar
from espnet_perception.commands.vocabulary import Columns
from espnet_perception.errors import SettingsError
from espnet_perception.networks.command_model import CommandDesign, ERUCommandModel
from espnet_perception.pipeline.command_card import BACKGROUND_FILE, find
from espnet_perception.training import checkpoint
from espnet_perception.training.command import run_script
from espnet_perception.training.command_data import (
    as_batch,
    CommandBatch,
    Encoded,
    foreign_texts,
    Plan,
    pool,
    with_unknown_words,
    word_list,
)
from espnet_perception.training.command_initialisation import start_from
from espnet_perception.training.command_publishing import Ingredients, publish
from espnet_perception.training.journal import Journal, progress_bar, stop_signals
from espnet_perception.training.run_state import check_same_run, LAST_FILE, plain
import torch
from torch.nn import functional
from tqdm import tqdm

COLUMNS = ('step', 'epoch', 'loss', 'next_word', 'labels', 'intent', 'val_intent', 'val_labels')
MAY_CHANGE = ('run_folder', 'model', 'threads', 'save_every', 'foreign', 'acceptance', 'dataset',
              'licence')


class Settings(NamedTuple):
    """Everything that can be set in the YAML file; the only place with defaults."""

    run_folder: str = 'runs/command'
    model: str = ''                     # directory to make at the end; empty: RUN/model
    # what it learns from
    grammar: str = ''                   # folder of YAML files; empty: that of the package
    count: int = 40000                  # commands generated from it
    foreign: list = []                  # files of texts in general, for the background model
    # a command model: units, words, intents to begin with; without foreign its background model
    init_from: str = ''
    slots_unknown: float = 0.15         # of the slots whose words are taken away in training
    words_unknown: float = 0.02         # of the other words, likewise
    # the network
    embedding: int = 112
    hidden: int = 224
    layers: int = 2
    dropout: float = 0.25
    # how it learns
    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 0.004
    weight_decay: float = 0.01
    clip: float = 1.0
    label_weight: float = 1.0
    intent_weight: float = 1.0
    # what the model says of itself
    acceptance: float = 0.95            # share of held-out commands that pass all gates
    dataset: str = ''
    licence: str = ''
    # how it runs
    seed: int = 7
    threads: int = 1
    save_every: int = 200               # steps


def train(settings: Settings) -> Dict[str, Any]:
    """
    Train until the last step, SIGTERM or Ctrl-C; go on where the run's folder ends.

    :param settings: see Settings
    :returns: progress: step, steps, best (share of right intents among held-out commands) ...
    :raises PerceptionError: the settings, the grammar or the run's folder cannot be used
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    if not 0 < settings.acceptance < 1:
        raise SettingsError('acceptance is {}, expected more than 0 and less than 1'.format(
            settings.acceptance))
    grammar = grammar_file.load(settings.grammar)
    commands = pool(grammar, settings.count, settings.seed)
    counted = _background(settings, commands['train'])
    plan = Plan(commands['train'], settings.batch_size, settings.seed)
    steps = settings.epochs * plan.steps
    network, optimiser, progress = _start_or_resume(settings, grammar)
    columns = Columns(len(word_list(grammar)), len(grammar.labels()), len(grammar.intents))
    journal = Journal(settings.run_folder, COLUMNS, progress['step'])
    bar = progress_bar(steps, progress['step'], True)
    with stop_signals() as stopping:
        while progress['step'] < steps and not stopping:
            epoch, done = divmod(progress['step'], plan.steps)
            for chosen in plan.batches(epoch, done):
                for group in optimiser.param_groups:
                    group['lr'] = _rate(settings, progress['step'] / steps)
                batch = _noisy(as_batch(chosen), settings, progress['step'])
                losses = _learn(network, optimiser, columns, batch, settings)
                _note(progress, losses, bar)
                if progress['step'] % plan.steps == 0:
                    progress['epoch'] = epoch + 1
                    _check(network, columns, commands['val'], progress, journal)
                ending = bool(stopping) or progress['step'] == steps
                if ending or progress['step'] % settings.save_every == 0:
                    _save(network, optimiser, progress, settings)
                if ending:
                    break
    bar.close()
    journal.close()
    if progress['step'] == steps:
        _publish(settings, grammar, network, commands['val'], counted)
    return dict(progress, steps=steps)


def _start_or_resume(settings: Settings, grammar: Grammar) -> Any:
    design = CommandDesign(
        len(word_list(grammar)),
        Columns(0, len(grammar.labels()), len(grammar.intents)).heads,
        settings.embedding, settings.hidden, settings.layers, settings.dropout)
    network = ERUCommandModel(design)
    path = os.path.join(settings.run_folder, LAST_FILE)
    if settings.init_from and not os.path.exists(path):
        tqdm.write(start_from(network, settings.init_from, (
            word_list(grammar).words, grammar.labels(), list(grammar.intents))))
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate,
                                  weight_decay=settings.weight_decay)
    progress = {'step': 0, 'epoch': 0, 'best': 0.0, 'losses': [0.0, 0.0, 0.0],
                'words': word_list(grammar).words}
    if os.path.exists(path):
        kept = checkpoint.read(path)
        check_same_run(kept, settings, [name for name in Settings._fields
                                        if name not in MAY_CHANGE])
        if kept['progress']['words'] != progress['words']:
            raise SettingsError('{} was made with another grammar; restore it or choose another '
                                'run_folder'.format(path))
        network.load_state_dict(kept['network'])
        optimiser.load_state_dict(kept['optimiser'])
        torch.set_rng_state(kept['torch_rng'])
        progress = kept['progress']
    return network, optimiser, progress


def _save(network: torch.nn.Module, optimiser: torch.optim.Optimizer, progress: Dict[str, Any],
          settings: Settings) -> None:
    checkpoint.write(os.path.join(settings.run_folder, LAST_FILE), {
        'network': network.state_dict(), 'optimiser': optimiser.state_dict(),
        'progress': progress, 'settings': plain(settings), 'torch_rng': torch.get_rng_state()})


def _rate(settings: Settings, done: float) -> float:
    """Climb for a twentieth of the run, then follow half a cosine down."""
    return settings.learning_rate * min(1.0, 20 * done + 0.01) * 0.5 * (
        1 + math.cos(math.pi * done))


def _noisy(batch: CommandBatch, settings: Settings, step: int) -> CommandBatch:
    rng = random.Random(settings.seed * 1000003 + step)
    return with_unknown_words(batch, (settings.slots_unknown, settings.words_unknown), rng)


def _learn(network: torch.nn.Module, optimiser: torch.optim.Optimizer, columns: Columns,
           batch: CommandBatch, settings: Settings) -> List[float]:
    """Take a step; returns the losses of next word, labels and intent."""
    network.train()
    rows, _ = network(batch.tokens)
    losses = [functional.cross_entropy(columns.next_word(rows)[:-1].flatten(0, 1),
                                       batch.tokens[1:].flatten()),
              functional.cross_entropy(columns.label_logits(rows).flatten(0, 1),
                                       batch.labels.flatten()),
              functional.cross_entropy(columns.intent_logits(rows), batch.intents)]
    optimiser.zero_grad(set_to_none=True)
    (losses[0] + settings.label_weight * losses[1] + settings.intent_weight * losses[2]).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
    optimiser.step()
    return [float(loss.detach()) for loss in losses]


def _note(progress: Dict[str, Any], losses: List[float], bar: tqdm) -> None:
    share = 0.02 if progress['step'] else 1.0
    progress['losses'] = [before + share * (now - before) for before, now
                          in zip(progress['losses'], losses)]
    progress['step'] += 1
    bar.set_postfix(loss='{:.3f}'.format(sum(progress['losses'])), refresh=False)
    bar.update()


@torch.no_grad()
def _check(network: torch.nn.Module, columns: Columns, commands: List[Encoded],
           progress: Dict[str, Any], journal: Journal) -> None:
    """Count right intents and right labels of whole texts, and write them down."""
    network.eval()
    intents = labels = 0
    plan = Plan(commands, 256, 0)
    for chosen in plan.batches(0):
        batch = as_batch(chosen)
        rows, _ = network(batch.tokens)
        intents += int((columns.intent_logits(rows).argmax(-1) == batch.intents).sum())
        labels += int((columns.label_logits(rows).argmax(-1) == batch.labels).all(0).sum())
    count = max(1, len(commands))
    progress['best'] = intents / count
    row = {'step': progress['step'], 'epoch': progress['epoch'],
           'loss': sum(progress['losses']), 'val_intent': intents / count,
           'val_labels': labels / count}
    row.update(zip(('next_word', 'labels', 'intent'), progress['losses']))
    journal.add(row)
    tqdm.write('step {step}  loss {loss:.3f}  held out: intents {val_intent:.4f}, labels of whole '
               'texts {val_labels:.4f}'.format(**row))


def _background(settings: Settings, commands: List[Encoded]) -> background.Background:
    """Return what commands are compared with, before anything is learnt in vain."""
    foreign = foreign_texts(settings.foreign)
    if foreign:
        return background.count(foreign)
    if settings.init_from:
        return background.load(os.path.join(find(settings.init_from), BACKGROUND_FILE))
    return background.count([one.words for one in commands], pairs=False)


def _publish(settings: Settings, grammar: Grammar, network: ERUCommandModel,
             held_out: List[Encoded], counted: background.Background) -> None:
    """Make the model's directory, with gates from held-out commands."""
    directory = settings.model or os.path.join(settings.run_folder, 'model')
    arguments = {name: getattr(settings, name) for name in ('embedding', 'hidden', 'layers')}
    card = publish(directory, network.eval(), Ingredients(
        grammar, word_list(grammar), counted, held_out, arguments, settings))
    tqdm.write('{}: {}'.format(directory, ', '.join(
        '{} {:.4f}'.format(row['name'], row['value']) for row in card.metrics)))


if __name__ == '__main__':
    sys.exit(run_script('command', Settings, train))
