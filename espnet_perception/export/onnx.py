# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Export to ONNX (opset 13) and the cache of exported graphs."""

import hashlib
import importlib.util
import inspect
import os
from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple
import warnings

from espnet_perception.errors import EngineError, ModelError, PerceptionError
from espnet_perception.model_card import file_sha256, ModelCard
from espnet_perception.networks.deploy import DeployedNetwork, DeployedWithoutBytes
from espnet_perception.networks.fused import fuse
from espnet_perception.user_folders import cache_folder
from espnet_perception.whole_files import whole_file
import torch
from torch import nn, Tensor

OPSET = 13
GRAPH_REVISION = 3  # raise it when the exported graph changes
INPUT_NAME = 'image_bgr'
OUTPUT_NAMES = {
    'labels': ['labels'],
    'labels+confidence': ['labels', 'confidence'],
    'logits': ['logits'],
}


class GraphKey(NamedTuple):
    """
    What one exported graph depends on.

    :param weights_sha256: sha256 of the weight file.
    :param size: (H, W) of the input in pixels.
    :param product: a key of OUTPUT_NAMES.
    :param bytes_known: pixels and labels are uint8; else float32 and int32, for TensorRT.
    """

    weights_sha256: str
    size: Tuple[int, int]
    product: str
    bytes_known: bool = True

    def file_name(self, card: ModelCard) -> str:
        """Return the file name of the graph in the cache; it tells every fact it depends on."""
        preprocessing = repr((card.channel_order, card.mean, card.std, card.input_type,
                              self.bytes_known))
        digest = hashlib.sha256('|'.join([
            self.weights_sha256, self.product, preprocessing, str(OPSET), str(GRAPH_REVISION),
            torch.__version__]).encode()).hexdigest()
        return '{}_{}x{}_{}.onnx'.format(card.name, self.size[1], self.size[0], digest[:16])


def cached_onnx(key: GraphKey, card: ModelCard, load: Callable[[], nn.Module],
                cache_dir: str = '') -> str:
    """
    Return the path of an exported graph, exporting it where the cache does not hold it.

    :param key: what the graph depends on.
    :param card: card of the weights.
    :param load: returns the network in evaluation mode; called only where it is needed.
    :param cache_dir: folder of the cache; empty for the user's.
    :return: path of the ONNX file; a damaged one was written anew.
    :raises ModelError: the file cannot be written (disk full, no permission).
    """
    folder = cache_dir or cache_folder('onnx')
    path = os.path.join(folder, key.file_name(card))
    if not _is_whole(path):
        graph = deployed(load(), card, key.product, key.bytes_known)
        _write_atomically(graph, key, path)
    return path


def deployed(network: nn.Module, card: ModelCard, product: str,
             bytes_known: bool = True) -> DeployedNetwork:
    """
    Return the whole graph of a network, in its fused form, in evaluation mode.

    :param network: the network; it is not changed.
    :param card: its card.
    :param product: a key of OUTPUT_NAMES.
    :param bytes_known: see GraphKey.
    """
    return deploy_fused(fuse(network), card, product, bytes_known)


def deploy_fused(fused: nn.Module, card: ModelCard, product: str,
                 bytes_known: bool = True) -> DeployedNetwork:
    """Return the whole graph around a network in its fused form; see deployed."""
    form = DeployedNetwork if bytes_known else DeployedWithoutBytes
    return form(fused, card.mean, card.std, card.channel_order, product,
                card.input_type if bytes_known else 'float32').eval()


def export_onnx(graph: DeployedNetwork, size: Tuple[int, int], product: str, path: str) -> None:
    """
    Trace a graph and write it as ONNX, simplified where the package onnx is installed.

    :param graph: the graph; its input is (1, H, W, 3) of its input type.
    :param size: (H, W).
    :param product: a key of OUTPUT_NAMES.
    :param path: file to write.
    :raises EngineError: PyTorch cannot export it.
    :raises OSError: the file cannot be written.
    """
    example = torch.zeros(1, size[0], size[1], 3, dtype=getattr(torch, graph.input_type))
    trace_to_onnx(graph, (example,), path, [INPUT_NAME], OUTPUT_NAMES[product])
    if importlib.util.find_spec('onnx'):
        from espnet_perception.export.simplify import simplify_file
        simplify_file(path)


def trace_to_onnx(graph: nn.Module, examples: Tuple[Tensor, ...], path: str,
                  input_names: Sequence[str], output_names: Sequence[str],
                  open_axes: Optional[Dict[str, Dict[int, str]]] = None) -> None:
    """
    Trace a module on example inputs and write it as ONNX.

    :param graph: in evaluation mode.
    :param examples: its inputs; their shapes become those of the graph.
    :param path: file to write.
    :param input_names: names of the inputs.
    :param output_names: names of the outputs.
    :param open_axes: axes of any length: input or output, to axis, to a name.
    :raises EngineError: PyTorch cannot export it.
    :raises OSError: the file cannot be written.
    """
    options = {}
    if 'dynamo' in inspect.signature(torch.onnx.export).parameters:
        options['dynamo'] = False  # the tracing exporter: plain operators, on every version
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # constants of the trace are what we want
        try:
            torch.onnx.export(graph, examples, path, opset_version=OPSET,
                              do_constant_folding=True, input_names=list(input_names),
                              output_names=list(output_names), dynamic_axes=open_axes, **options)
        except (OSError, PerceptionError):
            raise
        except Exception as error:  # the exporter's exception types differ between versions
            raise EngineError('cannot export the network to ONNX: {}; newer PyTorch needs the '
                              'package onnx for it (pip install onnx), engine torch does not'
                              .format(' '.join(str(error).split())[:160]))


def _write_atomically(graph: DeployedNetwork, key: GraphKey, path: str) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with whole_file(path) as part:
            export_onnx(graph, key.size, key.product, part)
            with open(path + '.sha256', 'w') as stream:
                stream.write(file_sha256(part))
    except OSError as error:
        raise ModelError('cannot write the exported graph {}: {}; free some space or set '
                         'cache_dir to another folder'.format(path, error.strerror or error))


def _is_whole(path: str) -> bool:
    try:
        with open(path + '.sha256') as stream:
            return stream.read().strip() == file_sha256(path)
    except (OSError, ModelError):
        return False
