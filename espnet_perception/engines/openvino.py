# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO engine, on the CPU: the fastest one on x86 and Arm processors."""

from typing import Any, Dict, List, Optional

from espnet_perception.engines.base import Engine, EngineOptions, first_line
from espnet_perception.errors import EngineError
import numpy as np
import openvino


class OpenVinoEngine(Engine):
    """
    Runs an exported graph in OpenVINO in float32.

    The precision is fixed because OpenVINO picks bfloat16 by itself where the processor has it,
    which changes labels. Threads are not bound to cores: OpenVINO would bind those of every
    process to the same ones, and two nodes with a thread each would share one core.

    :param onnx_path: file written by export.onnx.
    :param options: how to open it.
    :raises EngineError: the file cannot be read, or a device other than the CPU was asked for.
    """

    name = 'openvino'

    def __init__(self, onnx_path: str, options: EngineOptions) -> None:
        super().__init__(options)
        self._refuse_other_than_cpu()
        settings = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': 'f32',
                    'ENABLE_CPU_PINNING': False}
        if options.threads:
            settings['INFERENCE_NUM_THREADS'] = str(options.threads)
        try:
            compiled = openvino.Core().compile_model(onnx_path, 'CPU', settings)
            self._request: Optional[Any] = compiled.create_infer_request()
        except Exception as error:  # OpenVINO raises RuntimeError and its own kinds
            raise EngineError('engine openvino cannot read {}: {}'.format(
                onnx_path, first_line(error)))
        self._outputs = compiled.outputs
        self._input_type = compiled.input(0).get_element_type().to_dtype()
        self._threads = int(compiled.get_property('INFERENCE_NUM_THREADS'))

    def _run(self, batch: np.ndarray) -> List[np.ndarray]:
        if self._request is None:
            raise EngineError('engine openvino is closed; open a new one')
        self._request.infer([batch.astype(self._input_type, copy=False)], share_inputs=True)
        # the request's tensors are overwritten by the next run
        return [self._request.get_tensor(output).data[0].copy() for output in self._outputs]

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': self.name, 'version': openvino.__version__, 'device': 'cpu',
                'precision': 'fp32', 'threads': self._threads}

    def close(self) -> None:
        """Free the compiled graph."""
        self._request = None
        self._outputs = []
