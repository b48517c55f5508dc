# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The command espnet-perception.

Sub-commands import what they need only after the arguments were understood, so that --help and
a mistyped option answer at once.
"""

import argparse
import sys
from typing import Any, Mapping, Optional, Sequence

from espnet_perception import __version__
from espnet_perception.cli import (
    ablate,
    bench,
    build_engine,
    commands,
    compare,
    demo,
    estimate,
    evaluate,
    export,
    info,
    replay,
    train,
    weights,
)
from espnet_perception.errors import PerceptionError

COMMANDS = {'replay': replay, 'evaluate': evaluate, 'bench': bench, 'compare': compare,
            'train': train, 'ablate': ablate, 'demo': demo, 'info': info, 'weights': weights,
            'commands': commands, 'export': export, 'build-engine': build_engine,
            'estimate': estimate}
INTERRUPTED = 130


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """
    Run the command.

    :param arguments: without the program's name; None takes those of the process.
    :return: exit status: 0 done, 1 refused with one sentence, 2 wrong arguments, 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    modules = dict(COMMANDS)
    if given[:1] == ['bench'] and bench.NODE_OPTION in given:
        from espnet_perception.cli import bench_node
        modules['bench'] = bench_node
        given.remove(bench.NODE_OPTION)
    chosen = make_parser(modules).parse_args(given)
    try:
        return chosen.run(chosen) or 0
    except PerceptionError as error:
        if chosen.debug:
            raise
        print('espnet-perception {}: {}'.format(chosen.command, error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if chosen.debug:
            raise
        print('espnet-perception {}: interrupted'.format(chosen.command), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as head does
        sys.stderr.close()
        return 1


def make_parser(modules: Mapping[str, Any] = COMMANDS) -> argparse.ArgumentParser:
    """
    Return the parser of all sub-commands.

    :param modules: the module of each; ``bench --node`` is another one than ``bench``.
    """
    parser = argparse.ArgumentParser(
        prog='espnet-perception',
        description='ESPNetv2 for robots: replay bags, measure, train, try the demo, look at '
                    'models, get weights.')
    parser.add_argument('--version', action='version', version=__version__)
    actions = parser.add_subparsers(dest='command', metavar='COMMAND')
    actions.required = True
    for name, module in modules.items():
        summary = module.__doc__.split('\n')[0]
        command = actions.add_parser(name, help=summary, description=module.DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(command)
        command.add_argument('--debug', action='store_true',
                             help='show the traceback of an error')
        command.set_defaults(run=module.run)
    return parser


if __name__ == '__main__':
    sys.exit(main())
