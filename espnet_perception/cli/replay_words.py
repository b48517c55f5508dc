# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the sub-command replay prints of its report."""

from typing import Any, Dict, List


def sentences(figures: Dict[str, Any]) -> List[str]:
    """
    Return the main figures in words.

    :param figures: what report.json holds.
    """
    overall, frames = figures['overall'], figures['overall']['frames']
    lines = ['{} frames: {} answered, {} dropped, {} rejected'.format(
        frames['total'], frames['answered'], frames['dropped'], frames['rejected'])]
    node = overall['node']
    if node:
        lines.append('node: {} sent, {} lost on the way there, {} dropped, {} rejected, {} '
                     'answers published, {} lost on the way back, {} not accounted for'.format(
                         node['sent'], node['lost_to_node'], node['dropped'], node['rejected'],
                         node['published'], node['lost_from_node'], node['unaccounted']))
    for stage in ('round trip', 'total'):
        if stage in overall['latency_ms']:
            lines.append('{}: median {p50_ms:.1f} ms, 95 % within {p95_ms:.1f} ms, maximum '
                         '{max_ms:.1f} ms'.format(stage, **overall['latency_ms'][stage]))
    lines += _power_sentences(figures)
    if overall['metrics']:
        measured = [(words, overall['metrics'][name])
                    for name, words in figures['main_figures'].items()
                    if overall['metrics'][name] is not None]
        lines.append('{} ({} classes of {}, {} frames)'.format(
            ', '.join('{} {:.2f} %'.format(words, 100 * share) for words, share in measured),
            len(figures['classes']), figures['label_set'], frames['with_truth']))
    elif overall['seen']:
        lines.append('seen most: ' + ', '.join(
            '{name} ({frames} frames)'.format(**row) for row in overall['seen'][:5]))
    for bag in figures['bags']:
        lines += ['note on {}: {}'.format(bag['name'], note) for note in bag['notes']]
    return lines


def _power_sentences(figures: Dict[str, Any]) -> List[str]:
    lines, power = [], figures['overall']['power']
    if power is None:
        lines += ['power: {}'.format(figures['power'])] if figures['power'] else []
    else:
        cost = power['energy_per_frame_mj']
        lines.append('power: mean {:.2f} W, {:.2f} J in {:.1f} s{} ({})'.format(
            power['mean_mw'] / 1e3, power['energy_mj'] / 1e3, power['measured_s'],
            '' if cost is None else ', {:.1f} mJ per frame'.format(cost), figures['power']))
    for bag in figures['bags']:
        recorded = bag['recorded_power']
        if recorded and 'mean_mw' in recorded:
            costs = ''.join(', {:.1f} mJ per frame of {}'.format(cost, node)
                            for node, cost in recorded['frame_energies_mj'].items())
            lines.append('power while {} was recorded: mean {:.2f} W, {:.2f} J in {:.1f} s{}'
                         .format(bag['name'], recorded['mean_mw'] / 1e3,
                                 recorded['energy_mj'] / 1e3, recorded['measured_s'], costs))
    return lines
