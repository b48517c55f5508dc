# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The segmentation pipeline: the same object serves node, replay, benchmark and tests."""

from typing import Any, Dict, Optional, Tuple

from espnet_perception.engines import EngineOptions, EngineOutput
from espnet_perception.errors import ModelError, SettingsError
from espnet_perception.pipeline.models import find_model, Model, open_engine
from espnet_perception.pipeline.preprocess import check_image, resize_nearest, RESIZERS
from espnet_perception.results import Segmentation, StageTimes
from espnet_perception.settings import check, SegmenterSettings
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np

# What both sides of a network's input are multiples of: it halves three or four times.
SIDE_MULTIPLES = {'espnet_a': 8, 'espnet_b': 8, 'espnet_c': 8, 'espnet_c_comparison': 8,
                  'espnet': 8}
SIDE_MULTIPLE = 16


class Segmenter:
    """
    Labels images with one model in one engine. Use it from one thread at a time.

    :param model: the model.
    :param engine: a key of ENGINES, or auto.
    :param settings: how to run it.
    :raises ModelError: not a segmentation model, or damaged.
    :raises EngineError: engine unknown, absent, or it refused the model.
    """

    def __init__(self, model: Model, engine: str, settings: SegmenterSettings) -> None:
        self.card = model.card
        self.settings = check_threshold(check(settings))
        if self.card.task != 'segmentation':
            raise ModelError("model '{}' is for {}, expected one for segmentation".format(
                self.card.name, self.card.task))
        self._resize = RESIZERS[self.card.resize]
        self._size = network_size(model, settings)
        product = 'labels+confidence' if settings.confidence else 'labels'
        if settings.keep_logits:
            product = 'logits'
        options = EngineOptions(self._size[1], self._size[0], product, settings.threads,
                                settings.device, self.card.input_type)
        self._engine = open_engine(model, engine, options, settings.cache_dir)

    def segment(self, image_bgr: np.ndarray) -> Segmentation:
        """
        Label every pixel of an image.

        :param image_bgr: (H, W, 3) uint8, blue first, of any size.
        :return: labels and confidence at the image's size, and how long each stage took.
        :raises ImageError: not such an array.
        :raises EngineError: the engine failed or is closed.
        """
        check_image(image_bgr)
        start_ns = monotonic_ns()
        fitted = self._resize(image_bgr, self._size)
        preprocessed_ns = monotonic_ns()
        output = self._engine.infer(fitted)
        inferred_ns = monotonic_ns()
        network_labels, labels, confidence = self._postprocess(output, image_bgr.shape[:2])
        times = StageTimes(preprocessed_ns - start_ns, inferred_ns - preprocessed_ns,
                           monotonic_ns() - inferred_ns)
        return Segmentation(labels, confidence, network_labels, times, output.logits)

    def warm_up(self) -> None:
        """Run the engine once, so that the first image is not late."""
        self._engine.warm_up()

    def set_confidence_threshold(self, threshold: float) -> None:
        """
        Change below which softmax probability a pixel becomes unlabelled.

        :param threshold: 0 to 1; above 0 it needs ``confidence`` in the settings.
        :raises SettingsError: out of range, or confidence is switched off.
        """
        self.settings = check_threshold(check(
            self.settings._replace(confidence_threshold=threshold)))

    def describe(self) -> Dict[str, Any]:
        """Return model, sha256, engine facts and network size as plain values."""
        facts = {'model': self.card.name, 'sha256': self.card.sha256,
                 'network_width': self._size[1], 'network_height': self._size[0]}
        facts.update(self._engine.describe())
        return facts

    def close(self) -> None:
        """Free the engine. Closing twice is fine."""
        self._engine.close()

    def __enter__(self) -> 'Segmenter':
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.close()

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


def network_size(model: Model, settings: SegmenterSettings) -> Tuple[int, int]:
    """
    Return the size at which the network runs.

    :param model: gives the size of the card.
    :param settings: network_width and network_height override it.
    :return: (h, w) in pixels, each the nearest that the network takes.
    """
    multiple = SIDE_MULTIPLES.get(model.card.network, SIDE_MULTIPLE)
    height = settings.network_height or model.card.input_height
    width = settings.network_width or model.card.input_width
    return _nearest_multiple(height, multiple), _nearest_multiple(width, multiple)


def create_segmenter(model: str, engine: str = 'auto',
                     settings: Optional[SegmenterSettings] = None) -> Segmenter:
    """
    Open a segmentation pipeline.

    :param model: name of a directory in models/, path of a model directory, or path of an
        upstream .pth file.
    :param engine: torch, onnxruntime, openvino, or auto for the fastest present.
    :param settings: size, threads, device, confidence and cache; None for the defaults.
    :return: the open pipeline; close it or use it as a context manager.
    :raises ModelError: model missing, damaged or foreign.
    :raises EngineError: engine unknown or absent.
    :raises SettingsError: a setting out of range.
    """
    return Segmenter(find_model(model), engine, settings or SegmenterSettings())


def _nearest_multiple(side: int, multiple: int) -> int:
    return max(multiple, (side + multiple // 2) // multiple * multiple)
