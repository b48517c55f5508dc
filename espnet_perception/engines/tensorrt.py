# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
TensorRT engine: our own runner, on both of TensorRT's interfaces.

TensorRT 8.2 (JetPack 4) numbers its inputs and outputs (bindings), 10 names them; 8.5 and 8.6 know
both. Host memory is pinned; where the device has no memory of its own, as on a Jetson, it works
in the host's, and nothing is copied.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from espnet_perception.engines.base import Engine, EngineOptions
from espnet_perception.engines.cuda import array_at, Cuda, TO_DEVICE, TO_HOST
from espnet_perception.engines.plan_file import read_header, read_plan
from espnet_perception.engines.tensorrt_build import device_number, plan_key, TensorRtLog
from espnet_perception.errors import EngineError
import numpy as np
import tensorrt

TYPES = {'FLOAT': np.float32, 'HALF': np.float16, 'INT32': np.int32, 'INT8': np.int8,
         'BOOL': np.bool_, 'UINT8': np.uint8, 'INT64': np.int64}


class Port(NamedTuple):
    """
    An input or output of the graph.

    :param name: its name.
    :param is_input: or output.
    :param shape: of its array.
    :param dtype: of its elements.
    """

    name: str
    is_input: bool
    shape: Tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return int(np.prod(self.shape)) * self.dtype.itemsize


class Buffer(NamedTuple):
    """
    Memory of a port.

    :param port: whose it is.
    :param host: address of pinned memory.
    :param device: address at which the device works.
    :param array: over the host's memory.
    """

    port: Port
    host: int
    device: int
    array: np.ndarray


class Memory:
    """
    Memory of a graph, pinned on the host and, unless both share it, on the device.

    :param cuda: the device.
    """

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self.shared = cuda.shares_memory
        self._on_host: List[int] = []
        self._on_device: List[int] = []

    def buffer(self, port: Port) -> Buffer:
        """Return new memory for a port."""
        host = self._cuda.allocate_host(port.size)
        self._on_host.append(host)
        if self.shared:
            device = self._cuda.device_address(host)
        else:
            device = self._cuda.allocate(port.size)
            self._on_device.append(device)
        return Buffer(port, host, device, array_at(host, port.shape, port.dtype))

    def free(self) -> None:
        """Free everything."""
        while self._on_device:
            self._cuda.free(self._on_device.pop())
        while self._on_host:
            self._cuda.free_host(self._on_host.pop())


class TensorRtEngine(Engine):
    """
    Runs a plan.

    :param plan_path: file written by tensorrt_build.
    :param options: how to open it.
    :raises EngineError: the plan is damaged or was built for something else, or CUDA fails.
    """

    name = 'tensorrt'
    precisions = ('fp32', 'fp16', 'int8')
    extras = ('cuda_graph',)

    def __init__(self, plan_path: str, options: EngineOptions) -> None:
        super().__init__(options)
        self._cuda = Cuda(device_number(options.device))
        plan = read_plan(plan_path, plan_key('', options, self._cuda))
        self._header = read_header(plan_path)
        self._log = TensorRtLog()
        try:
            self._runtime = tensorrt.Runtime(self._log)
            self._plan = self._runtime.deserialize_cuda_engine(plan)
        except TypeError:  # what the bindings make of a null pointer
            self._plan = None
        if self._plan is None:
            raise EngineError('TensorRT {} cannot load {}: {}'.format(
                tensorrt.__version__, plan_path, self._log.last()))
        self._names_ports = hasattr(self._plan, 'num_io_tensors')
        self._memory = Memory(self._cuda)
        self._zero_copy = self._memory.shared
        self._recording = 0
        self._runs = 0
        self._stream = self._cuda.open_stream()
        self._buffers: List[Buffer] = []
        self._context: Optional[Any] = self._plan.create_execution_context()
        try:
            for port in named_ports(self._plan) if self._names_ports else \
                    numbered_ports(self._plan):
                self._buffers.append(self._buffer(port))
            self._outputs = [self._output(name) for name in options.product.split('+')]
        except EngineError:
            self.close()
            raise

    def _run(self, batch: np.ndarray) -> List[np.ndarray]:
        if self._context is None:
            raise EngineError('engine tensorrt is closed; open a new one')
        self._cuda.use()
        self._input().array[...] = batch
        if self._recording:
            self._cuda.launch(self._recording, self._stream)
        else:
            self._enqueue()
        self._cuda.wait(self._stream)
        self._runs += 1
        if self.options.cuda_graph and self._runs == 1:  # TensorRT prepares in its first run
            self._record()
        # the buffers are overwritten by the next run
        return [output.array[0].copy() for output in self._outputs]

    def describe(self) -> Dict[str, Any]:
        """Return runtime, version, device, precision and threads as plain values."""
        return {'engine': self.name, 'version': str(tensorrt.__version__),
                'device': '{} (cuda:{})'.format(self._cuda.name, self._cuda.index),
                'precision': self.options.precision, 'threads': 0,
                'zero_copy': self._zero_copy, 'cuda_graph': bool(self._recording),
                'layers_in_fp32': len(self._header.get('kept_in_fp32', ())),
                'agreement_with_fp32': self._header.get('agreement', {}).get('share')}

    def close(self) -> None:
        """Free memory, stream and plan."""
        if self._context is None:
            return
        self._context = None
        self._cuda.use()
        if self._recording:
            self._cuda.free_graph(self._recording)
            self._recording = 0
        self._buffers, self._outputs = [], []
        self._memory.free()
        self._cuda.close_stream(self._stream)
        self._plan = self._runtime = None

    def _buffer(self, port: Port) -> Buffer:
        buffer = self._memory.buffer(port)
        if self._names_ports and not self._context.set_tensor_address(port.name, buffer.device):
            raise EngineError("TensorRT does not take the memory of '{}': {}".format(
                port.name, self._log.last()))
        return buffer

    def _input(self) -> Buffer:
        return next(buffer for buffer in self._buffers if buffer.port.is_input)

    def _output(self, name: str) -> Buffer:
        for buffer in self._buffers:
            if buffer.port.name == name and not buffer.port.is_input:
                return buffer
        raise EngineError("the graph has no output '{}', it has: {}; export it with what is "
                          'asked for'.format(name, ', '.join(
                              one.port.name for one in self._buffers if not one.port.is_input)))

    def _enqueue(self) -> None:
        """Put a whole run into the stream: copy in, compute, copy out."""
        for buffer in self._buffers:
            if buffer.port.is_input and not self._zero_copy:
                self._cuda.copy(buffer.device, buffer.host, buffer.port.size, TO_DEVICE,
                                self._stream)
        if self._names_ports:
            done = self._context.execute_async_v3(self._stream)
        else:
            done = self._context.execute_async_v2([one.device for one in self._buffers],
                                                  self._stream)
        if not done:
            raise EngineError('TensorRT could not run: {}'.format(self._log.last()))
        for buffer in self._buffers:
            if not buffer.port.is_input and not self._zero_copy:
                self._cuda.copy(buffer.host, buffer.device, buffer.port.size, TO_HOST,
                                self._stream)

    def _record(self) -> None:
        """Record a run, to be launched as one; what cannot be recorded is run as before."""
        self._cuda.begin_capture(self._stream)
        try:
            self._enqueue()
        finally:
            self._recording = self._cuda.end_capture(self._stream)


def named_ports(plan: Any) -> List[Port]:
    """
    Return inputs and outputs where they have names (TensorRT 8.5 and later).

    :param plan: tensorrt.ICudaEngine.
    """
    names = [plan.get_tensor_name(index) for index in range(plan.num_io_tensors)]
    return [Port(name, plan.get_tensor_mode(name) == tensorrt.TensorIOMode.INPUT,
                 tuple(plan.get_tensor_shape(name)), _dtype(plan.get_tensor_dtype(name)))
            for name in names]


def numbered_ports(plan: Any) -> List[Port]:
    """
    Return inputs and outputs in the order of their numbers (TensorRT 8).

    :param plan: tensorrt.ICudaEngine.
    """
    return [Port(plan.get_binding_name(index), bool(plan.binding_is_input(index)),
                 tuple(plan.get_binding_shape(index)), _dtype(plan.get_binding_dtype(index)))
            for index in range(plan.num_bindings)]


def _dtype(kind: Any) -> np.dtype:
    if kind.name not in TYPES:
        raise EngineError('the graph has values of type {}, expected one of {}'.format(
            kind.name, ', '.join(TYPES)))
    return np.dtype(TYPES[kind.name])
