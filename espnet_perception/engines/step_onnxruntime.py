# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A network that takes a token at a time and hands on its state, in ONNX Runtime on the CPU."""

from typing import Any, Dict, Tuple

from espnet_perception.engines.base import first_line
from espnet_perception.errors import EngineError
import numpy as np
import onnxruntime

TOKEN_INPUT = 'token'


class OnnxRuntimeStep:
    """
    Runs a graph of ``export.language``.

    :param onnx_path: the graph.
    :param threads: CPU threads; 0 leaves it to the runtime.
    :raises EngineError: the file cannot be read.
    """

    def __init__(self, onnx_path: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                onnx_path, options, providers=['CPUExecutionProvider'])
        except Exception as error:  # ONNX Runtime's own exception types are not public
            raise EngineError('engine onnxruntime cannot read {}: {}'.format(
                onnx_path, first_line(error)))
        self._shapes = {one.name: one.shape for one in self._session.get_inputs()
                        if one.name != TOKEN_INPUT}
        self._threads = threads

    def initial_state(self) -> Tuple[np.ndarray, ...]:
        """Return the state before the first token, opaque to the caller."""
        return tuple(np.zeros(shape, np.float32) for shape in self._shapes.values())

    def run(self, token: int, state: Tuple[np.ndarray, ...]
            ) -> Tuple[np.ndarray, Tuple[np.ndarray, ...]]:
        """
        Take a token.

        :param token: its id.
        :param state: after the token before; it is not changed.
        :return: (columns,) float32 scores, and the state after the token.
        """
        feed = dict(zip(self._shapes, state))  # type: Dict[str, Any]
        feed[TOKEN_INPUT] = np.array([token], np.int64)
        outputs = self._session.run(None, feed)
        return outputs[0][0], tuple(outputs[1:])

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': 'onnxruntime', 'version': onnxruntime.__version__, 'device': 'cpu',
                'precision': 'fp32', 'threads': self._threads}
