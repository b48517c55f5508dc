# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure intents on the GPSR corpus of human robot commands.

    python3 bench/gpsr_intents.py $ESPNET_SHARED/data/commands --epochs 30
    python3 bench/gpsr_intents.py $ESPNET_SHARED/data/commands --model runs/command/model

The first trains the command network's trunk and intent head on the corpus' own training split; the
second asks a model that was trained on a grammar alone, its intents mapped to those of the
corpus. Both report the human test split, per class. The corpus states no licence: nothing that was
trained on it is passed on.
"""

import argparse
from collections import Counter
import json
from pathlib import Path
import random
from typing import Dict, List

from espnet_perception.commands.normalise import tokens
from espnet_perception.commands.vocabulary import Columns, SPECIAL, WordList
from espnet_perception.evaluation.classification_metrics import TopK
from espnet_perception.networks.command_model import CommandDesign, ERUCommandModel
from espnet_perception.pipeline.commander import create_commander
import torch
from torch.nn import functional
from tqdm import tqdm

HUMAN, GENERATED = 'gpsr.jsonl', 'gpsr_generated.jsonl'
LABELS = 1  # the corpus has no slots
MAPPED = {'bring': 'bring', 'carry': 'put', 'place_object': 'put', 'guide': 'guide',
          'guide_to_furniture': 'guide', 'find_object': 'find', 'find_person': 'find',
          'follow': 'follow', 'navigate': 'go', 'goto_furniture': 'go', 'goto_person': 'go',
          'count': 'count', 'answer': 'answer_question', 'tell': 'say_text'}


def rows_of(folder: Path, name: str, split: str) -> List[dict]:
    """Return the rows of a split, each with its words."""
    lines = (folder / name).read_text(encoding='utf-8').splitlines()
    rows = [row for row in map(json.loads, lines) if row['split'] == split]
    return [dict(row, words=[token.word for token in tokens(row['text'])]) for row in rows]


def train(rows: List[dict], classes: List[str], epochs: int, seed: int) -> tuple:
    """Return network, vocabulary and columns after learning words and intents."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    counts = Counter(word for row in rows for word in row['words'])
    words = WordList(list(SPECIAL) + sorted(word for word in counts if counts[word] > 1))
    columns = Columns(len(words), LABELS, len(classes))
    network = ERUCommandModel(CommandDesign(len(words), columns.heads, dropout=0.4))
    optimiser = torch.optim.AdamW(network.parameters(), 0.003, weight_decay=0.02)
    by_length: Dict[int, List[dict]] = {}
    for row in rows:
        by_length.setdefault(len(row['words']), []).append(row)
    for epoch in tqdm(range(epochs)):
        for group in optimiser.param_groups:
            group['lr'] = 0.003 * (1 - epoch / epochs)
        batches = [same[begin:begin + 16] for same in by_length.values()
                   for begin in range(0, len(same), 16) if rng.shuffle(same) is None]
        rng.shuffle(batches)
        network.train()
        for batch in batches:
            ids = torch.tensor([words.sequence([
                word if rng.random() > 0.05 else '' for word in row['words']])
                for row in batch]).t()
            scores, _ = network(ids)
            truth = torch.tensor([classes.index(row['intent']) for row in batch])
            loss = functional.cross_entropy(columns.intent_logits(scores), truth) \
                + 0.3 * functional.cross_entropy(
                    columns.next_word(scores)[:-1].flatten(0, 1), ids[1:].flatten())
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
    return network.eval(), words, columns


def report(counts: TopK, classes: List[str]) -> None:
    """Print accuracy, macro-F1 and a row for each class."""
    scores = counts.scores()
    print('{} texts, accuracy {:.4f}, macro-F1 {:.4f}'.format(
        scores.images, scores.accuracy[1], scores.macro_f1))
    for name, *figures in zip(classes, scores.classes.precision, scores.classes.recall,
                              scores.classes.f1, scores.classes.truth_images):
        print('  {:<16} precision {:.3f}  recall {:.3f}  F1 {:.3f}  {:>3} texts'.format(
            name, *figures))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('folder', type=Path, help='folder with ' + HUMAN)
    parser.add_argument('--model', help='command model that is asked instead of training one')
    parser.add_argument('--generated', action='store_true', help='learn the templates as well')
    parser.add_argument('--epochs', type=int, default=30)
    parser.add_argument('--seed', type=int, default=7)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    test, learnt = (rows_of(chosen.folder, HUMAN, split) for split in ('test', 'train'))
    classes = sorted({row['intent'] for row in learnt + test})
    counts = TopK(len(classes), (1,))
    if chosen.model:
        commander, reasons = create_commander(chosen.model), Counter()
        for row in test:
            reading = commander.read(row['text'])
            reasons[reading.reason] += 1
            found = MAPPED.get(reading.intent)
            counts.add_ranking([classes.index(found)] if found else [],
                               classes.index(row['intent']))
        print('reasons: {}'.format(dict(reasons)))
    else:
        if chosen.generated:
            learnt += rows_of(chosen.folder, GENERATED, 'train')
        network, words, columns = train(learnt, classes, chosen.epochs, chosen.seed)
        for row in test:
            with torch.no_grad():
                scores, _ = network(torch.tensor(words.sequence(row['words'])).unsqueeze(1))
            counts.add(columns.intent_logits(scores).numpy(), classes.index(row['intent']))
    report(counts, classes)


if __name__ == '__main__':
    main()
