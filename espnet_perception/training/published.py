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
import subprocess
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
SCORE_COLUMNS = ('miou', 'top1', 'overall_f1')  # of the journal; of each task the first that is


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
    state = read_run(run_folder)
    dataset, split = _open_test(state, choice)
    _check_samples(dataset, choice)
    state.setdefault('facts', facts_of('segmentation', dataset.label_set))
    with new_directory(directory, choice.force) as part:
        card = _write_weights(part, state, name, dataset, choice)
        evaluation = evaluate(part, dataset, Options(engine=choice.engine, samples=SAMPLES,
                                                     quiet=choice.quiet))
        card = card._replace(metrics=_metrics(evaluation, split, card))
        model_card.save(card, part)
        graph = cached_onnx(GraphKey(card.sha256, (card.input_height, card.input_width),
                                     PRODUCTS[card.task]), card, find_model(part).network)
        shutil.copyfile(graph, os.path.join(part, GRAPH_FILE))
        pictures = _draw(run_folder, part, evaluation)
        samples = _write_samples(run_folder, part, dataset, choice, evaluation)
        write_text(Path(part, SETTINGS_FILE),
                   yaml.safe_dump(state['settings'], sort_keys=False, width=99))
        facts = Facts(card, evaluation.figures, evaluation.task, split, state['settings'],
                      _where(run_folder, state), _commit(), datetime.date.today().isoformat(),
                      pictures, samples, _parameters(state))
        write_text(Path(part, PAGE_FILE), page(facts))
        size_bytes = sum(entry.stat().st_size for entry in os.scandir(part))
    if not os.path.isabs(samples) and samples:
        samples = os.path.join(directory, samples)
    return Published(evaluation, split, size_bytes, samples)


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


def _open_test(state: Dict[str, Any], choice: Choice) -> Tuple[Any, str]:
    """Open the data to measure on, and return it with the name of its split."""
    settings = state['settings']
    opener = OPENERS[state.get('facts', {}).get('task', 'segmentation')]

    def opened(split: str) -> Any:
        return opener(settings['dataset'], settings['folder'], split,
                      settings.get('dataset_options'))

    if choice.test_split:
        return opened(choice.test_split), choice.test_split
    try:
        return opened(TEST_SPLIT), TEST_SPLIT
    except DatasetError:
        if not settings['check_split']:
            raise
        return opened(settings['check_split']), settings['check_split']


def _check_samples(dataset: Any, choice: Choice) -> None:
    if choice.samples and dataset.rights.frames_may_be_shown is False:
        raise SettingsError('the frames of {} must not be passed on ({}); leave --samples out, '
                            'the picture of them stays in the folder of the run'.format(
                                dataset.name, dataset.rights.licence))


def _write_weights(part: str, state: Dict[str, Any], name: str, dataset: Any, choice: Choice
                   ) -> ModelCard:
    """Write weights and a card without figures."""
    path = os.path.join(part, WEIGHTS_FILE)
    save_state_dict({key: value.contiguous() for key, value in state['network'].items()}, path)
    facts, settings = state['facts'], state['settings']
    card = model_card.from_dict({
        'name': name, 'task': facts['task'], 'network': settings['network'],
        'arguments': dict(settings['arguments'], classes=len(facts['classes'])),
        'classes': facts['classes'], 'palette': facts['palette'],
        'input_width': settings['input_width'], 'input_height': settings['input_height'],
        'weights': WEIGHTS_FILE, 'sha256': model_card.file_sha256(path),
        'dataset': '{} {}'.format(dataset.name.split('/')[0], settings['train_split']),
        'licence': choice.licence or dataset.rights.licence or NOT_STATED,
        'origin': 'trained by espnet_perception.training.{}, step {}'.format(
            facts['task'], state['progress']['step']),
        'multi_label': getattr(dataset, 'multi_label', False),
        'crop_ratio': settings.get('crop_ratio', 0.0)})
    model_card.save(card, part)
    return card


def _metrics(evaluation: Evaluation, split: str, card: ModelCard) -> Tuple[Dict[str, Any], ...]:
    metrics, figures = evaluation.figures['metrics'], evaluation.figures
    return tuple({'name': words, 'value': round(metrics[key], 4), 'dataset': figures['dataset'],
                  'split': split, 'images': figures['images'],
                  'size': [card.input_width, card.input_height]}
                 for key, words in evaluation.task.figure_words if metrics.get(key) is not None)


def _draw(run_folder: str, part: str, evaluation: Evaluation) -> List[str]:
    """Draw charts and curves into the directory; returns the names of the files."""
    pictures = [path.name for path in write_pictures(evaluation, Path(part))]
    curves = curves_of(journal.read_rows(os.path.join(run_folder, journal.CSV_FILE)))
    if curves:
        curves_chart(Path(part, CURVES_FILE), curves, 'epoch')
        pictures.append(CURVES_FILE)
    return pictures


def curves_of(rows: List[Dict[str, str]]) -> List[Curve]:
    """Return loss, score of the checks and learning rate over the epochs of a journal."""
    columns = [('loss', 'loss'), ('learning_rate', 'learning rate')]
    columns[1:1] = [(name, name + ' of the check split') for name in SCORE_COLUMNS
                    if any(row.get(name) for row in rows)][:1]
    curves = []
    for name, title in columns:
        points = [(float(row['epoch']), float(row[name])) for row in rows if row.get(name)]
        if points:
            curves.append(Curve(title, *zip(*points)))
    return curves


def _write_samples(run_folder: str, part: str, dataset: Any, choice: Choice,
                   evaluation: Evaluation) -> str:
    """Draw the samples; returns their name in the model directory, or their path elsewhere."""
    if dataset.rights.frames_may_be_shown or choice.samples:
        write_samples(evaluation, Path(part, SAMPLES_FILE))
        return SAMPLES_FILE
    path = Path(os.path.abspath(run_folder), SAMPLES_FILE)
    write_samples(evaluation, path)
    return str(path)


def _where(run_folder: str, state: Dict[str, Any]) -> str:
    """Return which step of the run the weights are from, in words."""
    step = state['progress']['step']
    rows = journal.read_rows(os.path.join(run_folder, journal.CSV_FILE))
    epoch = next((float(row['epoch']) for row in rows if int(row['step']) == step), None)
    return 'step {}{}'.format(step, '' if epoch is None else ', epoch {:.0f} of {}'.format(
        epoch, state['settings']['epochs']))


def _parameters(state: Dict[str, Any]) -> int:
    """Return the number of trained values."""
    statistics = ('running_mean', 'running_var', 'num_batches_tracked')
    return sum(value.numel() for name, value in state['network'].items()
               if not name.endswith(statistics))


def _commit() -> str:
    """Return the commit of the source tree, empty where it is none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / '.git').exists():
        return ''
    try:
        found = subprocess.run(['git', '-C', str(root), 'rev-parse', '--short', 'HEAD'],
                               capture_output=True, text=True, check=True, timeout=10)
        return found.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ''
