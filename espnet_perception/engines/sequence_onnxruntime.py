# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A network that scores the tokens of a whole text, in ONNX Runtime on the CPU."""

from typing import Any, Dict, Sequence

from espnet_perception.engines.base import first_line
from espnet_perception.errors import EngineError
import numpy as np
import onnxruntime

TOKENS_INPUT = 'tokens'


class OnnxRuntimeSequence:
    """
    Runs a graph of ``export.language.export_sequence``.

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
        self._threads = threads

    def run(self, tokens: Sequence[int]) -> np.ndarray:
        """
        Score a text.

        :param tokens: their ids, from the beginning of the text.
        :return: (T, columns) float32 scores, a row after each token.
        """
        return self._session.run(None, {TOKENS_INPUT: np.array(tokens, np.int64)})[0]

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': 'onnxruntime', 'version': onnxruntime.__version__, 'device': 'cpu',
                'precision': 'fp32', 'threads': self._threads}
