# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The segmentation pipeline: the same object serves node, replay, benchmark and tests."""

from typing import Optional, Tuple

from espnet_perception.engines import BuildListener, EngineOutput, LOGGED
from espnet_perception.errors import SettingsError
from espnet_perception.pipeline.base import Pipeline
from espnet_perception.pipeline.models import find_model, Model
from espnet_perception.pipeline.preprocess import resize_nearest
from espnet_perception.results import Segmentation
from espnet_perception.settings import check, SegmenterSettings
import numpy as np


class Segmenter(Pipeline):
    """
    Labels images with one model in one engine. Use it from one thread at a time.

    :param model: the model.
    :param engine: a key of ENGINES, or auto.
    :param settings: how to run it.
    :param listener: who is told while it is opened.
    :raises ModelError: not a segmentation model, or damaged.
    :raises EngineError: engine unknown, absent, or it refused the model.
    """

    task = 'segmentation'

    def __init__(self, model: Model, engine: str, settings: SegmenterSettings,
                 listener: BuildListener = LOGGED) -> None:
        product = 'labels+confidence' if settings.confidence else 'labels'
        if settings.keep_logits:
            product = 'logits'
        Pipeline.__init__(self, model, engine, check_threshold(check(settings)), product,
                          listener)

    @property
    def threshold(self) -> float:
        """Softmax probability below which a pixel is unlabelled."""
        return self.settings.confidence_threshold

    def segment(self, image_bgr: np.ndarray) -> Segmentation:
        """
        Label every pixel of an image.

        :param image_bgr: (H, W, 3) uint8, blue first, of any size.
        :return: labels and confidence at the image's size, and how long each stage took.
        :raises ImageError: not such an array.
        :raises EngineError: the engine failed or is closed.
        """
        inferred = self._infer(image_bgr)
        network_labels, labels, confidence = self._postprocess(inferred.output,
                                                               image_bgr.shape[:2])
        return Segmentation(labels, confidence, network_labels, inferred.times(),
                            inferred.output.logits)

    def set_confidence_threshold(self, threshold: float) -> None:
        """
        Change below which softmax probability a pixel becomes unlabelled.

        :param threshold: 0 to 1; above 0 it needs ``confidence`` in the settings.
        :raises SettingsError: out of range, or confidence is switched off.
        """
        self.settings = check_threshold(check(
            self.settings._replace(confidence_threshold=threshold)))

    def _postprocess(self, output: EngineOutput, size: Tuple[int, int]) -> Tuple[
            np.ndarray, np.ndarray, Optional[np.ndarray]]:
        network_labels, network_confidence = output.labels, output.confidence
        if output.logits is not None:
            network_labels, network_confidence = decide(output.logits)
        labels = network_labels
        threshold = self.settings.confidence_threshold
        if threshold > 0.0:
            unsure = network_confidence < int(np.ceil(threshold * 255.0))
            labels = np.where(unsure, np.uint8(self.card.void_id), labels)
        confidence = None
        if self.settings.confidence:
            confidence = resize_nearest(network_confidence, size)
        return network_labels, resize_nearest(labels, size), confidence


def check_threshold(settings: SegmenterSettings) -> SegmenterSettings:
    """
    Refuse a confidence threshold without confidence.

    :param settings: the settings.
    :return: the same settings.
    :raises SettingsError: threshold above 0 while confidence is off.
    """
    if settings.confidence_threshold > 0.0 and not settings.confidence:
        raise SettingsError("setting 'confidence_threshold' is {}, but confidence is switched "
                            "off; set 'confidence' to true".format(settings.confidence_threshold))
    return settings


def decide(logits: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """
    Return labels and confidence of class scores, as the graph does it.

    :param logits: (classes, h, w) float32.
    :return: (h, w) uint8 class ids and (h, w) uint8, 255 times the softmax probability.
    """
    labels = logits.argmax(axis=0).astype(np.uint8)
    probability = 1.0 / np.exp(logits - logits.max(axis=0)).sum(axis=0)
    return labels, (probability * 255.0 + 0.5).astype(np.uint8)


def create_segmenter(model: str, engine: str = 'auto',
                     settings: Optional[SegmenterSettings] = None,
                     listener: BuildListener = LOGGED) -> Segmenter:
    """
    Open a segmentation pipeline.

    :param model: name of a directory in models/, path of a model directory, or path of an
        upstream .pth file.
    :param engine: torch, onnxruntime, openvino, or auto for the fastest present.
    :param settings: size, threads, device, confidence and cache; None for the defaults.
    :param listener: who is told while it is opened; the log, unless somebody else is given.
    :return: the open pipeline; close it or use it as a context manager.
    :raises ModelError: model missing, damaged or foreign.
    :raises EngineError: engine unknown or absent.
    :raises SettingsError: a setting out of range.
    """
    return Segmenter(find_model(model), engine, settings or SegmenterSettings(), listener)
