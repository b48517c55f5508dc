# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Check a grammar of commands, generate commands, try and replay how they are understood."""

import argparse
import json
import sys
from typing import Any, Dict, Iterator, List

from espnet_perception.cli import commands_replay
from espnet_perception.errors import SettingsError
from espnet_perception.settings import CommandNodeSettings

DESCRIPTION = """\
The commands that a robot understands: check their grammar, generate commands with their
meaning, try what a model makes of a text, and measure it on many. A grammar is a folder of
YAML files; docs/commands.md tells what stands in them."""

EXAMPLES = """\
  espnet-perception commands check
  espnet-perception commands check --grammar my_commands/
  espnet-perception commands generate --count 1000 --seed 7 > commands.jsonl
  espnet-perception commands try
  espnet-perception commands try "bring me the cup"
  espnet-perception commands try --model runs/command/model --json < texts.txt
  espnet-perception commands replay texts.txt --truth texts.jsonl --near other_robots.txt"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.epilog = 'examples:\n' + EXAMPLES
    actions = parser.add_subparsers(dest='action', metavar='ACTION')
    actions.required = True
    checking = actions.add_parser('check', help='find mistakes in a grammar, and sum it up')
    checking.add_argument('--json', action='store_true', help='the summary as JSON')
    generating = actions.add_parser('generate', help='print commands with intent and slots, as '
                                    'JSON lines')
    generating.add_argument('--count', type=int, default=20, metavar='N',
                            help='how many, the intents in turn (%(default)s)')
    generating.add_argument('--seed', type=int, default=0, metavar='N',
                            help='equal seeds give equal commands (%(default)s)')
    generating.add_argument('--text', action='store_true', help='the text alone, one a line')
    trying = actions.add_parser('try', help='show what a model makes of texts, while you type '
                                'where this is a terminal')
    trying.add_argument('texts', nargs='*', metavar='TEXT', help='texts to read (default: a '
                        'prompt, or the lines of the standard input)')
    replaying = actions.add_parser('replay', help='read the texts of a file or a bag, and report '
                                   'on how they are understood')
    commands_replay.add_arguments(replaying)
    for reading in (trying, replaying):
        _add_model(reading)
    trying.add_argument('--json', action='store_true', help='a line of JSON for each text')
    for action in actions.choices.values():
        action.add_argument('--grammar', default='', metavar='DIR',
                            help='folder of YAML files, or one file (default: that of the '
                            'package, config/commands)')
        action.add_argument('--debug', action='store_true', default=argparse.SUPPRESS,
                            help='show the traceback of an error')


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--model', default=CommandNodeSettings().model, metavar='DIR',
                        help='command model: a directory, or a name in the folders of models '
                        '(%(default)s)')
    parser.add_argument('--engine', default=CommandNodeSettings().engine, metavar='NAME',
                        help='onnxruntime, torch or auto (%(default)s)')


def run(chosen: argparse.Namespace) -> int:
    """
    Do what was asked.

    :param chosen: the parsed arguments.
    :return: exit status: 0 done, 1 of `try`: a text was refused.
    :raises PerceptionError: one sentence on what is wrong.
    """
    return {'check': _check, 'generate': _generate, 'try': _try,
            'replay': commands_replay.run}[chosen.action](chosen)


def _check(chosen: argparse.Namespace) -> int:
    from espnet_perception.commands import grammar_file
    grammar = grammar_file.load(chosen.grammar)
    rows = [_row(intent) for intent in grammar.intents.values()]
    if chosen.json:
        print(json.dumps({'intents': rows, 'words': len(grammar.words()),
                          'labels': grammar.labels()}, indent=1))
        return 0
    width = max(len(row['intent']) for row in rows)
    for row in rows:
        print('{:<{}}  {:<6}  {:>6,} forms  {}'.format(
            row['intent'], width, 'motion' if row['motion'] else '', row['forms'],
            ' '.join(_role(role, row['required']) for role in row['roles'])))
    print('{} intents, {} words, {} vocabularies, {} stop words; * is required'.format(
        len(rows), len(grammar.words()), len(grammar.vocabularies),
        len(grammar.stop_words.anywhere) + len(grammar.stop_words.alone)))
    return 0


def _row(intent: Any) -> Dict[str, Any]:
    from espnet_perception.commands.phrases import count_forms
    return {'intent': intent.name, 'motion': intent.motion, 'roles': list(intent.roles),
            'required': list(intent.required),
            'forms': sum(map(count_forms, intent.phrases))}


def _role(role: str, required: List[str]) -> str:
    return role + ('*' if role in required else '')


def _generate(chosen: argparse.Namespace) -> int:
    from espnet_perception.commands import grammar_file
    from espnet_perception.commands.generation import generate
    if chosen.count < 0:
        raise SettingsError('--count is {}, expected 0 or more'.format(chosen.count))
    for example in generate(grammar_file.load(chosen.grammar), chosen.count, chosen.seed):
        print(example.text if chosen.text else json.dumps(
            {'text': example.text, 'intent': example.intent,
             'slots': [slot._asdict() for slot in example.slots]}, ensure_ascii=False))
    return 0


def _try(chosen: argparse.Namespace) -> int:
    from espnet_perception.pipeline.commander import create_commander
    commander = create_commander(chosen.model, chosen.grammar, chosen.engine)
    if not chosen.texts and sys.stdin.isatty() and sys.stdout.isatty():
        from espnet_perception.cli.command_prompt import prompt
        prompt(commander)
        return 0
    refused = 0
    for text in chosen.texts or _lines():
        reading = commander.read(text)
        refused += not reading.accepted
        print(json.dumps(as_values(reading), ensure_ascii=False) if chosen.json
              else in_words(reading), flush=True)
    return 1 if refused else 0


def _lines() -> Iterator[str]:
    """Yield the lines of the standard input; bytes that are no UTF-8 become replacement signs."""
    for line in sys.stdin.buffer:
        yield line.decode('utf-8', 'replace').rstrip('\r\n')


def as_values(reading: Any) -> Dict[str, Any]:
    """Return a reading as plain values."""
    return dict(reading._asdict(), slots=[dict(slot._asdict()) for slot in reading.slots],
                alternatives=[list(one) for one in reading.alternatives])


def in_words(reading: Any) -> str:
    """Return a reading on one line."""
    slots = ' '.join('{}={!r}'.format(slot.role, slot.value) for slot in reading.slots)
    return '{:<3} {:<14} {} {}  {:.3f}  foreign {:+.2f}  perplexity {:.1f}'.format(
        'yes' if reading.accepted else 'no', reading.reason, reading.intent or '-', slots,
        reading.confidence, reading.out_of_domain, reading.perplexity)
