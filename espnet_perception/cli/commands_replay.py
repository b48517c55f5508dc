# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Replay texts through a command model and report on it."""

import argparse
import json
from pathlib import Path

OUTPUT = 'commands_out'
JSON_FILE, PAGE_FILE = 'report.json', 'report.md'
LEFT_COLUMNS = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this action.

    :param parser: its parser.
    """
    parser.add_argument('source', metavar='FILE|BAG', help='a text on each line, JSON lines as '
                        '`generate` prints them, or a bag with std_msgs/String messages')
    parser.add_argument('--topic', default='', help='topic of the texts, where a bag has several')
    parser.add_argument('--truth', default='', metavar='FILE', help='JSON lines with text, intent '
                        'and slots of the same texts (not needed where FILE has them)')
    for name, what in (('near', 'nearby, as commands for other robots'),
                       ('far', 'far away, as questions to an assistant')):
        parser.add_argument('--' + name, default='', metavar='FILE|BAG',
                            help='texts that are no commands, from ' + what)
    parser.add_argument('--output', default=OUTPUT, metavar='FOLDER',
                        help='where {} and {} go (%(default)s)'.format(JSON_FILE, PAGE_FILE))


def run(chosen: argparse.Namespace) -> int:
    """
    Replay, write the report and print it.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: texts, model or grammar cannot be used.
    """
    from espnet_perception.benchmark.table import markdown_table
    from espnet_perception.cli.info_tables import columns
    from espnet_perception.evaluation import command_replay
    from espnet_perception.evaluation.command_report import tables
    from espnet_perception.pipeline.commander import create_commander
    from espnet_perception.whole_files import whole_file
    from tqdm import tqdm
    texts = command_replay.read_texts(chosen.source, chosen.topic)
    if chosen.truth:
        texts = command_replay.with_truth(texts, command_replay.read_texts(chosen.truth))
    foreign = {name: command_replay.read_texts(getattr(chosen, name), judged=False)
               for name in ('near', 'far') if getattr(chosen, name)}
    commander = create_commander(chosen.model, chosen.grammar, chosen.engine)
    commander.warm_up()
    heard = command_replay.hear(commander, tqdm(texts, desc='texts'))
    document = dict(commander.describe(), source=chosen.source, **command_replay.summed_up(
        heard, {name: command_replay.hear(commander, tqdm(said, desc=name))
                for name, said in foreign.items()}, commander.card.intents))
    output = Path(chosen.output)
    output.mkdir(parents=True, exist_ok=True)
    page = ['# Commands: {source}, model {model}'.format(**document)]
    for title, rows in tables(document):
        page += ['## ' + title] if title else []
        page.append(markdown_table(rows, LEFT_COLUMNS))
        print('\n'.join(([title] if title else []) + columns(rows, LEFT_COLUMNS) + ['']))
    for name, content in ((JSON_FILE, json.dumps(document, indent=1, ensure_ascii=False)),
                          (PAGE_FILE, '\n\n'.join(page))):
        with whole_file(str(output / name)) as part:
            Path(part).write_text(content + '\n', encoding='utf-8')
    print('report: {}'.format(output / PAGE_FILE))
    return 0
