# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Model directories made from runs: weights, card, graph, pictures and a page of measured figures.

Pictures of frames go into a model directory only where the data set says that its frames may be
passed on, or where their owner says so; otherwise they go into the folder of the run.
"""

import datetime
import os
from pathlib import Path
import shutil
from typing import Any, Dict, List, NamedTuple, Tuple

from espnet_perception import model_card
from espnet_perception.errors import DatasetError, ModelError, SettingsError
from espnet_perception.evaluation.charts import Curve, curves_chart
from espnet_perception.evaluation.on_dataset import (
    evaluate,
    Evaluation,
    Options,
    write_pictures,
    write_samples,
)
from espnet_perception.evaluation.state import write_text
from espnet_perception.export.onnx import cached_onnx, GraphKey
from espnet_perception.model_card import ModelCard
from espnet_perception.networks.safe_load import save_state_dict
from espnet_perception.pipeline.models import find_model
from espnet_perception.revision import commit
from espnet_perception.training import checkpoint, journal
from espnet_perception.training.datasets import open_labelled, open_pairs
from espnet_perception.training.model_page import Facts, NOT_STATED, page
from espnet_perception.training.run_state import BEST_FILE, facts_of, LAST_FILE
from espnet_perception.weights.model_directory import (
    check_free,
    check_name,
    new_directory,
    PAGE_FILE,
    WEIGHTS_FILE,
)
import yaml

GRAPH_FILE, SETTINGS_FILE, CURVES_FILE = 'model.onnx', 'training.yaml', 'curves.png'
SAMPLES_FILE = 'samples.jpg'
SAMPLES = 6
TEST_SPLIT = 'test'
OPENERS = {'segmentation': open_pairs, 'classification': open_labelled}
PRODUCTS = {'segmentation': 'labels+confidence', 'classification': 'logits'}
SCORES = {'miou': 'mIoU', 'top1': 'top-1 accuracy', 'overall_f1': 'overall F1'}  # of the journal


class Choice(NamedTuple):
    """
    What a run does not tell.

    :param test_split: on which the model is measured; empty: test, or where there is none the
        split that chose the weights
    :param licence: of weights and data; empty: what the data set says
    :param force: replace a model that is there
    :param samples: the user may pass the frames on and puts pictures of them into the directory
    :param engine: that measures
    :param quiet: no progress bar
    """

    test_split: str = ''
    licence: str = ''
    force: bool = False
    samples: bool = False
    engine: str = 'auto'
    quiet: bool = False


class Published(NamedTuple):
    """
    What was made.

    :param evaluation: figures on the test split
    :param split: its name
    :param size_bytes: of all files
    :param samples: path of the picture of samples
    """

    evaluation: Evaluation
    split: str
    size_bytes: int
    samples: str


class Run(NamedTuple):
    """
    A run that is published.

    :param folder: of the run
    :param state: its checkpoint, with facts
    :param dataset: to measure on
    :param split: of the data set
    """

    folder: str
    state: Dict[str, Any]
    dataset: Any
    split: str


def publish(run_folder: str, directory: str, choice: Choice) -> Published:
    """
    Make a model directory out of a run; it appears whole or not at all.

    :param run_folder: of the run
    :param directory: of the model; its name is the model's name
    :param choice: what the run does not tell
    :raises PerceptionError: no usable checkpoint or data, the directory is not free, or the
        frames must not be passed on
    """
    name = check_name(os.path.basename(os.path.abspath(directory)))
    check_free(directory, choice.force)
    run = _open_run(run_folder, choice)
    settings = run.state['settings']
    with new_directory(directory, choice.force) as part:
        card = _write_weights(part, run, name, choice.licence)
        evaluation = evaluate(part, run.dataset, Options(
            engine=choice.engine, samples=SAMPLES, quiet=choice.quiet))
        card = card._replace(metrics=_metrics(evaluation, run.split, card))
        model_card.save(card, part)
        _copy_graph(part, card)
        samples = _write_samples(part, run, choice, evaluation)
        write_text(Path(part, SETTINGS_FILE), yaml.safe_dump(settings, sort_keys=False, width=99))
        write_text(Path(part, PAGE_FILE), page(Facts(
            card, evaluation.figures, evaluation.task, run.split, settings,
            _draw(part, run, evaluation), samples, _parameters(run.state))))
        size_bytes = sum(entry.stat().st_size for entry in os.scandir(part))
    return Published(evaluation, run.split, size_bytes, os.path.join(directory, samples))


def read_run(run_folder: str) -> Dict[str, Any]:
    """
    Return the checkpoint of a run that is worth keeping: the best one, or without checks the last.

    :raises ModelError: there is none
    """
    paths = [os.path.join(run_folder, name) for name in (BEST_FILE, LAST_FILE)]
    if not os.path.exists(paths[1]):
        raise ModelError('{} is no folder of a run, it lacks {}; give the run_folder of a '
                         'training'.format(run_folder, LAST_FILE))
    last = checkpoint.read(paths[1])
    if last['settings']['check_split'] and os.path.exists(paths[0]):
        return checkpoint.read(paths[0])
    return last


def _open_run(folder: str, choice: Choice) -> Run:
    """Read the checkpoint of a run and open the data to measure it on."""
    state = read_run(folder)
    settings = state['settings']
    opener = OPENERS[state.get('facts', {}).get('task', 'segmentation')]
    last_resort = settings['check_split']
    for split in [choice.test_split] if choice.test_split else [TEST_SPLIT, last_resort]:
        try:
            dataset = opener(settings['dataset'], settings['folder'], split,
                             settings.get('dataset_options'))
            break
        except DatasetError:
            if choice.test_split or split == last_resort or not last_resort:
                raise
    if choice.samples and dataset.rights.frames_may_be_shown is False:
        raise SettingsError('the frames of {} must not be passed on ({}); leave --samples out, '
                            'the picture of them stays in the folder of the run'.format(
                                dataset.name, dataset.rights.licence))
    state.setdefault('facts', facts_of('segmentation', dataset.label_set))
    return Run(folder, state, dataset, split)


def _write_weights(part: str, run: Run, name: str, licence: str) -> ModelCard:
    """Write weights and a card without figures."""
    path = os.path.join(part, WEIGHTS_FILE)
    save_state_dict({key: value.contiguous() for key, value in run.state['network'].items()},
                    path)
    facts, settings = run.state['facts'], run.state['settings']
    card = model_card.from_dict({
        'name': name, 'task': facts['task'], 'network': settings['network'],
        'arguments': dict(settings['arguments'], classes=len(facts['classes'])),
        'classes': facts['classes'], 'palette': facts['palette'],
        'input_width': settings['input_width'], 'input_height': settings['input_height'],
        'weights': WEIGHTS_FILE, 'sha256': model_card.file_sha256(path),
        'dataset': '{} {}'.format(run.dataset.name.split('/')[0], settings['train_split']),
        'licence': licence or run.dataset.rights.licence or NOT_STATED, 'origin': _origin(run),
        'multi_label': getattr(run.dataset, 'multi_label', False),
        'crop_ratio': settings.get('crop_ratio', 0.0)})
    model_card.save(card, part)
    return card


def _copy_graph(part: str, card: ModelCard) -> None:
    key = GraphKey(card.sha256, (card.input_height, card.input_width), PRODUCTS[card.task])
    shutil.copyfile(cached_onnx(key, card, find_model(part).network),
                    os.path.join(part, GRAPH_FILE))


def _metrics(evaluation: Evaluation, split: str, card: ModelCard) -> Tuple[Dict[str, Any], ...]:
    metrics, figures = evaluation.figures['metrics'], evaluation.figures
    return tuple({'name': words, 'value': round(metrics[key], 4), 'dataset': figures['dataset'],
                  'split': split, 'images': figures['images'],
                  'size': [card.input_width, card.input_height]}
                 for key, words in evaluation.task.figure_words if metrics.get(key) is not None)


def _draw(part: str, run: Run, evaluation: Evaluation) -> List[str]:
    """Draw charts and curves into the directory; returns the names of the files."""
    pictures = [path.name for path in write_pictures(evaluation, Path(part))]
    curves = curves_of(journal.read_rows(os.path.join(run.folder, journal.CSV_FILE)))
    if curves:
        curves_chart(Path(part, CURVES_FILE), curves, 'epoch')
        pictures.append(CURVES_FILE)
    return pictures


def curves_of(rows: List[Dict[str, str]]) -> List[Curve]:
    """Return loss, score of the checks and learning rate over the epochs of a journal."""
    columns = {'loss': 'loss', 'learning_rate': 'learning rate'}
    columns.update((name, words + ' of the check split') for name, words in SCORES.items())
    curves = []
    for name, title in columns.items():
        points = [(float(row['epoch']), float(row[name])) for row in rows if row.get(name)]
        if points:
            curves.append(Curve(title, *zip(*points)))
    return curves


def _write_samples(part: str, run: Run, choice: Choice, evaluation: Evaluation) -> str:
    """Draw the samples; returns their name in the model directory, or their path elsewhere."""
    if run.dataset.rights.frames_may_be_shown or choice.samples:
        write_samples(evaluation, Path(part, SAMPLES_FILE))
        return SAMPLES_FILE
    path = Path(os.path.abspath(run.folder), SAMPLES_FILE)
    write_samples(evaluation, path)
    return str(path)


def _origin(run: Run) -> str:
    """Return where the weights come from, in words: script, step, day and commit."""
    step = run.state['progress']['step']
    rows = journal.read_rows(os.path.join(run.folder, journal.CSV_FILE))
    epochs = ['epoch {:.0f} of {}'.format(float(row['epoch']), run.state['settings']['epochs'])
              for row in rows if int(row['step']) == step]
    origin = commit()
    return ', '.join(['trained by espnet_perception.training.' + run.state['facts']['task'],
                      'step {}'.format(step), *epochs, datetime.date.today().isoformat()]
                     + ['commit ' + origin] * bool(origin))


def _parameters(state: Dict[str, Any]) -> int:
    """Return the number of trained values."""
    statistics = ('running_mean', 'running_var', 'num_batches_tracked')
    return sum(value.numel() for name, value in state['network'].items()
               if not name.endswith(statistics))
