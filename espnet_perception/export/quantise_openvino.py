# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Post-training quantisation for OpenVINO by NNCF: calibrated once, block by block taken back."""

from contextlib import redirect_stdout
import io
import logging
from typing import Any, List, Sequence, Set

from espnet_perception.errors import EngineError
from espnet_perception.export.quantise import block_of, Progress
import numpy as np
import openvino
from openvino._offline_transformations import compress_quantize_weights_transformation
from openvino.passes import ConstantFolding, Manager

INSTALL = 'pip install nncf, or pip install -r requirements/quantise.txt'
QUANTISED = ('Convolution', 'GroupConvolution', 'MatMul')  # layers with weights


class OpenVinoQuantiser:
    """
    A graph with a quantiser at every input of every layer with weights.

    Activations are asymmetric, weights symmetric for each output channel. NNCF's correction of
    biases is left out: it belongs to a fixed set of layers, and blocks are taken back here.

    :param onnx_path: graph in fp32, pixels in.
    :param frames: (h, w, 3) BGR of the graph's size and type, to calibrate on.
    :param progress: shows how far the calibration is.
    :raises EngineError: nncf is not installed, or refuses the graph.
    """

    suffix = '.xml'

    def __init__(self, onnx_path: str, frames: Sequence[np.ndarray], progress: Progress) -> None:
        try:
            import nncf
            from nncf.openvino.quantization.backend_parameters import BackendParameters
        except ImportError:
            raise EngineError('int8 for OpenVINO needs the package nncf ({})'.format(INSTALL))
        nncf.set_log_level(logging.ERROR)
        kept = openvino.Core().read_model(onnx_path)
        # weights of grouped convolutions are reshaped by a chain of operators, behind which NNCF
        # takes the wrong axes for their channels
        passes = Manager()
        passes.register_pass(ConstantFolding())
        passes.run_passes(kept)
        kinds = {one.get_type_name() for one in kept.get_ops()} - set(QUANTISED)
        dataset = nncf.Dataset(_Shown(frames, progress), lambda frame: frame[np.newaxis])
        try:
            with redirect_stdout(io.StringIO()):  # NNCF draws bars of its own there
                self._model = nncf.quantize(
                    kept, dataset, preset=nncf.QuantizationPreset.MIXED, subset_size=len(frames),
                    ignored_scope=nncf.IgnoredScope(types=sorted(kinds), validate=False),
                    advanced_parameters=nncf.AdvancedQuantizationParameters(
                        disable_bias_correction=True,
                        backend_params={BackendParameters.COMPRESS_WEIGHTS: False}))
        except (RuntimeError, ValueError, nncf.ValidationError) as error:
            raise EngineError('NNCF cannot quantise the graph: {}'.format(
                ' '.join(str(error).split())[:160]))
        self.blocks = sorted({block for one in self._quantisers(self._model)
                              for target in one.output(0).get_target_inputs()
                              for block in _blocks_from(target.get_node())})

    def model(self, blocks: Sequence[str]) -> Any:
        """
        Return the graph with these blocks in INT8 and the others in float.

        :param blocks: some of ``blocks``.
        :return: an openvino.Model of its own.
        """
        model = self._model.clone()
        for one in self._quantisers(model):
            for target in list(one.output(0).get_target_inputs()):
                if not _blocks_from(target.get_node()) <= set(blocks):
                    target.replace_source_output(one.input_value(0))
        model.validate_nodes_and_infer_types()
        return model

    def save(self, blocks: Sequence[str], path: str) -> None:
        """
        Write the graph with these blocks in INT8, without metadata.

        :param blocks: some of ``blocks``.
        :param path: NAME.xml.
        """
        model = self.model(blocks)
        compress_quantize_weights_transformation(model)  # to int8 in the file
        openvino.save_model(model, path, compress_to_fp16=False)

    @staticmethod
    def _quantisers(model: Any) -> List[Any]:
        return [one for one in model.get_ops() if one.get_type_name() == 'FakeQuantize']


class _Shown:
    """Frames that NNCF goes through, with a bar; it asks for their number as well."""

    def __init__(self, frames: Sequence[np.ndarray], progress: Progress) -> None:
        self._frames, self._progress = frames, progress

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Any:
        return iter(self._progress('calibrating', self._frames))


def _blocks_from(node: Any) -> Set[str]:
    """Return the blocks of the first layers with weights from a node on."""
    found, seen, waiting = set(), set(), [node]
    while waiting:
        node = waiting.pop()
        name = node.get_friendly_name()
        if node.get_type_name() in QUANTISED:
            found.add(block_of(name))
        elif name not in seen:
            seen.add(name)
            waiting += [target.get_node() for output in node.outputs()
                        for target in output.get_target_inputs()]
    return found
