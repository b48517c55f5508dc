# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of engines, fastest CPU engine first."""

import importlib
import importlib.util
from typing import Dict, List, NamedTuple, Type

from espnet_perception.engines.base import Engine, EngineOptions, EngineOutput
from espnet_perception.errors import EngineError, unknown_key_sentence


class EngineRow(NamedTuple):
    """
    One engine.

    :param module: module that holds it, imported only when it is used.
    :param class_name: its class in that module.
    :param package: the runtime's importable package.
    :param distribution: what to install to have it.
    :param artefact: what its constructor takes: onnx (a path) or network (a torch module).
    """

    module: str
    class_name: str
    package: str
    distribution: str
    artefact: str


ENGINES: Dict[str, EngineRow] = {
    'openvino': EngineRow('espnet_perception.engines.openvino', 'OpenVinoEngine', 'openvino',
                          'openvino', 'onnx'),
    'onnxruntime': EngineRow('espnet_perception.engines.onnxruntime', 'OnnxRuntimeEngine',
                             'onnxruntime', 'onnxruntime', 'onnx'),
    'torch': EngineRow('espnet_perception.engines.torch', 'TorchEngine', 'torch', 'torch',
                       'network'),
}


def present_engines() -> List[str]:
    """Return the engines whose runtime is installed, fastest first."""
    return [name for name, row in ENGINES.items() if importlib.util.find_spec(row.package)]


def choose_engine(name: str) -> str:
    """
    Resolve auto and check that an engine can be opened.

    :param name: a key of ENGINES, or auto for the fastest present: torch where CUDA is, else the
        first row of the table that is installed.
    :return: a key of ENGINES.
    :raises EngineError: unknown or not installed.
    """
    present = present_engines()
    if name == 'auto':
        if not present:
            raise EngineError('no engine is installed; install one of: {}'.format(
                ', '.join(row.distribution for row in ENGINES.values())))
        return 'torch' if 'torch' in present and _cuda_is_available() else present[0]
    if name not in ENGINES:
        raise EngineError(unknown_key_sentence('engine', name, ('auto',) + tuple(ENGINES)))
    if name not in present:
        raise EngineError("engine '{}' is not installed (pip install {}); present: {}".format(
            name, ENGINES[name].distribution, ', '.join(present) or 'none'))
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


__all__ = ['choose_engine', 'Engine', 'engine_class', 'EngineOptions', 'EngineOutput',
           'EngineRow', 'ENGINES', 'present_engines']
