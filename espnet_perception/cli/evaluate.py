# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure a model on a data set."""

import argparse
from typing import Any, Dict, List, Tuple

from espnet_perception.cli.sizes import parse_size
from espnet_perception.errors import DatasetError, SettingsError, unknown_key_sentence
from espnet_perception.settings import ENGINE_NAMES, NodeSettings, SegmenterSettings

DESCRIPTION = """\
Run a model over a data set and print the figures of one confusion matrix over all of it, as the
papers and `espnet-perception replay` measure: predictions are brought to the size of the label
image by the nearest pixel. Classifiers get top-1, top-5 and F1.

    espnet-perception evaluate my_model --dataset folder --folder yard --split val
    espnet-perception evaluate espnetv2_s_2.0_city_1024x512.pth --dataset camvid --folder camvid

The checkpoint of a language model gets its validation and test perplexity:

    espnet-perception evaluate runs/ptb_eru_7m/best.pt --dataset ptb --folder ptb"""
TEXT = 'ptb'
REPORT_FILE, SAMPLES_FILE = 'report.json', 'samples.jpg'
SAMPLES = 6
LONGEST_TABLE = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('model', metavar='MODEL', help='name in models/, model folder, released '
                        'weights or .pth file')
    parser.add_argument('--dataset', required=True, metavar='NAME',
                        help='camvid, cityscapes, pascal_voc, folder, synthetic ...; ptb for the '
                             'checkpoint of a language model')
    parser.add_argument('--folder', default='', metavar='F', help='where the data set lies')
    parser.add_argument('--split', default='test', help='part of it (%(default)s)')
    parser.add_argument('--option', action='append', default=[], metavar='KEY=VALUE',
                        help='of the data set, as dataset_options in training; repeatable')
    parser.add_argument('--images', type=int, default=0, metavar='N',
                        help='at most so many, the first ones')
    parser.add_argument('--engine', default=NodeSettings().engine, choices=ENGINE_NAMES,
                        help='runtime of the network (%(default)s)')
    parser.add_argument('--threads', type=int, default=SegmenterSettings().threads,
                        help='CPU threads of the engine; 0 leaves it to the runtime')
    parser.add_argument('--size', default='', metavar='WxH',
                        help="input size of the network in pixels (the card's)")
    parser.add_argument('--scales', default='1', metavar='S,S...',
                        help='segmentation: average the probabilities over these sizes of the '
                             'input, as 0.75,1,1.25')
    parser.add_argument('--flip', action='store_true',
                        help='segmentation: average with the mirrored image')
    parser.add_argument('--truth-classes', default='', metavar='FILE',
                        help='segmentation: file that maps model classes to those of the data set')
    parser.add_argument('--json', default='', metavar='FILE', help='write every figure there')
    parser.add_argument('--report', default='', metavar='DIR',
                        help='write figures, charts and samples there; mind that samples show '
                             'images of the data set')


def run(chosen: argparse.Namespace) -> int:
    """
    Measure and print.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: model, data set or an option cannot be used.
    """
    if chosen.dataset == TEXT:
        from espnet_perception.training import perplexity
        figures = perplexity.evaluate_checkpoint(chosen.model, chosen.folder)
        print(perplexity.sentences(figures, chosen.model), end='')
        return 0
    from espnet_perception.evaluation.on_dataset import evaluate, Options
    options = Options(
        chosen.engine, chosen.threads, parse_size(chosen.size) if chosen.size else (0, 0),
        _scales(chosen.scales), chosen.flip, chosen.truth_classes, chosen.images,
        SAMPLES if chosen.report else 0)
    dataset = open_dataset(chosen)
    evaluation = evaluate(chosen.model, dataset, options)
    figures = dict(evaluation.figures, split=chosen.split)
    if dataset.note:
        print(dataset.note)
    print('\n'.join(sentences(figures, evaluation.task)))
    _write(chosen, evaluation, figures)
    return 0


def sentences(figures: Dict[str, Any], task: Any) -> List[str]:
    """
    Return the figures as lines of text.

    :param figures: of an evaluation, with its split.
    :param task: how it was judged.
    """
    lines = ['left out: ' + sentence for sentence in figures['left_out']]
    rows = figures['metrics']['classes']
    if len(rows) <= LONGEST_TABLE:
        width = max(len(row['name']) for row in rows)
        lines.append(' '.join([' ' * width] + [title.rjust(10) for _, title, _ in task.columns]))
        lines += [' '.join([row['name'].ljust(width)] + [
            _cell(row[key], kind) for key, _, kind in task.columns]) for row in rows]
    source = figures['source']
    lines.append('{model} on {dataset} {split}: {images} images, {count} left out, {engine} at '
                 '{network_width}x{network_height}'.format(
                     count=len(figures['left_out']), **figures, **{
                         key: source[key] for key in ('engine', 'network_width',
                                                      'network_height')}))
    lines += ['{} ({} images): {}'.format(name, group['images'], _main(group['metrics'], task))
              for name, group in figures['groups'].items()]
    lines.append(_main(figures['metrics'], task))
    if figures['metrics'].get('category_miou') is not None:
        lines.append('7 categories: mIoU {:.2f} %'.format(
            100 * figures['metrics']['category_miou']))
    return lines


def _main(metrics: Dict[str, Any], task: Any) -> str:
    return ', '.join('{} {:.2f} %'.format(words, 100 * metrics[name])
                     for name, words in task.figure_words if metrics.get(name) is not None)


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return '-'.rjust(10)
    return ('{:.2f}'.format(100 * value) if kind == 'share' else '{:,}'.format(value)).rjust(10)


def open_dataset(chosen: argparse.Namespace) -> Any:
    """
    Return the data set that was asked for.

    :param chosen: the arguments dataset, folder, split and option.
    :raises PerceptionError: no such data set, or it cannot be opened.
    """
    from espnet_perception.training import datasets
    from espnet_perception.training.settings_file import parse_overrides
    openers = dict.fromkeys(datasets.SEGMENTATION, datasets.open_pairs)
    openers.update(dict.fromkeys(datasets.CLASSIFICATION, datasets.open_labelled))
    if chosen.dataset not in openers:
        raise DatasetError(unknown_key_sentence('data set', chosen.dataset, [*openers, TEXT]))
    return openers[chosen.dataset](chosen.dataset, chosen.folder, chosen.split,
                                   parse_overrides(chosen.option, '--option'))


def _scales(text: str) -> Tuple[float, ...]:
    try:
        scales = tuple(float(part) for part in text.split(','))
    except ValueError:
        scales = ()
    if not scales or not all(0.1 <= scale <= 8 for scale in scales):
        raise SettingsError("--scales is '{}', expected numbers of 0.1 to 8 with commas between, "
                            'such as 0.75,1,1.25'.format(text))
    return scales


def _write(chosen: argparse.Namespace, evaluation: Any, figures: Dict[str, Any]) -> None:
    import json
    from pathlib import Path

    from espnet_perception.evaluation.on_dataset import write_pictures, write_samples
    from espnet_perception.evaluation.state import write_text, writing
    text = json.dumps(figures, indent=1) + '\n'
    if chosen.json:
        write_text(Path(chosen.json), text)
    if chosen.report:
        folder = Path(chosen.report)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / REPORT_FILE, text)
        write_pictures(evaluation, folder)
        write_samples(evaluation, folder / SAMPLES_FILE)
        print('report: {}'.format(folder))
