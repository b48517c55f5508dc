# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The page of a published model, MODEL_CARD.md: what it is, how well it does, how it was made."""

import os
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from espnet_perception.model_card import ModelCard

CAPTIONS = {'iou.png': 'IoU of each class', 'f1.png': 'F1 of each class',
            'confusion.png': 'Confusion matrix', 'curves.png': 'Curves of the training'}

NOT_STATED = 'not stated'


class Facts(NamedTuple):
    """
    What the page tells.

    :param card: with its figures
    :param figures: of the evaluation
    :param task: how it was judged
    :param split: that was measured
    :param settings: of the training
    :param pictures: names of the files with charts
    :param samples: name of the picture of samples, or its path outside the directory
    :param parameters: number of trained values
    """

    card: ModelCard
    figures: Dict[str, Any]
    task: Any
    split: str
    settings: Dict[str, Any]
    pictures: Sequence[str]
    samples: str
    parameters: int


def page(facts: Facts) -> str:
    """Return the text of the page."""
    card = facts.card
    parts = [
        ['# ' + card.name, '', _summary(facts), ''] + _table(('', ''), _facts_rows(facts)),
        _remarks(facts),
        ['## Per class', ''] + _table(
            ['class'] + [title for _, title, _ in facts.task.columns],
            [[row['name']] + [_cell(row[key], kind) for key, _, kind in facts.task.columns]
             for row in facts.figures['metrics']['classes']]),
        ['## Pictures', ''] + _pictures(facts),
        ['## Commands', '', 'The figures above:', ''] + _evaluate(facts) + [
            '', 'The training, with the settings in [training.yaml](training.yaml):', '',
            '    espnet-perception train {} models/{}/training.yaml'.format(card.task, card.name),
            '    espnet-perception train publish {} models/{} --test-split {} --force'.format(
                facts.settings['run_folder'], card.name, facts.split),
            '', 'The node:', '',
            '    ros2 launch espnet_perception {}.launch.py model:={}'.format(
                card.task, card.name)]]
    return '\n\n'.join('\n'.join(part) for part in parts if part) + '\n'


def _summary(facts: Facts) -> str:
    card = facts.card
    arguments = ', '.join('{}={}'.format(*one) for one in sorted(card.arguments.items()))
    return ('Network `{}` ({}) for {} at {}x{}, trained by this package on the data set {}.'
            .format(card.network, arguments, card.task, card.input_width, card.input_height,
                    card.dataset))


def _facts_rows(facts: Facts) -> List[Tuple[str, str]]:
    card, figures, settings = facts.card, facts.figures, facts.settings
    rows = [('**{}**'.format(row['name']), '**{:.2f} %**'.format(100 * row['value']))
            for row in card.metrics[:1]]
    rows += [(row['name'], '{:.2f} %'.format(100 * row['value'])) for row in card.metrics[1:]]
    if figures['metrics'].get('category_miou') is not None:
        rows.append(('mIoU of the 7 categories', '{:.2f} %'.format(
            100 * figures['metrics']['category_miou'])))
    key, words = facts.task.figure_words[0]
    rows += [('{} of {} ({} images)'.format(words, name, group['images']),
              '{:.2f} %'.format(100 * group['metrics'][key]))
             for name, group in figures['groups'].items()]
    rows += [('measured on', '{} {}, {} images, engine {}'.format(
        figures['dataset'], facts.split, figures['images'], figures['source']['engine'])),
        ('parameters', '{:,}'.format(facts.parameters)),
        ('started from', os.path.basename(settings['init_from']) or 'random values'),
        ('origin', card.origin),
        ('licence', card.licence),
        ('sha256 of ' + card.weights, '`{}`'.format(card.sha256))]
    return rows


def _remarks(facts: Facts) -> List[str]:
    settings, lines = facts.settings, []
    if facts.split == settings['check_split']:
        lines.append('The split {} that was measured also chose these weights among those of the '
                     'run, so the figures are somewhat better than on new data.'.format(
                         facts.split))
    elif settings['check_split']:
        lines.append('The split {} chose these weights among those of the run; {} was used for '
                     'nothing but these figures.'.format(settings['check_split'], facts.split))
    else:
        lines.append('No split chose the weights: they are those of the last step.')
    if facts.figures['left_out']:
        lines.append('{} images that could not be read were left out.'.format(
            len(facts.figures['left_out'])))
    return lines


def _pictures(facts: Facts) -> List[str]:
    lines = ['![{}]({})'.format(CAPTIONS[name], name) for name in facts.pictures]
    if os.path.isabs(facts.samples):
        lines.append('Pictures of frames are not part of this directory: {}.'.format(
            'whether the frames may be passed on is for their owner to say'
            if facts.card.licence == NOT_STATED else 'the data are under their own terms ({})'
            .format(facts.card.licence)))
    else:
        lines.append('![Input, prediction, ground truth, mistakes]({})'.format(facts.samples))
    return '\n\n'.join(lines).split('\n')


def _evaluate(facts: Facts) -> List[str]:
    settings = facts.settings
    options = ''.join(' --option {}={}'.format(*one)
                      for one in settings.get('dataset_options', {}).items())
    folder = " --folder '{}'".format(settings['folder']) if settings['folder'] else ''
    return ['    espnet-perception evaluate {} --dataset {}{}{} --split {}'.format(
        facts.card.name, settings['dataset'], folder, options, facts.split)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    return ['| {} |'.format(' | '.join(row)) for row in [head, ['---'] * len(head), *rows]]


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return '-'
    return '{:.2f}'.format(100 * value) if kind == 'share' else '{:,}'.format(value)
