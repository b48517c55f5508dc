# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A line in the terminal that is read while it is typed."""

import codecs
import os
import re
import shutil
import sys
from typing import Any, List, Tuple

from espnet_perception.cli.commands import in_words

HELP = 'type a command; Tab takes the first completion, Enter begins anew, Ctrl-C or Ctrl-D ends'
CLEAR_BELOW, UP, RIGHT = '\x1b[J', '\x1b[{}A', '\r\x1b[{}C'
BACKSPACE, TAB, ESCAPE = ('\x7f', '\b'), '\t', '\x1b'
ENTER, END, INTERRUPT, CLEAR = ('\r', '\n'), '\x04', '\x03', '\x15'


def prompt(commander: Any) -> None:
    """
    Show how a text is understood, after every key.

    :param commander: reads and completes.
    """
    try:
        import termios
        import tty
    except ImportError:  # no such terminal here: a line at a time
        return _line_by_line(commander)
    print(HELP)
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setraw(number)
        _type(commander, number)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
        sys.stdout.write('\r\n' * 3)
        sys.stdout.flush()


def _line_by_line(commander: Any) -> None:
    print('type a command; an empty line ends')
    for line in iter(sys.stdin.readline, ''):
        if not line.strip():
            return
        print(in_words(commander.read(line.rstrip('\n'))))


def _type(commander: Any, number: int) -> None:
    text, decoder = '', codecs.getincrementaldecoder('utf-8')('replace')
    _draw(commander, text)
    while True:
        arrived = os.read(number, 1024)
        keys = decoder.decode(arrived)
        if not arrived or END in keys or INTERRUPT in keys:
            return
        if keys.startswith(ESCAPE):  # arrows and the like
            continue
        for key in keys:
            text = after_key(commander, text, key)
        _draw(commander, text)


def after_key(commander: Any, text: str, key: str) -> str:
    """
    Return the text after a key.

    :param commander: completes.
    :param text: so far.
    :param key: a character.
    """
    if key in BACKSPACE:
        return text[:-1]
    if key in ENTER or key == CLEAR:
        return ''
    if key == TAB:
        offered = commander.complete(text)
        if not offered:
            return text
        begun = re.search(r'\S*$', text).start()
        return text[:begun] + offered[0][0] + ' '
    return text + key if key.isprintable() else text


def _draw(commander: Any, text: str) -> None:
    """Write the display, and leave the cursor at the end of its first line."""
    width = shutil.get_terminal_size().columns - 1
    lines = shown(commander, text)
    lines[0] = lines[0][-width:]
    sys.stdout.write('\r' + CLEAR_BELOW + '\r\n'.join(line[:width] for line in lines)
                     + UP.format(len(lines) - 1) + RIGHT.format(len(lines[0])))
    sys.stdout.flush()


def shown(commander: Any, text: str) -> List[str]:
    """
    Return the lines of the display.

    :param commander: reads and completes.
    :param text: so far.
    """
    offered: List[Tuple[str, float]] = commander.complete(text)
    return ['> ' + text, '  ' + (in_words(commander.read(text)) if text.strip() else ''),
            '  next: ' + '  '.join('{} {:.2f}'.format(*one) for one in offered)]
