# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Post-training quantisation by ONNX Runtime: pairs of QuantizeLinear and DequantizeLinear."""

import logging
import os
import tempfile
from typing import Any, Dict, Iterator, Optional, Sequence

from espnet_perception.errors import EngineError
from espnet_perception.export.quantise import block_of, Progress
import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantType
from onnxruntime.quantization.calibrate import CalibrationMethod, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

QUANTISED = ('Conv', 'MatMul')  # layers with weights


class OnnxQuantiser:
    """
    A graph whose layers with weights can be put into INT8, calibrated once.

    Activations are uint8 with a zero point, weights int8 for each output channel.

    :param onnx_path: graph in fp32, pixels in.
    :param frames: (h, w, 3) BGR of the graph's size and type, to calibrate on.
    :param progress: shows how far the calibration is.
    :raises EngineError: ONNX Runtime refuses the graph.
    """

    suffix = '.onnx'

    def __init__(self, onnx_path: str, frames: Sequence[np.ndarray], progress: Progress) -> None:
        self._path = onnx_path
        graph = onnx.load(onnx_path).graph
        self._block_of = {node.name: block_of(node.name) for node in graph.node
                          if node.op_type in QUANTISED}
        self.blocks = sorted(set(self._block_of.values()))
        with tempfile.TemporaryDirectory() as folder:
            try:
                calibrator = create_calibrator(
                    onnx_path, QUANTISED, os.path.join(folder, 'observed.onnx'),
                    calibrate_method=CalibrationMethod.MinMax)
                calibrator.collect_data(_Reader(graph.input[0].name,
                                                progress('calibrating', frames)))
                self._ranges = calibrator.compute_data()
            except (RuntimeError, ValueError) as error:
                raise EngineError('ONNX Runtime cannot calibrate the graph: {}'.format(
                    ' '.join(str(error).split())[:160]))

    def save(self, blocks: Sequence[str], path: str) -> None:
        """
        Write the graph with these blocks in INT8 and the others in float, without metadata.

        :param blocks: some of ``blocks``.
        :param path: NAME.onnx.
        """
        nodes = [name for name, block in self._block_of.items() if block in blocks]
        logger = logging.getLogger()
        level = logger.level
        logger.setLevel(logging.ERROR)  # it recommends what the export has done already
        try:
            quantizer = QDQQuantizer(
                onnx.load(self._path), per_channel=True, reduce_range=False,
                weight_qType=QuantType.QInt8, activation_qType=QuantType.QUInt8,
                tensors_range=self._ranges, nodes_to_quantize=nodes, nodes_to_exclude=[],
                op_types_to_quantize=list(QUANTISED),
                extra_options={'OpTypesToExcludeOutputQuantization': list(QUANTISED)})
            quantizer.quantize_model()
        finally:
            logger.setLevel(level)
        onnx.save(quantizer.model.model, path)


class _Reader(CalibrationDataReader):
    """Frames as ONNX Runtime asks for them."""

    def __init__(self, name: str, frames: Sequence[np.ndarray]) -> None:
        self._frames = self._batches(name, frames)

    @staticmethod
    def _batches(name: str, frames: Sequence[np.ndarray]) -> Iterator[Dict[str, Any]]:
        for frame in frames:
            yield {name: frame[np.newaxis]}

    def get_next(self) -> Optional[Dict[str, Any]]:
        """Return the next batch, or None after the last."""
        return next(self._frames, None)
