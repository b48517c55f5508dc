# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What this machine can do, measured briefly, and how long a graph really takes on it."""

from typing import Any, Callable, List, Tuple

from espnet_perception.engines import engine_class, EngineOptions
from espnet_perception.export.roofline import Limits
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np

SIDE = 768  # of the matrices whose product is timed
COPIED = 24000000  # bytes that are copied: as the maps of a layer, more than a cache holds
REPEATS = 7


def limits_here() -> Limits:
    """
    Return what the processor at hand does: a matrix product and a copy by NumPy, in fp32.

    The cost of a launch is left at 0: it has to be measured with a graph.
    """
    left = np.random.RandomState(1).rand(SIDE, SIDE).astype(np.float32)
    source = np.ones(COPIED // 4, dtype=np.float32)
    target = np.empty_like(source)
    product_s = _fastest(lambda: np.dot(left, left))
    copy_s = _fastest(lambda: np.copyto(target, source))
    rate = 2.0 * SIDE ** 3 / product_s
    return Limits('this machine', rate, rate, 2.0 * COPIED / copy_s, 0.0)


def graph_seconds(path: str, engine: str, form: Tuple[int, int, str, str], repeats: int = REPEATS
                  ) -> float:
    """
    Return how long a graph takes in an engine: the median of some runs, in seconds.

    :param path: of an ONNX file, pixels in.
    :param engine: onnxruntime or openvino.
    :param form: (width, height, product, type of the pixels).
    :param repeats: how many runs.
    :raises EngineError: the engine is absent or refuses it.
    """
    width, height, product, input_type = form
    options = EngineOptions(width, height, product, input_type=input_type)
    image = np.full((height, width, 3), 127, dtype=input_type)
    with engine_class(engine)(path, options) as opened:
        opened.warm_up()
        return float(np.median(_durations(lambda: opened.infer(image), repeats)))


def _fastest(work: Callable[[], Any]) -> float:
    work()
    return min(_durations(work, REPEATS))


def _durations(work: Callable[[], Any], repeats: int) -> List[float]:
    found = []
    for _ in range(repeats):
        start_ns = monotonic_ns()
        work()
        found.append((monotonic_ns() - start_ns) / 1e9)
    return found
