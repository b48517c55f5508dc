# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch engine: the reference, on the CPU or a CUDA device."""

from typing import Any, Dict, List, Optional, Tuple

from espnet_perception.engines.base import Engine, EngineOptions, first_line
from espnet_perception.errors import EngineError
import numpy as np
import torch
from torch import nn

FIRST_RUNS = 3  # libraries choose their methods in the first ones, which cannot be recorded


class TorchEngine(Engine):
    """
    Runs a deployed network eagerly, or on a CUDA device as one recording.

    :param network: maps (1, h, w, 3) pixels to the product, see networks.deploy; moved to the
        device. With precision fp16 it computes in float16 already.
    :param options: how to open it; threads hold for the whole process, as PyTorch has it.
    :raises EngineError: no such device, or it lacks what is asked for.
    """

    name = 'torch'
    precisions = ('fp32', 'fp16')
    extras: Tuple[str, ...] = ('cuda_graph', 'channels_last')

    def __init__(self, network: nn.Module, options: EngineOptions) -> None:
        super().__init__(options)
        self._device = usable_device(options.device)
        if self._device.type != 'cuda':
            self._refuse_what_takes_cuda()
        try:
            self._network: Optional[nn.Module] = network.eval().to(self._device)
        except (RuntimeError, AssertionError) as error:
            raise _unusable(options.device, error)
        if options.channels_last:
            self._network.to(memory_format=torch.channels_last)
        self._recording: Optional[Recording] = None
        if options.threads:
            torch.set_num_threads(options.threads)

    def _run(self, batch: np.ndarray) -> List[np.ndarray]:
        if self._network is None:
            raise EngineError('engine {} is closed; open a new one'.format(self.name))
        pixels = torch.from_numpy(batch).to(self._device)
        with torch.no_grad():
            if self.options.cuda_graph and self._recording is None:
                self._recording = Recording(self._network, pixels)
            outputs = (self._recording or self._network)(pixels)
        if isinstance(outputs, torch.Tensor):
            outputs = (outputs,)
        recorded = self._recording is not None  # its outputs are overwritten by the next run
        return [output[0].to('cpu', copy=recorded).numpy() for output in outputs]

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': self.name, 'version': torch.__version__, 'device': str(self._device),
                'precision': self.options.precision, 'threads': torch.get_num_threads(),
                'cuda_graph': self._recording is not None,
                'channels_last': self.options.channels_last}

    def close(self) -> None:
        """Free the network."""
        self._network = self._recording = None

    def _refuse_what_takes_cuda(self) -> None:
        for name, wanted, usual in (('precision', self.options.precision, 'fp32'),
                                    ('cuda_graph', self.options.cuda_graph, False)):
            if wanted != usual:
                raise EngineError('engine {} has {} {} on a CUDA device only, and the device is '
                                  "'{}'; leave it at {}, or set device to cuda".format(
                                      self.name, name, str(wanted).lower(), self._device,
                                      str(usual).lower()))


class Recording:
    """
    A run of a network on a CUDA device, recorded once and launched as one.

    What is recorded may not copy from the host. So the network is traced first, and its constants
    (indices, pooling matrices) are computed once and kept on the device.

    :param network: on the device, in evaluation mode.
    :param pixels: an input, on the device.
    """

    def __init__(self, network: nn.Module, pixels: torch.Tensor) -> None:
        self._pixels = pixels.clone()
        traced = torch.jit.trace(network, self._pixels, check_trace=False)
        network = torch.jit.freeze(traced.eval())
        with torch.cuda.device(pixels.device):
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(FIRST_RUNS):
                    network(self._pixels)
            torch.cuda.current_stream().wait_stream(beside)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._outputs = network(self._pixels)

    def __call__(self, pixels: torch.Tensor) -> Any:
        """
        Launch the recording.

        :param pixels: as at construction.
        :return: what the network gives; the next launch overwrites it.
        """
        self._pixels.copy_(pixels)
        self._graph.replay()
        return self._outputs


def usable_device(device: str) -> torch.device:
    """
    Return the device that is meant.

    :param device: auto, cpu, cuda or cuda:N.
    :raises EngineError: there is no such device.
    """
    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        torch.zeros(1, device=device)
        return torch.device(device)
    except (RuntimeError, AssertionError) as error:
        raise _unusable(device, error)


def _unusable(device: str, error: Exception) -> EngineError:
    return EngineError("device '{}' cannot be used: {}; set device to cpu or cuda".format(
        device, first_line(error)))
