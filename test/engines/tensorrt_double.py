# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
A stand-in for TensorRT that keeps a record of every call.

Names and parameters are those of the real library (tensorrt_names.json holds what was read from
it, and a test compares). The arithmetic is real too: a plan holds the ONNX graph, and a run reads
and writes the memory whose addresses it was given, through ONNX Runtime. Device and host memory
are kept apart, so that a copy that was forgotten shows.
"""

from contextlib import contextmanager
import importlib
import importlib.machinery
import sys
from types import ModuleType, SimpleNamespace

from cuda_double import FakeCuda
from espnet_perception.engines import cuda as cuda_module
import numpy as np
import onnxruntime

MAGIC = b'plan of the double '
MODULES = tuple('espnet_perception.engines.tensorrt' + name
                for name in ('', '_build', '_calibration', '_precision', '_torch2trt'))
LAYER_TYPES = {
    'Conv': 'CONVOLUTION', 'PRelu': 'PARAMETRIC_RELU', 'Sigmoid': 'ACTIVATION',
    'MatMul': 'MATRIX_MULTIPLY', 'ReduceSum': 'REDUCE', 'ReduceMax': 'REDUCE', 'ArgMax': 'TOPK',
    'GlobalAveragePool': 'REDUCE', 'AveragePool': 'POOLING', 'Concat': 'CONCATENATION',
    'Slice': 'SLICE', 'Reshape': 'SHUFFLE', 'Transpose': 'SHUFFLE', 'Resize': 'RESIZE',
    'Exp': 'UNARY', 'Gather': 'GATHER', 'Cast': 'IDENTITY', 'Constant': 'CONSTANT'}


@contextmanager
def installed(version, monkeypatch):
    """Put the stand-in in the place of the real library; the engine is loaded anew with it."""
    cuda = FakeCuda(SimpleNamespace(name='Recorded GPU', capability=(6, 2), shares_memory=False))
    double = make_tensorrt(version, cuda)
    double.__spec__ = importlib.machinery.ModuleSpec('tensorrt', None)
    monkeypatch.setitem(sys.modules, 'tensorrt', double)
    monkeypatch.setattr(cuda_module, 'load_library', lambda names, what: cuda)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield double
    for name in MODULES:
        sys.modules.pop(name, None)
    assert [kind for _, kind in cuda.memory.values()] == [], 'memory was not freed'


class Named:
    """A value of an enumeration."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def __int__(self):
        return self.value


def enumeration(*names):
    return SimpleNamespace(**{name: Named(name, value) for value, name in enumerate(names)})


FLOAT_TYPES = {'tensor(float)': 'FLOAT', 'tensor(int32)': 'INT32', 'tensor(int64)': 'INT64'}


def _logging_and_parser(module):
    """Return what reads a graph."""
    class ILogger:
        INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

        def log(self, severity, msg):
            raise AssertionError('log is what a subclass brings')

    class ParserError:
        def __init__(self, text):
            self._text = text

        def desc(self):
            return self._text

    class ITensor:
        is_shape_tensor = False

        def __init__(self, dtype):
            self.dtype = dtype

    class ILayer:
        precision = None

        def __init__(self, kind, name):
            self.type, self.name = getattr(module.LayerType, kind), name
            self._outputs = [ITensor(module.DataType.FLOAT)] * (kind != 'IDENTITY') + [
                ITensor(module.DataType.INT32)] * (kind in ('TOPK', 'IDENTITY'))

        @property
        def num_outputs(self):
            return len(self._outputs)

        def get_output(self, index):
            return self._outputs[index]

        def set_output_type(self, index, dtype):
            assert self._outputs[index].dtype.name == dtype.name == 'FLOAT'

    class INetworkDefinition:
        _onnx, _layers = None, None

        def _all(self):
            if self._layers is None:
                graph = importlib.import_module('onnx').load_model_from_string(self._onnx).graph
                self._layers = [ILayer(LAYER_TYPES.get(node.op_type, 'ELEMENTWISE'), node.name)
                                for node in graph.node]
            return self._layers

        @property
        def num_layers(self):
            return len(self._all())

        def get_layer(self, index):
            return self._all()[index]

    class OnnxParser:
        def __init__(self, network, logger):
            assert isinstance(network, INetworkDefinition) and isinstance(logger, ILogger)
            self._network, self._errors = network, []

        @property
        def num_errors(self):
            return len(self._errors)

        def get_error(self, index):
            return self._errors[index]

        def parse(self, model, path=None):
            if module.parse_error:
                self._errors.append(ParserError(module.parse_error))
                return False
            self._network._onnx = model
            return True

    return ILogger, ParserError, ITensor, ILayer, INetworkDefinition, OnnxParser


def _configuration(module):
    """Return what tells how a plan is to be built."""
    class IHostMemory:
        def __init__(self, content):
            self._content = content

        def __bytes__(self):
            return self._content

    class ITimingCache:
        def __init__(self, content):
            self._content = content

        def serialize(self):
            return IHostMemory(self._content + b'tactic;')

    class IBuilderConfig:
        def __init__(self):
            self._flags, self._cache, self.int8_calibrator = set(), None, None

        def set_flag(self, flag):
            self._flags.add(flag.name)

        def create_timing_cache(self, serialized_timing_cache):
            foreign = serialized_timing_cache and not serialized_timing_cache.endswith(b'tactic;')
            return None if foreign else ITimingCache(serialized_timing_cache)

        def set_timing_cache(self, cache, ignore_mismatch):
            assert isinstance(cache, ITimingCache) and ignore_mismatch is False
            self._cache = cache
            return True

        def get_timing_cache(self):
            return self._cache

        if module.numbers >= (8, 4):
            def set_memory_pool_limit(self, pool, pool_size):
                assert pool.name == 'WORKSPACE' and pool_size > 1 << 20
        else:
            max_workspace_size = 0

    class IInt8EntropyCalibrator2:
        def __init__(self):
            pass

    return IHostMemory, ITimingCache, IBuilderConfig, IInt8EntropyCalibrator2


def _builder(module):
    """Return what builds a plan."""
    class Builder:
        def __init__(self, logger):
            assert isinstance(logger, module.ILogger)
            self._logger = logger

        def create_network(self, flags=0):
            assert flags == (1 if module.numbers_ports else 0)  # 10 has no other batch
            return module.INetworkDefinition()

        def create_builder_config(self):
            return module.IBuilderConfig()

        def build_serialized_network(self, network, config):
            module.calls.append(('build', sorted(config._flags)))
            module.on_build()
            if 'INT8' in config._flags:
                calibrate(config.int8_calibrator)
            if module.build_error:
                self._logger.log(module.ILogger.ERROR, module.build_error)
                return None
            narrow = config._flags & {'FP16', 'INT8'} and module.weak and any(
                layer.type.name in module.weak and layer.precision is None
                for layer in network._all())
            return module.IHostMemory(MAGIC + module.__version__.encode() + (
                b'|spoiled|' if narrow else b'|exact|') + network._onnx)

    def calibrate(calibrator):
        assert calibrator.get_batch_size() == 1
        ranges = calibrator.read_calibration_cache()
        seen = []
        while not ranges:
            addresses = calibrator.get_batch(['image_bgr'])
            if not addresses:
                break
            memory, kind = module.cuda.memory[addresses[0]]
            assert kind == 'device'
            seen.append(float(np.frombuffer(memory, np.float32).mean()))
        module.calls.append(('calibrate', seen))
        if not ranges:
            calibrator.write_calibration_cache(module.IHostMemory(b'ranges of int8'))

    return Builder


def _context(module):
    """Return what runs a plan."""
    class IExecutionContext:
        def __init__(self, plan):
            self._plan, self._addresses = plan, {}

        def _run(self):
            arrays = {port.name: module.cuda.array(
                self._addresses[port.name], port.shape, port.dtype)
                for port in self._plan._ports}
            first = next(port.name for port in self._plan._ports if port.is_input)
            outputs = self._plan._session.run(None, {first: arrays[first]})
            for port, value in zip(self._plan._session.get_outputs(), outputs):
                arrays[port.name][...] = value
                if self._plan._spoiled and port.name == 'labels':
                    arrays[port.name][:, ::10] = (value[:, ::10] + 1) % 5

        if module.numbers_ports:
            def execute_async_v2(self, bindings, stream_handle, input_consumed=None):
                assert module.cuda.memory[stream_handle][1] == 'stream'
                self._addresses = {port.name: address for port, address
                                   in zip(self._plan._ports, bindings)}
                module.calls.append(('execute_async_v2',))
                module.cuda.put(self._run)
                return True
        if module.names_ports:
            def execute_async_v3(self, stream_handle):
                assert module.cuda.memory[stream_handle][1] == 'stream'
                module.calls.append(('execute_async_v3',))
                module.cuda.put(self._run)
                return True

            def set_tensor_address(self, name, memory):
                self._addresses[name] = memory
                return name in {port.name for port in self._plan._ports}

    return IExecutionContext


def _plan(module):
    """Return a plan with its ports."""
    class ICudaEngine:
        def __init__(self, onnx, spoiled):
            self._onnx, self._spoiled = onnx, spoiled
            self._session = onnxruntime.InferenceSession(
                onnx, providers=['CPUExecutionProvider'])
            self._ports = [
                SimpleNamespace(name=port.name, is_input=is_input, shape=tuple(port.shape),
                                kind=FLOAT_TYPES[port.type],
                                dtype={'FLOAT': np.float32, 'INT32': np.int32}[
                                    FLOAT_TYPES[port.type]])
                for is_input, ports in ((True, self._session.get_inputs()),
                                        (False, self._session.get_outputs()[::-1]))
                for port in ports]

        def _named(self, name):
            return next(port for port in self._ports if port.name == name)

        def serialize(self):
            return module.IHostMemory(b'|'.join([MAGIC + module.__version__.encode(), b'exact',
                                                 self._onnx]))

        def create_execution_context(self):
            return module.IExecutionContext(self)

        if module.numbers_ports:
            @property
            def num_bindings(self):
                return len(self._ports)

            def get_binding_name(self, index):
                return self._ports[index].name

            def binding_is_input(self, index):
                return self._ports[index].is_input

            def get_binding_shape(self, index):
                return self._ports[index].shape

            def get_binding_dtype(self, index):
                return getattr(module.DataType, self._ports[index].kind)
        if module.names_ports:
            @property
            def num_io_tensors(self):
                return len(self._ports)

            def get_tensor_name(self, index):
                return self._ports[index].name

            def get_tensor_mode(self, name):
                return module.TensorIOMode.INPUT if self._named(name).is_input \
                    else module.TensorIOMode.OUTPUT

            def get_tensor_shape(self, name):
                return self._named(name).shape

            def get_tensor_dtype(self, name):
                return getattr(module.DataType, self._named(name).kind)

    return ICudaEngine


def _runtime(module):
    """Return what loads a plan."""
    class Runtime:
        def __init__(self, logger):
            assert isinstance(logger, module.ILogger)
            self._logger = logger

        def deserialize_cuda_engine(self, serialized_engine):
            head, state, onnx = (serialized_engine.split(b'|', 2) + [b'', b''])[:3]
            if head != MAGIC + module.__version__.encode():
                self._logger.log(module.ILogger.ERROR, 'the magic number does not fit')
                return None
            return module.ICudaEngine(onnx, state == b'spoiled')

    return Runtime


def make_tensorrt(version, cuda):
    """
    Return a module like tensorrt.

    :param version: such as 8.2.1.8: 8.2 numbers its bindings, 8.5 does both, 10 names them.
    :param cuda: the FakeCuda.
    """
    numbers = tuple(int(part) for part in version.split('.')[:2])
    module = ModuleType('tensorrt')
    module.numbers = numbers
    module.names_ports, module.numbers_ports = numbers >= (8, 5), numbers < (10, 0)
    module.__version__, module.cuda, module.calls = version, cuda, []
    module.build_error = module.parse_error = None
    module.weak, module.on_build = (), lambda: None  # layers that fp16 spoils; a slow build
    module.DataType = enumeration('FLOAT', 'HALF', 'INT8', 'INT32', 'BOOL')
    module.TensorIOMode = enumeration('NONE', 'INPUT', 'OUTPUT')
    module.LayerType = enumeration(*sorted(set(LAYER_TYPES.values()) | {'ELEMENTWISE'}))
    module.BuilderFlag = enumeration(
        'FP16', 'INT8', 'OBEY_PRECISION_CONSTRAINTS' if numbers >= (8, 2) else 'STRICT_TYPES')
    module.MemoryPoolType = enumeration('WORKSPACE')
    module.NetworkDefinitionCreationFlag = enumeration('EXPLICIT_BATCH')
    for make in (_logging_and_parser, _configuration, _builder, _context, _plan, _runtime):
        made = make(module)
        for one in made if isinstance(made, tuple) else (made,):
            setattr(module, one.__name__, one)
    return module
