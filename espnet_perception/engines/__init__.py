# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of engines, fastest CPU engine first."""

import importlib
import importlib.util
from typing import Dict, List, NamedTuple, Type

from espnet_perception.engines.base import Engine, EngineOptions, EngineOutput
from espnet_perception.engines.cuda import why_not_usable
from espnet_perception.engines.listener import BuildListener, LOGGED
from espnet_perception.errors import EngineError, unknown_key_sentence


class EngineRow(NamedTuple):
    """
    One engine.

    :param module: module that holds it, imported only when it is used.
    :param class_name: its class in that module.
    :param package: the runtime's importable package.
    :param install: how to install it.
    :param artefact: what its constructor takes: onnx (a path), network (a torch module) or plan
        (the path of what TensorRT built).
    :param needs_gpu: it runs on a CUDA device only.
    """

    module: str
    class_name: str
    package: str
    install: str
    artefact: str
    needs_gpu: bool = False


TENSORRT_INSTALL = ('JetPack 4, 5 and 6 have it: sudo apt install python3-libnvinfer, and make a '
                    'virtual environment with --system-site-packages; on a PC: pip install '
                    'tensorrt')
ENGINES: Dict[str, EngineRow] = {
    'tensorrt': EngineRow('espnet_perception.engines.tensorrt', 'TensorRtEngine', 'tensorrt',
                          TENSORRT_INSTALL, 'plan', needs_gpu=True),
    'openvino': EngineRow('espnet_perception.engines.openvino', 'OpenVinoEngine', 'openvino',
                          'pip install openvino', 'onnx'),
    'onnxruntime': EngineRow('espnet_perception.engines.onnxruntime', 'OnnxRuntimeEngine',
                             'onnxruntime', 'pip install onnxruntime', 'onnx'),
    'torch': EngineRow('espnet_perception.engines.torch', 'TorchEngine', 'torch',
                       'pip install torch', 'network'),
}


def present_engines(graph_only: bool = False) -> List[str]:
    """
    Return the engines that can be opened here, fastest first.

    :param graph_only: only those that need no network, because there is an exported graph alone.
    """
    return [name for name, row in ENGINES.items() if not absence(name)
            and not (graph_only and row.artefact == 'network')]


def absence(name: str) -> str:
    """
    Return why an engine cannot be opened on this machine; empty if it can.

    :param name: a key of ENGINES.
    """
    row = ENGINES[name]
    if not importlib.util.find_spec(row.package):
        return 'not installed ({})'.format(row.install)
    reason = why_not_usable() if row.needs_gpu else ''
    return 'installed, but no GPU can be used: ' + reason if reason else ''


def choose_engine(name: str, graph_only: bool = False) -> str:
    """
    Resolve auto and check that an engine can be opened.

    :param name: a key of ENGINES, or auto for the fastest present: TensorRT where it is, torch
        where CUDA is, else the first row of the table that is installed.
    :param graph_only: as for present_engines.
    :return: a key of ENGINES.
    :raises EngineError: unknown or not installed.
    """
    present = present_engines(graph_only)
    if name == 'auto':
        if not present:
            raise EngineError('no engine is installed; install one: {}'.format('; '.join(
                row.install for row in ENGINES.values() if not row.needs_gpu)))
        if present[0] != 'tensorrt' and 'torch' in present and _cuda_is_available():
            return 'torch'
        return present[0]
    if name not in ENGINES:
        raise EngineError(unknown_key_sentence('engine', name, ('auto',) + tuple(ENGINES)))
    reason = absence(name)
    if reason:
        raise EngineError("engine '{}' is {}; present: {}".format(
            name, reason, ', '.join(present) or 'none'))
    if name not in present:
        raise EngineError("engine '{}' needs the network, and the model is an exported graph; "
                          'use one of: {}'.format(name, ', '.join(present) or 'none installed'))
    return name


def engine_class(name: str) -> Type[Engine]:
    """
    Import and return the class of an engine.

    :param name: a key of ENGINES.
    """
    row = ENGINES[name]
    return getattr(importlib.import_module(row.module), row.class_name)


def _cuda_is_available() -> bool:
    torch = importlib.import_module('torch')
    return bool(torch.cuda.is_available())


__all__ = ['absence', 'BuildListener', 'choose_engine', 'Engine', 'engine_class',
           'EngineOptions', 'EngineOutput', 'EngineRow', 'ENGINES', 'LOGGED', 'present_engines']
