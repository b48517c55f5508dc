# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime engine, on the CPU."""

from typing import Any, Dict, List, Optional

from espnet_perception.engines.base import Engine, EngineOptions, first_line
from espnet_perception.errors import EngineError
import numpy as np
import onnxruntime


class OnnxRuntimeEngine(Engine):
    """
    Runs an exported graph in ONNX Runtime.

    :param onnx_path: file written by export.onnx.
    :param options: how to open it.
    :raises EngineError: the file cannot be read, or a device other than the CPU was asked for.
    """

    name = 'onnxruntime'

    def __init__(self, onnx_path: str, options: EngineOptions) -> None:
        super().__init__(options)
        self._refuse_other_than_cpu()
        session_options = onnxruntime.SessionOptions()
        session_options.intra_op_num_threads = options.threads
        session_options.log_severity_level = 3
        try:
            self._session: Optional[Any] = onnxruntime.InferenceSession(
                onnx_path, session_options, providers=['CPUExecutionProvider'])
        except Exception as error:  # ONNX Runtime's own exception types are not public
            raise EngineError('engine onnxruntime cannot read {}: {}'.format(
                onnx_path, first_line(error)))
        first = self._session.get_inputs()[0]
        self._input_name = first.name
        self._input_type = 'float32' if first.type == 'tensor(float)' else 'uint8'

    def _run(self, batch: np.ndarray) -> List[np.ndarray]:
        if self._session is None:
            raise EngineError('engine onnxruntime is closed; open a new one')
        pixels = batch.astype(self._input_type, copy=False)
        return [output[0] for output in self._session.run(None, {self._input_name: pixels})]

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': self.name, 'version': onnxruntime.__version__, 'device': 'cpu',
                'precision': 'fp32', 'threads': self.options.threads}

    def close(self) -> None:
        """Free the session."""
        self._session = None
