# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The figures of replayed commands as tables, for the terminal and as a page in Markdown."""

from typing import Any, Dict, List, Tuple

Rows = List[List[str]]


def tables(document: Dict[str, Any]) -> List[Tuple[str, Rows]]:
    """
    Return titles and rows; the first row of each table has the titles of its columns.

    :param document: of ``command_replay.summed_up``.
    """
    return [table for table in (
        ('', _main(document)), ('Reasons', _reasons(document)),
        ('Intents', _intents(document['truth'])), ('Slots', _roles(document['truth'])),
        ('Texts that are no commands', _foreign(document['foreign'])))
        if len(table[1]) > 1]


def _main(document: Dict[str, Any]) -> Rows:
    rows = [['figure', 'value'], ['texts', str(document['texts'])],
            ['accepted', str(document['accepted'])]]
    truth, latency = document['truth'], document['latency_ms']
    if truth:
        rows += [['intent accuracy', _share(truth['intent_accuracy'])],
                 ['intent macro-F1', _share(truth['intent_macro_f1'])],
                 ['slot F1 by span', _share(truth['slots']['f1'])],
                 ['frames exactly right', _share(truth['frame_exact_match'])],
                 ['of {} accepted, exactly right'.format(truth['accepted']),
                  str(truth['accepted_right'])],
                 ['expected calibration error', _share(truth['calibration_error'])]]
    if latency:
        rows += [['latency {}'.format(name), '{:.2f} ms'.format(latency[name + '_ms'])]
                 for name in ('p50', 'p95', 'p99', 'max')]
    return rows


def _reasons(document: Dict[str, Any]) -> Rows:
    return [['reason', 'texts']] + [
        [reason, str(count)] for reason, count in document['reasons'].items()]


def _intents(truth: Any) -> Rows:
    rows = [['intent', 'texts', 'precision', 'recall', 'F1']]
    for row in truth['intents'] if truth else ():
        rows.append([row['intent'], str(row['texts'])] + [
            _share(row[name]) for name in ('precision', 'recall', 'f1')])
    return rows


def _roles(truth: Any) -> Rows:
    rows = [['role', 'slots', 'precision', 'recall', 'F1']]
    for role, row in truth['roles'].items() if truth else ():
        rows.append([role, str(int(row['truth']))] + [
            _share(row[name]) for name in ('precision', 'recall', 'f1')])
    return rows


def _foreign(foreign: Dict[str, Any]) -> Rows:
    return [['from', 'texts', 'accepted', 'FPR at 95 % TPR', 'AUROC']] + [
        [name, str(row['texts']), str(row['accepted']), _share(row['fpr_at_95_tpr']),
         _share(row['auroc'])] for name, row in foreign.items()]


def _share(value: Any) -> str:
    return '-' if value is None else '{:.3f}'.format(value)
