# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The classification pipeline: the same object serves node, replay, evaluation and tests."""

from typing import Any, Dict, Optional

from espnet_perception.engines import BuildListener, LOGGED
from espnet_perception.errors import EngineError
from espnet_perception.frame import Frame
from espnet_perception.pipeline.base import Inferred, Pipeline
from espnet_perception.pipeline.models import find_model, Model
from espnet_perception.pipeline.smoothing import Smoother
from espnet_perception.results import Classification
from espnet_perception.settings import check, ClassifierSettings
import numpy as np


class Classifier(Pipeline):
    """
    Says what images show, with one model in one engine.

    ``classify`` judges an image by itself; ``follow`` judges the frames of a camera, smoothed over
    time as the settings ask for. Use it from one thread at a time.

    :param model: the model.
    :param engine: a key of ENGINES, or auto.
    :param settings: how to run it.
    :param listener: who is told while it is opened.
    :raises ModelError: not a classification model, or damaged.
    :raises EngineError: engine unknown, absent, or it refused the model.
    """

    task = 'classification'

    def __init__(self, model: Model, engine: str, settings: ClassifierSettings,
                 listener: BuildListener = LOGGED) -> None:
        Pipeline.__init__(self, model, engine, check(settings), 'logits', listener)
        self._smoother = Smoother()

    @property
    def threshold(self) -> float:
        """Probability below which a class is not reported."""
        return self.settings.score_threshold

    def classify(self, image_bgr: np.ndarray) -> Classification:
        """
        Say what one image shows.

        :param image_bgr: (H, W, 3) uint8, blue first, of any size.
        :return: the best classes, the probabilities of all, and how long each stage took.
        :raises ImageError: not such an array.
        :raises EngineError: the engine failed or is closed.
        """
        inferred = self._infer(image_bgr)
        return self._result(inferred, self._probabilities(inferred))

    def follow(self, frame: Frame) -> Classification:
        """
        Say what the next frame of a camera shows, smoothed over its latest frames.

        :param frame: the frame; its stamp and frame_id say whether it follows the one before.
        :return: as ``classify``.
        :raises ImageError: no colour image.
        :raises EngineError: the engine failed or is closed.
        """
        inferred = self._infer(frame.image_bgr)
        return self._result(inferred, self._smoother.add(
            self._probabilities(inferred), frame.stamp_ns, frame.frame_id,
            self.settings.smoothing_frames))

    def change(self, values: Dict[str, Any]) -> None:
        """
        Change settings from the next image on.

        :param values: any of top_k, score_threshold and smoothing_frames.
        :raises SettingsError: a value out of range.
        """
        self.settings = check(self.settings._replace(**values))

    def describe(self) -> Dict[str, Any]:
        """Return the facts of the pipeline, and how the labels are to be understood."""
        facts = Pipeline.describe(self)
        facts['labels_per_image'] = 'several' if self.card.multi_label else 'one'
        return facts

    def _probabilities(self, inferred: Inferred) -> np.ndarray:
        return probabilities(inferred.output.logits, self.card.multi_label)

    def _result(self, inferred: Inferred, scores: np.ndarray) -> Classification:
        ids = best_classes(scores, self.settings.top_k, self.settings.score_threshold)
        names = tuple(self.card.classes[class_id] for class_id in ids)
        return Classification(tuple(ids.tolist()), names, scores[ids], scores,
                              self.card.multi_label, inferred.times())


def probabilities(logits: np.ndarray, multi_label: bool) -> np.ndarray:
    """
    Return the probabilities of classes.

    :param logits: (classes,) float32 scores of the network.
    :param multi_label: a sigmoid for each class instead of softmax over all.
    :return: (classes,) float32.
    :raises EngineError: a score is not a finite number.
    """
    scores = logits.astype(np.float64)
    if not np.isfinite(scores).all():
        raise EngineError('the network gave {} scores of {} that are no finite numbers; its '
                          'weights are damaged'.format(int((~np.isfinite(scores)).sum()),
                                                       scores.size))
    if multi_label:
        shrunk = np.exp(-np.abs(scores))
        values = np.where(scores >= 0, 1.0, shrunk) / (1.0 + shrunk)
    else:
        raised = np.exp(scores - scores.max())
        values = raised / raised.sum()
    return values.astype(np.float32)


def best_classes(scores: np.ndarray, top_k: int, threshold: float) -> np.ndarray:
    """
    Choose the classes to report.

    :param scores: (classes,) float32 probabilities.
    :param top_k: at most so many; 0 = all.
    :param threshold: none below it.
    :return: their ids, best first; of equal ones the lower id first.
    """
    order = np.argsort(-scores, kind='stable')[:top_k or None]
    return order[scores[order] >= threshold]


def create_classifier(model: str, engine: str = 'auto',
                      settings: Optional[ClassifierSettings] = None,
                      listener: BuildListener = LOGGED) -> Classifier:
    """
    Open a classification pipeline.

    :param model: name of a directory in models/, path of a model directory, or path of an
        upstream .pth file.
    :param engine: torch, onnxruntime, openvino, or auto for the fastest present.
    :param settings: size, threads, device, cache, what to report; None for the defaults.
    :param listener: who is told while it is opened; the log, unless somebody else is given.
    :return: the open pipeline; close it or use it as a context manager.
    :raises ModelError: model missing, damaged, foreign, or for another task.
    :raises EngineError: engine unknown or absent.
    :raises SettingsError: a setting out of range.
    """
    return Classifier(find_model(model), engine, settings or ClassifierSettings(), listener)
