# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
TensorRT by way of the package torch2trt: ``builder: torch2trt``.

Nothing of torch2trt leaves this file. It marks the tensors it has seen, so it is given a copy;
some of its converters give a wrong graph without a word (adaptive pooling, unaligned resizing),
so the network comes without those, and the scores are compared with PyTorch's before a plan is
kept. Normalisation, arg-max and confidence stay with PyTorch: torch2trt has no arg-max.
"""

import copy
import hashlib
import os
import time
from typing import Any, Callable, Dict, Tuple

from espnet_perception.engines.base import Engine, EngineOptions, first_line
from espnet_perception.engines.cuda import Cuda
from espnet_perception.engines.listener import BuildListener, LOGGED
from espnet_perception.engines.plan_file import PlanKey, read_plan, UnusablePlanError, write_plan
from espnet_perception.engines.tensorrt_build import (
    check_precision,
    device_number,
    plan_key,
    TensorRtLog,
    WORKSPACE_BYTES,
)
from espnet_perception.engines.torch import TorchEngine, usable_device
from espnet_perception.errors import EngineError
from espnet_perception.user_folders import cache_folder
import numpy as np
import tensorrt
import torch
from torch import nn

INPUT, OUTPUT = 'planes', 'scores'
# How far scores may be from PyTorch's, as the mean difference over the spread of the scores.
LARGEST_DIFFERENCE = {'fp32': 0.01, 'fp16': 0.05}


class Torch2TrtEngine(TorchEngine):
    """
    Runs a network that torch2trt has converted; the rest of the graph runs in PyTorch.

    :param make_network: returns a networks.deploy.DeployedNetwork; called only where its plan has
        to be built or for the parts around it.
    :param options: how to open it.
    :param place: (sha256 of the weights, folder of the cache or empty for the user's).
    :param listener: who is told of a build.
    :raises EngineError: torch2trt is absent, refuses the network, or converts it wrongly.
    """

    name = 'tensorrt'
    precisions = ('fp32', 'fp16')
    extras = ('builder',)

    def __init__(self, make_network: Callable[[], nn.Module], options: EngineOptions,
                 place: Tuple[str, str], listener: BuildListener = LOGGED) -> None:
        Engine.__init__(self, options)  # refuses before anything is built
        library = _library()
        cuda = Cuda(device_number(options.device))
        check_precision(options.precision, cuda)
        self._gpu = cuda.name
        deployed = make_network()
        on_cuda = options._replace(device='cuda:{}'.format(cuda.index))
        device = usable_device(on_cuda.device)
        path, key = _plan_place(place, options, cuda)
        try:
            plan = read_plan(path, key)
        except UnusablePlanError as error:
            if os.path.exists(path):
                listener.say('{}; it is built anew'.format(error))
            plan = _build(library, deployed.network.to(device), (path, key), listener)
        deployed.network = _module(library, plan, path)
        super().__init__(deployed, on_cuda)

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        facts = super().describe()
        facts.update(version=str(tensorrt.__version__), builder='torch2trt',
                     device='{} ({})'.format(self._gpu, self._device))
        return facts


def _library() -> Any:
    try:
        import torch2trt
    except ImportError as error:
        raise EngineError('builder torch2trt needs the package torch2trt, which is on GitHub only '
                          '(NVIDIA-AI-IOT/torch2trt; python3 setup.py install): {}; or set '
                          'builder to onnx'.format(first_line(error)))
    return torch2trt


def _plan_place(place: Tuple[str, str], options: EngineOptions, cuda: Cuda) -> Tuple[str, PlanKey]:
    sha256, cache_dir = place
    origin = hashlib.sha256('torch2trt|{}'.format(sha256).encode()).hexdigest()
    key = plan_key(origin, options, cuda)
    return os.path.join(cache_dir or cache_folder('tensorrt'), key.file_name('torch2trt')), key


def _build(library: Any, network: nn.Module, place: Tuple[str, PlanKey],
           listener: BuildListener) -> bytes:
    """Convert a network, compare its scores, and keep the plan."""
    path, key = place
    listener.say('building a TensorRT {} engine in {} for {} with torch2trt'.format(
        tensorrt.__version__, key.precision, key.gpu))
    listener.stage('building engine', None)
    began = time.monotonic()
    batch, height, width, channels = key.shape
    device = next(network.parameters()).device
    noise = np.random.RandomState(0).standard_normal((batch, channels, height, width))
    planes = torch.from_numpy(noise.astype(np.float32)).to(device)
    try:
        with torch.no_grad():
            converted = library.torch2trt(
                copy.deepcopy(network), [planes], input_names=[INPUT], output_names=[OUTPUT],
                fp16_mode=key.precision == 'fp16', max_workspace_size=WORKSPACE_BYTES)
            plan = bytes(converted.engine.serialize())
            difference = _difference(_module(library, plan, path)(planes), network(planes))
    except EngineError:
        raise
    except Exception as error:  # an operation without a converter: AttributeError, and others
        raise EngineError('torch2trt cannot convert this network: {}; set builder to onnx'.format(
            first_line(error)))
    if not difference <= LARGEST_DIFFERENCE[key.precision]:
        raise EngineError('torch2trt has made something else of this network: its scores differ '
                          'by {:.3f} of their spread, expected {} at most; set builder to onnx'
                          .format(difference, LARGEST_DIFFERENCE[key.precision]))
    write_plan(path, key, plan, {'build_s': round(time.monotonic() - began, 1),
                                 'difference': difference})
    return plan


def _module(library: Any, plan: bytes, path: str) -> nn.Module:
    """Return a TRTModule over a plan."""
    log = TensorRtLog()
    try:
        engine = tensorrt.Runtime(log).deserialize_cuda_engine(plan)
    except TypeError:  # what the bindings make of a null pointer
        engine = None
    if engine is None:
        raise EngineError('TensorRT {} cannot load {}: {}'.format(
            tensorrt.__version__, path, log.last()))
    module = library.TRTModule(engine, [INPUT], [OUTPUT])
    module.kept_alive = log  # TensorRT writes to it as long as the engine lives
    return module


def _difference(scores: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the mean difference of scores over the spread of what is expected."""
    if scores.shape != expected.shape:
        return float('inf')
    spread = float(expected.float().std()) or 1.0
    return float((scores.float() - expected.float()).abs().mean()) / spread
