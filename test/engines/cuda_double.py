# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for CUDA's runtime and driver, on memory of the host."""

import ctypes

import numpy as np


class FakeCuda:
    """
    The functions of libcudart and libcuda that the package calls, on memory of the host.

    :param device: name, capability and shares_memory of the one device.
    """

    def __init__(self, device):
        self.device, self.calls, self.memory = device, [], {}
        self.capturing, self.recorded, self.fails = None, {}, {}
        self.cudaGetErrorString = lambda code: b'out of memory'

    def __getattr__(self, name):
        action = type(self).__dict__.get('_' + name)
        if action is None:
            raise AttributeError(name)

        def call(*arguments):
            self.calls.append(name)
            return self.fails.get(name) or action(self, *arguments) or 0
        return call

    def names(self):
        """Return what was called, without repetition."""
        return set(self.calls)

    def _new(self, target, size, kind):
        memory = ctypes.create_string_buffer(size)
        address = ctypes.addressof(memory)
        self.memory[address] = (memory, kind)
        target._obj.value = address

    def _cuInit(self, _flags):
        pass

    def _cuDeviceGetName(self, text, size, device):
        assert device.value == 0 and len(self.device.name) < size
        text.value = self.device.name.encode()

    def _cudaGetDeviceCount(self, count):
        count._obj.value = 1

    def _cudaSetDevice(self, device):
        assert device.value == 0

    def _cudaDeviceGetAttribute(self, value, which, device):
        major, minor = self.device.capability
        value._obj.value = {75: major, 76: minor, 18: self.device.shares_memory}[which.value]

    def _cudaMalloc(self, target, size):
        self._new(target, size.value, 'device')

    def _cudaHostAlloc(self, target, size, flags):
        assert flags.value == 2
        self._new(target, size.value, 'host')

    def _cudaHostGetDevicePointer(self, target, host, flags):
        assert self.memory[host.value][1] == 'host' and flags.value == 0
        target._obj.value = host.value

    def _cudaFree(self, address):
        assert self.memory.pop(address.value)[1] == 'device'

    def _cudaFreeHost(self, address):
        assert self.memory.pop(address.value)[1] == 'host'

    def _cudaStreamCreate(self, stream):
        self._new(stream, 1, 'stream')

    def _cudaStreamDestroy(self, stream):
        assert self.memory.pop(stream.value)[1] == 'stream'

    def _cudaStreamSynchronize(self, stream):
        assert self.memory[stream.value][1] == 'stream'

    def _cudaMemcpyAsync(self, target, source, size, kind, stream):
        ends = ('host', 'device') if kind.value == 1 else ('device', 'host')
        assert (self.memory[source.value][1], self.memory[target.value][1]) == ends
        assert self.memory[stream.value][1] == 'stream'
        self.put(lambda: ctypes.memmove(target.value, source.value, size.value))

    def put(self, action):
        """Do what is put into the stream, or record it."""
        if self.capturing is None:
            action()
        else:
            self.capturing.append(action)

    def _cudaStreamBeginCapture(self, stream, mode):
        assert self.capturing is None and mode.value in (0, 1, 2)
        self.capturing = []

    def _cudaStreamEndCapture(self, stream, graph):
        self._new(graph, 1, 'graph')
        self.recorded[graph._obj.value], self.capturing = self.capturing, None

    def _cudaGraphInstantiate(self, ready, graph, *zeros):
        assert all(not zero.value for zero in zeros)
        self._new(ready, 1, 'ready')
        self.recorded[ready._obj.value] = self.recorded[graph.value]

    def _cudaGraphDestroy(self, graph):
        assert self.memory.pop(graph.value)[1] == 'graph'

    def _cudaGraphExecDestroy(self, graph):
        assert self.memory.pop(graph.value)[1] == 'ready'

    def _cudaGraphLaunch(self, graph, stream):
        for action in self.recorded[graph.value]:
            action()

    def array(self, address, shape, dtype):
        """Return the array at an address that the device may use."""
        kind = self.memory[address][1]
        assert kind == ('host' if self.device.shares_memory else 'device')
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return np.frombuffer((ctypes.c_ubyte * size).from_address(address), dtype).reshape(shape)
