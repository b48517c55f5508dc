# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The contract of every engine: one file per runtime, one row per engine in ENGINES."""

from typing import Any, Dict, NamedTuple, Optional, Tuple

from espnet_perception.errors import EngineError
import numpy as np


class EngineOptions(NamedTuple):
    """
    How an engine is opened.

    :param width: width of the network's input in pixels.
    :param height: height, likewise.
    :param product: labels, labels+confidence or logits.
    :param threads: CPU threads; 0 leaves it to the runtime.
    :param device: auto, cpu, cuda or cuda:N.
    :param input_type: type of the pixels that the engine is given, uint8 or float32.
    :param precision: fp32, fp16 or int8, as far as the engine has it.
    :param cuda_graph: record a run on the GPU and launch it as one, where the engine can.
    :param channels_last: keep the channels of a pixel together in memory, likewise.
    :param builder: onnx, or torch2trt where the engine is TensorRT's.
    """

    width: int
    height: int
    product: str
    threads: int = 0
    device: str = 'auto'
    input_type: str = 'uint8'
    precision: str = 'fp32'
    cuda_graph: bool = False
    channels_last: bool = False
    builder: str = 'onnx'


EXTRAS = {name: getattr(EngineOptions(0, 0, ''), name)
          for name in ('cuda_graph', 'channels_last', 'builder')}


class EngineOutput(NamedTuple):
    """
    What an engine makes of one image; the caller owns the arrays.

    :param labels: (h, w) uint8 class ids, or None with product logits.
    :param confidence: (h, w) uint8, or None where it was not asked for.
    :param logits: (classes, h, w) float32, of a classifier (classes,), or None.
    """

    labels: Optional[np.ndarray]
    confidence: Optional[np.ndarray]
    logits: Optional[np.ndarray]


class Engine:
    """
    Base of the engines: a context manager around one loaded graph.

    :param options: how to open it.
    :raises EngineError: it does not have this precision, or something else that is asked for.
    """

    name = ''
    precisions: Tuple[str, ...] = ('fp32',)
    extras: Tuple[str, ...] = ()  # what it has of EXTRAS

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        if options.precision not in self.precisions:
            raise EngineError("engine {} got precision '{}', expected {}".format(
                self.name, options.precision, ' or '.join(self.precisions)))
        for name, usual in EXTRAS.items():
            if getattr(options, name) != usual and name not in self.extras:
                raise EngineError('engine {} got {} {}, which it has not; leave it at {}'.format(
                    self.name, name, _plain(getattr(options, name)), _plain(usual)))

    def infer(self, image_bgr: np.ndarray) -> EngineOutput:
        """
        Run the graph.

        :param image_bgr: (height, width, 3), of size and type in the options, 0..255.
        :return: the product that was asked for.
        :raises EngineError: wrong image, closed engine, or the runtime failed.
        """
        expected = (self.options.height, self.options.width, 3)
        if image_bgr.shape != expected or image_bgr.dtype != self.options.input_type:
            raise EngineError('engine {} got {} {}, expected {} {}'.format(
                self.name, image_bgr.shape, image_bgr.dtype, expected, self.options.input_type))
        try:
            outputs = self._run(np.ascontiguousarray(image_bgr)[np.newaxis])
        except EngineError:
            raise
        except Exception as error:  # each runtime has exceptions of its own
            raise EngineError('engine {} failed: {}'.format(self.name, first_line(error)))
        if self.options.product == 'logits':
            return EngineOutput(None, None, outputs[0])
        with_confidence = self.options.product == 'labels+confidence'
        if len(outputs) < 1 + with_confidence:
            raise EngineError('the graph of engine {} gives no confidence; export it with '
                              '--confidence'.format(self.name))
        return EngineOutput(_as_bytes(outputs[0]),
                            _as_bytes(outputs[1]) if with_confidence else None, None)

    def warm_up(self) -> None:
        """Run once on an empty image, so that the first real one is not late."""
        self.infer(np.zeros((self.options.height, self.options.width, 3),
                            dtype=self.options.input_type))

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        raise NotImplementedError

    def close(self) -> None:
        """Free the graph; infer refuses afterwards. Closing twice is fine."""
        raise NotImplementedError

    def _refuse_other_than_cpu(self) -> None:
        """Raise EngineError where a device was asked for that an engine of the CPU has not."""
        if self.options.device not in ('auto', 'cpu'):
            raise EngineError("engine {} got device '{}', expected auto or cpu".format(
                self.name, self.options.device))

    def _run(self, batch: np.ndarray) -> Any:
        """Map (1, h, w, 3) pixels to the output arrays without the batch axis."""
        raise NotImplementedError

    def __enter__(self) -> 'Engine':
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.close()


def _plain(value: Any) -> str:
    return str(value).lower()


def _as_bytes(plane: np.ndarray) -> np.ndarray:
    """Return class ids or confidence as uint8; a graph for TensorRT gives int32 and float32."""
    return plane.astype(np.uint8, copy=False)


def first_line(error: Exception) -> str:
    """Return the first line of a foreign error, short enough for one sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]
