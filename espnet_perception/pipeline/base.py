# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What every pipeline shares: a model, opened in an engine at one size."""

from typing import Any, Dict, NamedTuple, Tuple

from espnet_perception.engines import BuildListener, EngineOptions, EngineOutput, LOGGED
from espnet_perception.errors import ModelError
from espnet_perception.pipeline.models import Model, open_engine
from espnet_perception.pipeline.preprocess import check_image, fitter
from espnet_perception.results import StageTimes
from espnet_perception.settings import PipelineSettings
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np

# What both sides of a network's input are multiples of: most halve three or four times and need
# it back; a classifier takes any size.
SIDE_MULTIPLES = {'espnet_a': 8, 'espnet_b': 8, 'espnet_c': 8, 'espnet_c_comparison': 8,
                  'espnet': 8, 'espnetv2': 1}
SIDE_MULTIPLE = 16


class Inferred(NamedTuple):
    """
    What an engine made of an image, and when.

    :param output: the product of the engine.
    :param start_ns: monotonic time at which the image came in.
    :param preprocessed_ns: the engine was given its pixels.
    :param inferred_ns: the engine was done.
    """

    output: EngineOutput
    start_ns: int
    preprocessed_ns: int
    inferred_ns: int

    def times(self) -> StageTimes:
        """Return the duration of each stage; the last one ends now."""
        return StageTimes(self.preprocessed_ns - self.start_ns,
                          self.inferred_ns - self.preprocessed_ns,
                          monotonic_ns() - self.inferred_ns)


class Pipeline:
    """
    One model in one engine. Use it from one thread at a time.

    :param model: the model.
    :param engine: a key of ENGINES, or auto.
    :param settings: how to run it; its fields are more than those of PipelineSettings.
    :param product: what the engine gives: labels, labels+confidence or logits.
    :param listener: who is told while it is opened.
    :raises ModelError: a model for another task, or damaged.
    :raises EngineError: engine unknown, absent, or it refused the model.
    """

    task = ''

    def __init__(self, model: Model, engine: str, settings: Any, product: str,
                 listener: BuildListener = LOGGED) -> None:
        self.card = model.card
        self._graph = model.graph
        self.settings = settings
        if self.card.task != self.task:
            raise ModelError("model '{}' is for {}, expected one for {}".format(
                self.card.name, self.card.task, self.task))
        self._fit = fitter(self.card.resize, self.card.crop_ratio)
        self._size = network_size(model, settings)
        options = EngineOptions(self._size[1], self._size[0], product, settings.threads,
                                settings.device, self.card.input_type, settings.precision,
                                settings.cuda_graph, settings.channels_last, settings.builder)
        self._engine = open_engine(model, engine, options, settings.cache_dir, listener)

    @property
    def threshold(self) -> float:
        """Probability below which a class is not reported."""
        raise NotImplementedError

    def warm_up(self) -> None:
        """Run the engine once, so that the first image is not late."""
        self._engine.warm_up()

    def describe(self) -> Dict[str, Any]:
        """Return model, task, sha256, engine facts and network size as plain values."""
        facts = {'model': self.card.name, 'task': self.task, 'sha256': self.card.sha256,
                 'network_width': self._size[1], 'network_height': self._size[0]}
        facts.update(self._engine.describe())
        if self._graph is not None and self._graph.precision != 'fp32':
            facts['precision'] = self._graph.precision  # of the file; the engine only reads it
        return facts

    def close(self) -> None:
        """Free the engine. Closing twice is fine."""
        self._engine.close()

    def _infer(self, image_bgr: np.ndarray) -> Inferred:
        """Fit an image to the network and run the engine."""
        check_image(image_bgr)
        start_ns = monotonic_ns()
        fitted = self._fit(image_bgr, self._size)
        preprocessed_ns = monotonic_ns()
        output = self._engine.infer(fitted)
        return Inferred(output, start_ns, preprocessed_ns, monotonic_ns())

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.close()


def network_size(model: Model, settings: PipelineSettings) -> Tuple[int, int]:
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


def _nearest_multiple(side: int, multiple: int) -> int:
    return max(multiple, (side + multiple // 2) // multiple * multiple)
