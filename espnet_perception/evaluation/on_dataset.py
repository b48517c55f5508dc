# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure a model on a data set: every image straight through the pipeline, judged as in a replay.

A data set here is anything with ``label_set``, a length, ``read(index)``, which gives an image and
its truth (class ids of the pixels, one class id, or a 1 for each class that is there), and
``name``, perhaps followed by / and its split. It may have ``groups``: names and positions of
images that are also reported by themselves.
"""

from contextlib import closing, ExitStack
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import cv2
from espnet_perception.errors import DatasetError, ImageError, SettingsError
from espnet_perception.evaluation.answers import Answer, ANSWERED
from espnet_perception.evaluation.classification_task import ClassificationTask
from espnet_perception.evaluation.mappings import mapping_for, mapping_to, ModelClasses
from espnet_perception.evaluation.offline import ANSWERERS
from espnet_perception.evaluation.pictures import contact_sheet, fit_width, stacked, title_bar
from espnet_perception.evaluation.scenes import Scene
from espnet_perception.evaluation.segmentation_task import SegmentationTask
from espnet_perception.evaluation.state import FrameRecord, write_image
from espnet_perception.evaluation.summary import plain
from espnet_perception.frame import Frame
from espnet_perception.model_card import ModelCard
from espnet_perception.pipeline import Classifier, Segmenter
from espnet_perception.pipeline.base import network_size
from espnet_perception.pipeline.models import find_model, Model
from espnet_perception.pipeline.preprocess import resize_nearest
from espnet_perception.settings import ClassifierSettings, SegmenterSettings
import numpy as np
from tqdm import tqdm

SAMPLES_WIDTH = 1280
SAMPLE_COLUMNS = {'segmentation': 4, 'classification': 3}


class Options(NamedTuple):
    """
    How a model is run.

    :param engine: a key of ENGINES, or auto.
    :param threads: of the engine; 0 leaves it to the runtime.
    :param size: (width, height) of the network's input in pixels; zeros: that of the card.
    :param scales: of segmentation: sizes of the input over that one; probabilities are averaged.
    :param flip: of segmentation: average with the mirrored image as well.
    :param truth_classes: of segmentation: mapping file from model classes to those of the data.
    :param images: at most so many, the first ones; 0 for all.
    :param samples: keep so many images with their answers, spread over the data set.
    :param quiet: no progress bar.
    """

    engine: str = 'auto'
    threads: int = 0
    size: Tuple[int, int] = (0, 0)
    scales: Tuple[float, ...] = (1.0,)
    flip: bool = False
    truth_classes: str = ''
    images: int = 0
    samples: int = 0
    quiet: bool = False


class Evaluation(NamedTuple):
    """
    What was found.

    :param figures: plain values: model, data set, images, left_out, metrics, groups ...
    :param samples: some images with their answers.
    :param task: how the answers were judged.
    :param model: the classes of the model.
    """

    figures: Dict[str, Any]
    samples: List[Scene]
    task: Any
    model: ModelClasses


class _Truth(NamedTuple):
    """Truth of the image at hand, as tasks ask for it."""

    value: Any

    def labels(self, index: int, stamp_ns: int) -> np.ndarray:
        return self.value

    def ids(self, index: int, stamp_ns: int) -> List[int]:
        return self.value


def evaluate(name: str, dataset: Any, options: Options) -> Evaluation:
    """
    Run a model over a data set.

    :param name: of the model, as ``find_model`` takes it.
    :param dataset: see above.
    :param options: how.
    :return: figures and samples; images that cannot be read are left out and named.
    :raises PerceptionError: model, engine or classes cannot be used, or no image can be read.
    """
    model = find_model(name)
    card = model.card
    classes = ModelClasses(card.name, tuple(card.classes), tuple(card.palette), card.void_id)
    task, ids = _task(card, classes, dataset, options)
    count = min(options.images or len(dataset), len(dataset))
    wanted = set(np.linspace(0, count - 1, min(options.samples, count)).astype(int).tolist())
    with ExitStack() as stack:
        answerer, facts = _open(model, options, stack)
        records, samples, left_out = [], [], []
        for index in tqdm(range(count), desc=dataset.name, unit='image', disable=options.quiet,
                          leave=False):
            try:
                image_bgr, truth = dataset.read(index)
                fields = answerer(Frame(image_bgr, 0, ''))
            except (DatasetError, ImageError) as error:
                left_out.append(str(error))
                continue
            fields.pop('times_ns', None)
            answer = Answer(index, 0, 0, ANSWERED, **fields)
            truth = truth if ids is None else _true_ids(truth, ids)
            records.append(task.record(answer, _Truth(truth)))
            if index in wanted:
                samples.append(Scene(records[-1], image_bgr, answer.labels,
                                     truth if ids is None else None))
    if not records:
        raise DatasetError('none of the {} images of {} can be read, the last: {}'.format(
            count, dataset.name, left_out[-1]))
    figures = {'model': card.name, 'sha256': card.sha256, 'task': card.task, 'source': facts,
               'dataset': dataset.name.split('/')[0], 'images': len(records), 'left_out': left_out,
               'label_set': task.label_set.name, 'classes': list(task.label_set.classes),
               'unmapped_model_classes': list(task.unmapped), 'metrics': task.metrics(records),
               'groups': _groups(records, dataset, task)}
    return Evaluation(plain(figures), samples, task, classes)


def write_pictures(evaluation: Evaluation, folder: Path) -> List[Path]:
    """
    Draw the charts of an evaluation.

    :param evaluation: the figures.
    :param folder: where to; it exists.
    :return: paths of the pictures.
    :raises OutputError: they cannot be written.
    """
    return [path for path, _ in evaluation.task.charts(evaluation.figures['metrics'], folder)]


def write_samples(evaluation: Evaluation, path: Path) -> None:
    """
    Draw the samples: image, prediction, truth and mistakes in a row each.

    :param evaluation: with samples.
    :param path: of the picture; mind whether the images may be passed on.
    :raises OutputError: it cannot be written.
    """
    look, figures = evaluation.task.look(evaluation.model), evaluation.figures
    panels = [panel for scene in evaluation.samples for panel in look.panels(scene)]
    grid = contact_sheet(panels, SAMPLE_COLUMNS[figures['task']])
    bar = title_bar(grid.shape[1], figures['model'], figures['dataset'], height=40)
    picture = stacked([bar, grid] + look.legend(evaluation.samples, grid.shape[1]))
    write_image(path, fit_width(picture, SAMPLES_WIDTH))


class _Averaged:
    """Several sizes, and perhaps the mirrored image: the mean of the probabilities decides."""

    def __init__(self, segmenters: Sequence[Segmenter], size: Tuple[int, int], flip: bool) -> None:
        self._segmenters, self._size, self._flip = segmenters, size, flip

    def __call__(self, frame: Frame) -> Dict[str, Any]:
        total = 0.0
        for segmenter in self._segmenters:
            for step in (1, -1) if self._flip else (1,):
                image_bgr = np.ascontiguousarray(frame.image_bgr[:, ::step])
                logits = segmenter.segment(image_bgr).logits[:, :, ::step]
                raised = np.exp(logits - logits.max(axis=0))
                shares = np.ascontiguousarray((raised / raised.sum(axis=0)).transpose(1, 2, 0))
                total = total + cv2.resize(shares, self._size[::-1],
                                           interpolation=cv2.INTER_LINEAR)
        labels = total.argmax(axis=2).astype(np.uint8)
        return {'labels': resize_nearest(labels, frame.image_bgr.shape[:2])}


def _open(model: Model, options: Options, stack: ExitStack
          ) -> Tuple[Callable[[Frame], Dict[str, Any]], Dict[str, Any]]:
    """Return what answers a frame, and plain values on model, engine and sizes."""
    width, height = options.size
    common = {'threads': options.threads, 'network_width': width, 'network_height': height}
    if model.card.task == 'classification':
        if options.scales != (1.0,) or options.flip or options.truth_classes:
            raise SettingsError('--scales, --flip and --truth-classes are for segmentation, the '
                                "model '{}' is for classification".format(model.card.name))
        pipeline = Classifier(model, options.engine, ClassifierSettings(top_k=0, **common))
    elif options.scales == (1.0,) and not options.flip:
        exported = model.graph is not None  # gives what it gives; no figure needs confidence
        pipeline = Segmenter(model, options.engine, SegmenterSettings(
            confidence=not exported or model.graph.product != 'labels', **common))
    else:
        return _open_averaged(model, options, stack)
    stack.enter_context(closing(pipeline))
    answerer = ANSWERERS[model.card.task]
    return lambda frame: answerer(pipeline, frame), pipeline.describe()


def _open_averaged(model: Model, options: Options, stack: ExitStack
                   ) -> Tuple[_Averaged, Dict[str, Any]]:
    settings = SegmenterSettings(threads=options.threads, keep_logits=True,
                                 network_width=options.size[0], network_height=options.size[1])
    base = network_size(model, settings)
    segmenters = []
    for scale in options.scales:
        height, width = (max(1, round(side * scale)) for side in base)
        segmenter = Segmenter(model, options.engine, settings._replace(
            network_width=width, network_height=height))
        segmenters.append(stack.enter_context(closing(segmenter)))
    facts = dict(segmenters[0].describe(), network_width=base[1], network_height=base[0],
                 scales=list(options.scales), flip=options.flip)
    return _Averaged(segmenters, base, options.flip), facts


def _task(card: ModelCard, model: ModelClasses, dataset: Any, options: Options
          ) -> Tuple[Any, Any]:
    """Return what judges, and for a classifier the model's id of each class of the data set."""
    labelled = hasattr(dataset, 'multi_label')
    if labelled != (card.task == 'classification'):
        raise DatasetError("the model '{}' is for {}, and the data set {} has {}".format(
            card.name, card.task, dataset.name, 'a class for each image' if labelled
            else 'a mask for each image'))
    if not labelled:
        return SegmentationTask(_mapping(model, dataset, options.truth_classes)), None
    if dataset.multi_label != card.multi_label:
        ways = {False: 'one class', True: 'any number of classes'}
        raise DatasetError("an image of {} has {}, the model '{}' tells {}".format(
            dataset.name, ways[dataset.multi_label], card.name, ways[card.multi_label]))
    foreign = [name for name in dataset.label_set.classes if name not in model.classes]
    if foreign:
        raise DatasetError("{} classes of {} are none of the model '{}', such as {}".format(
            len(foreign), dataset.name, card.name, foreign[0]))
    ids = [model.classes.index(name) for name in dataset.label_set.classes]
    return ClassificationTask(model, card.multi_label), ids


def _mapping(model: ModelClasses, dataset: Any, path: str) -> Any:
    if not path:
        return mapping_to(model, dataset.label_set)
    mapping = mapping_for(model, path)
    if mapping.label_set.classes != dataset.label_set.classes:
        raise DatasetError('{} is for the classes {}, the data set {} has {}'.format(
            path, ', '.join(mapping.label_set.classes), dataset.name,
            ', '.join(dataset.label_set.classes)))
    return mapping


def _true_ids(truth: Any, ids: Sequence[int]) -> List[int]:
    """Return the model's ids of the true classes of an image."""
    own = np.flatnonzero(truth) if np.ndim(truth) else [int(truth)]
    return [ids[class_id] for class_id in own]


def _groups(records: Sequence[FrameRecord], dataset: Any, task: Any) -> Dict[str, Any]:
    """Return the number of images and the metrics of each group of the data set."""
    found = {}
    for name, positions in getattr(dataset, 'groups', {}).items():
        members = set(positions)
        part = [record for record in records if record.index in members]
        if part:
            found[name] = {'images': len(part), 'metrics': task.metrics(part)}
    return found
