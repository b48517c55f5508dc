# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of a benchmark and the sentences around it, for terminals and for Markdown."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from espnet_perception.benchmark.accuracy import CARD, EVALUATED, PRINTED

ORIGINS = {CARD: 'of the card', EVALUATED: 'evaluated', PRINTED: 'printed'}
ABSENT = '-'


class Column(NamedTuple):
    """
    A column; it is left out where no row has a value.

    :param title: what stands over it.
    :param value: returns the value of a row, or None.
    :param form: a format for the value.
    """

    title: str
    value: Callable[[Dict[str, Any]], Optional[Any]]
    form: str = '{}'


def _figure(name: str, factor: float = 1.0) -> Callable[[Dict[str, Any]], Optional[float]]:
    def value(row: Dict[str, Any]) -> Optional[float]:
        found = (row['figures'] or {}).get(name)
        return None if found is None else factor * found
    return value


def _latency(name: str) -> Callable[[Dict[str, Any]], Optional[float]]:
    return lambda row: row['figures']['latency'][name] if row['figures'] else None


def _accuracy(row: Dict[str, Any]) -> Optional[str]:
    found = row['accuracy']
    return found and '{percent:.1f} {name} ({origin})'.format(
        **dict(found, origin=ORIGINS[found['origin']]))


def _printed_speed(row: Dict[str, Any]) -> Optional[float]:
    return row['printed'].get('frames_per_second')


COLUMNS = (
    Column('model', lambda row: row['name']),
    Column('engine', lambda row: row['engine']),
    Column('precision', lambda row: row['precision']),
    Column('pixels', lambda row: '{width}x{height}'.format(**row)),
    Column('threads', lambda row: row['facts'].get('threads', row['threads']) or None),
    Column('median ms', _latency('p50_ms'), '{:.2f}'),
    Column('+- %', _figure('uncertainty_percent'), '{:.1f}'),
    Column('p95', _latency('p95_ms'), '{:.2f}'),
    Column('p99', _latency('p99_ms'), '{:.2f}'),
    Column('frames/s', _figure('frames_per_second'), '{:.1f}'),
    Column('times faster', _figure('times_faster'), '{:.2f}'),
    Column('peak MB', lambda row: _figure('peak_mb')(row) or None, '{:.0f}'),
    Column('W', _figure('power_mw', 1e-3), '{:.2f}'),
    Column('mJ/frame', _figure('energy_mj'), '{:.1f}'),
    Column('times less energy', _figure('times_less_energy'), '{:.2f}'),
    Column('spread of repeats %', _figure('repeat_spread_percent'), '{:.1f}'),
    Column('same classes %', lambda row: _percent(row.get('equal_classes')), '{:.3f}'),
    Column('accuracy %', _accuracy),
    Column('printed frames/s', _printed_speed),
    Column('printed MACs', lambda row: row['printed'].get('multiply_adds')),
)
LEFT_COLUMNS = 4


def cells(document: Dict[str, Any]) -> List[List[str]]:
    """
    Return the table as texts, the first row with the titles.

    :param document: of a benchmark.
    """
    rows = [row for row in document['configurations'] if row['figures']]
    shown = [column for column in COLUMNS
             if any(column.value(row) is not None for row in rows)]
    table = [[column.title for column in shown]]
    for row in rows:
        values = [(column, column.value(row)) for column in shown]
        table.append([ABSENT if value is None else column.form.format(value)
                      for column, value in values])
    return table


def markdown(document: Dict[str, Any]) -> str:
    """
    Return table and sentences in Markdown.

    :param document: of a benchmark.
    """
    return '\n\n'.join(heading(document) + [markdown_table(cells(document), LEFT_COLUMNS)]
                       + notes(document)) + '\n'


def markdown_table(table: List[List[str]], left: int) -> str:
    """
    Return rows as a table in Markdown.

    :param table: rows of equal length, the first with the titles.
    :param left: how many columns begin at the left; the others end at the right.
    """
    ruler = ['---' if place < left else '---:' for place in range(len(table[0]))]
    return '\n'.join('| {} |'.format(' | '.join(row)) for row in [table[0], ruler] + table[1:])


def lines(document: Dict[str, Any], columns: Callable[[List[List[str]], int], List[str]]
          ) -> List[str]:
    """
    Return table and sentences for a terminal.

    :param document: of a benchmark.
    :param columns: puts the cells of rows under each other.
    """
    return heading(document) + [''] + columns(cells(document), LEFT_COLUMNS) + [
        ''] + notes(document)


def heading(document: Dict[str, Any]) -> List[str]:
    """
    Say when, where, of which commit and how was measured.

    :param document: of a benchmark.
    """
    machine, settings = document['machine'], document['settings']
    facts = [row['facts'] for row in document['configurations'] if row['facts']]
    versions = sorted({'{} {}'.format(one['engine'], one['version'].split('-')[0])
                       for one in facts})
    lines = ['Measured {} to {}, espnet_perception {}{}.'.format(
        document['started'], document['finished'] or document['updated'],
        document['package_version'],
        ', commit ' + document['commit'] if document['commit'] else ''),
        '{processor}, {cores} cores, {system}, Python {python}; {versions}{gpus}.'.format(
            versions=', '.join(versions),
            gpus=''.join('; GPU ' + name for name in document['gpus']), **machine),
        '{iterations} timed runs or more of each row in {rounds} rounds or more, {repeats} '
        'time(s) over; every round runs each row once, in an order that changes.'.format(
            **settings)]
    return lines + _conditions(document) + _unfinished(document)


def notes(document: Dict[str, Any]) -> List[str]:
    """
    Say what the columns mean, what was subtracted, and what was not measured.

    :param document: of a benchmark.
    """
    rows, lines = document['configurations'], []
    wanted = document['baseline']
    if wanted and any('times_faster' in (row['figures'] or {}) for row in rows):
        lines.append('times faster, times less energy, same classes: against the row with {}, '
                     'turn by turn of the same round.'.format(', '.join(
                         '{} {}'.format(key, value) for key, value in sorted(wanted.items()))))
    lines.append('+- %: half of the 95 % interval of the median. peak MB: resident memory of a '
                 'process that does nothing else; memory of a GPU is not in it.')
    lines += _power(document)
    wheres = sorted({'{origin} {name}: {where}'.format(**dict(
        row['accuracy'], origin=ORIGINS[row['accuracy']['origin']]))
        for row in rows if row['accuracy']})
    if wheres:
        lines.append('accuracy %: not measured by this benchmark; {}.'.format('; '.join(wheres)))
    if any(row['printed'] for row in rows):
        lines.append(_papers(rows))
    spreads = [row['figures']['repeat_spread_percent'] for row in rows if row['figures']
               and row['figures']['repeat_spread_percent'] is not None]
    if spreads:
        lines.append('Medians of the {} repeats differ by {:.1f} % at most.'.format(
            document['settings']['repeats'], max(spreads)))
    return lines + ['Not measured: {}: {}'.format(row['key'], row['refused'])
                    for row in rows if row['refused']]


def _conditions(document: Dict[str, Any]) -> List[str]:
    rounds = document['conditions']
    if not rounds:
        return []
    governors = sorted({name for one in rounds for name in one['governors']})
    modes = sorted({one['mode'] for one in rounds if one['mode']})
    parts = ['governor {}'.format(', '.join(governors) or 'not told'),
             'power mode {}'.format(', '.join(modes) or 'none')]
    for key, words, form in (('clock_mhz', 'clocks', '{:.0f} to {:.0f} MHz'),
                             ('limits_mhz', 'allowed', '{:.0f} to {:.0f} MHz')):
        known = [one[key] for one in rounds if one[key]]
        if known:
            parts.append(words + ' ' + form.format(min(low for low, _ in known),
                                                   max(high for _, high in known)))
    loads = [one['load'] for one in rounds if one['load'] is not None]
    if loads:
        parts.append('load of the last minute {:.1f} to {:.1f}'.format(min(loads), max(loads)))
    warmth = [value for one in rounds for value in one['temperatures'].values()
              if value is not None]
    if warmth:
        parts.append('up to {:.0f} degrees C'.format(max(warmth)))
    return ['Conditions over the rounds: {}.'.format('; '.join(parts))]


def _unfinished(document: Dict[str, Any]) -> List[str]:
    if document['finished'] is not None:
        return []
    return ['Interrupted after {} round(s): give the same command again to go on.'.format(
        len(document['conditions']))]


def _power(document: Dict[str, Any]) -> List[str]:
    power = document['power']
    if power.get('missing'):
        return ['No energy: {}.'.format(power['missing'])]
    if not power.get('rails'):
        return []
    idle = 'idle power is included' if power['idle_mw'] is None else \
        'the idle power of {:.2f} W, measured before, is subtracted'.format(
            power['idle_mw'] / 1e3)
    return ['W and mJ/frame: {}; {}.'.format(' + '.join(
        '{source} {name}'.format(**rail) for rail in power['rails']
        if rail['name'] in power['total']), idle)]


def _papers(rows: List[Dict[str, Any]]) -> str:
    from espnet_perception.networks.papers import PRINTED_SPEED_FOR
    places = sorted({row['printed']['place'].split(',')[0] for row in rows if row['printed']})
    return ('Weights are random, since latency does not depend on them; classes may then differ '
            'between engines where scores are nearly equal. Printed are {} of ESPNetv2 (CVPR '
            '2019): frames/s for {}; MACs for 224x224. Inference time and power of its Figure 5 '
            'are bars without numbers, so they are not repeated here.'.format(
                ', '.join(places), PRINTED_SPEED_FOR))


def _percent(share: Optional[float]) -> Optional[float]:
    return None if share is None else 100.0 * share


def tradeoff(document: Dict[str, Any], name: str) -> Dict[Tuple[str, str], List[Dict[str, Any]]]:
    """
    Return the rows that have both an accuracy and a figure, by what the accuracy is of.

    :param document: of a benchmark.
    :param name: of the figure: latency or energy_mj.
    :return: (figure of accuracy, data set) to rows.
    """
    found = {}  # type: Dict[Tuple[str, str], List[Dict[str, Any]]]
    for row in document['configurations']:
        if row['accuracy'] and row['figures'] and row['figures'][name]:
            key = (row['accuracy']['name'], row['accuracy']['where'])
            found.setdefault(key, []).append(row)
    return found
