# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The little of CUDA's runtime that an engine needs, through ctypes.

ctypes, because it is the one way that exists on JetPack 4, 5 and 6 alike: cuda-python begins with
CUDA 11, and PyCUDA is in no JetPack.
"""

import ctypes
from typing import Any, Tuple

from espnet_perception.errors import EngineError
import numpy as np

LIBRARIES = ('libcudart.so', 'libcudart.so.13', 'libcudart.so.12', 'libcudart.so.11.0',
             'libcudart.so.10.2')
DRIVERS = ('libcuda.so.1', 'libcuda.so')
NAME_BYTES = 256
HOST_MAPPED = 2  # cudaHostAllocMapped: the same memory has an address on the device
TO_DEVICE, TO_HOST = 1, 2  # cudaMemcpyKind
MAJOR, MINOR, INTEGRATED = 75, 76, 18  # cudaDeviceAttr
CAPTURE_THIS_THREAD = 1  # cudaStreamCaptureModeThreadLocal


class Cuda:
    """
    One CUDA device.

    :param index: number of the device.
    :raises EngineError: no CUDA library, no device, or no device of this number.
    """

    def __init__(self, index: int = 0) -> None:
        self.index = index
        self._runtime = load_library(LIBRARIES, 'CUDA runtime (libcudart)')
        count = ctypes.c_int(0)
        self._call('cudaGetDeviceCount', ctypes.byref(count))
        if not 0 <= index < count.value:
            raise EngineError('there is no CUDA device {}, this machine has {}; set device to '
                              'cuda:N with N below that'.format(index, count.value))
        self.use()

    @property
    def name(self) -> str:
        """Name of the device, as its driver tells it."""
        driver = load_library(DRIVERS, 'CUDA driver (libcuda)')
        text = ctypes.create_string_buffer(NAME_BYTES)
        code = driver.cuInit(0) or driver.cuDeviceGetName(text, NAME_BYTES,
                                                          ctypes.c_int(self.index))
        if code:
            raise EngineError('the CUDA driver does not tell the name of device {} (error {}); '
                              'restart the machine'.format(self.index, code))
        return text.value.decode('ascii', 'replace')

    @property
    def capability(self) -> Tuple[int, int]:
        """Compute capability."""
        return self._attribute(MAJOR), self._attribute(MINOR)

    @property
    def shares_memory(self) -> bool:
        """Device and host have one memory, as on a Jetson."""
        return bool(self._attribute(INTEGRATED))

    def use(self) -> None:
        """Make this the device of the calling thread."""
        self._call('cudaSetDevice', ctypes.c_int(self.index))

    def allocate(self, size: int) -> int:
        """Return the address of that many bytes on the device."""
        address = ctypes.c_void_p()
        self._call('cudaMalloc', ctypes.byref(address), ctypes.c_size_t(size))
        return int(address.value or 0)

    def free(self, address: int) -> None:
        """Free memory of the device."""
        self._call('cudaFree', ctypes.c_void_p(address))

    def allocate_host(self, size: int) -> int:
        """Return the address of that many pinned bytes, which the device sees as well."""
        address = ctypes.c_void_p()
        self._call('cudaHostAlloc', ctypes.byref(address), ctypes.c_size_t(size),
                   ctypes.c_uint(HOST_MAPPED))
        return int(address.value or 0)

    def free_host(self, address: int) -> None:
        """Free pinned memory."""
        self._call('cudaFreeHost', ctypes.c_void_p(address))

    def device_address(self, host: int) -> int:
        """Return the address at which the device sees pinned memory."""
        address = ctypes.c_void_p()
        self._call('cudaHostGetDevicePointer', ctypes.byref(address), ctypes.c_void_p(host),
                   ctypes.c_uint(0))
        return int(address.value or 0)

    def open_stream(self) -> int:
        """Return the handle of a new stream."""
        stream = ctypes.c_void_p()
        self._call('cudaStreamCreate', ctypes.byref(stream))
        return int(stream.value or 0)

    def close_stream(self, stream: int) -> None:
        """Close a stream."""
        self._call('cudaStreamDestroy', ctypes.c_void_p(stream))

    def wait(self, stream: int) -> None:
        """Wait until a stream has done its work."""
        self._call('cudaStreamSynchronize', ctypes.c_void_p(stream))

    def copy(self, target: int, source: int, size: int, kind: int, stream: int) -> None:
        """
        Copy bytes in a stream.

        :param target: address.
        :param source: address.
        :param size: bytes.
        :param kind: TO_DEVICE or TO_HOST.
        :param stream: its handle.
        """
        self._call('cudaMemcpyAsync', ctypes.c_void_p(target), ctypes.c_void_p(source),
                   ctypes.c_size_t(size), ctypes.c_int(kind), ctypes.c_void_p(stream))

    def begin_capture(self, stream: int) -> None:
        """Record what is put into a stream instead of running it."""
        self._call('cudaStreamBeginCapture', ctypes.c_void_p(stream),
                   ctypes.c_int(CAPTURE_THIS_THREAD))

    def end_capture(self, stream: int) -> int:
        """Return the handle of what was recorded, ready to be launched."""
        graph, ready = ctypes.c_void_p(), ctypes.c_void_p()
        self._call('cudaStreamEndCapture', ctypes.c_void_p(stream), ctypes.byref(graph))
        # Three arguments from CUDA 12 (the third is flags), five before: zeros serve both.
        self._call('cudaGraphInstantiate', ctypes.byref(ready), graph, ctypes.c_void_p(0),
                   ctypes.c_void_p(0), ctypes.c_size_t(0))
        self._call('cudaGraphDestroy', graph)
        return int(ready.value or 0)

    def launch(self, graph: int, stream: int) -> None:
        """Put a recording into a stream."""
        self._call('cudaGraphLaunch', ctypes.c_void_p(graph), ctypes.c_void_p(stream))

    def free_graph(self, graph: int) -> None:
        """Free a recording."""
        self._call('cudaGraphExecDestroy', ctypes.c_void_p(graph))

    def _attribute(self, which: int) -> int:
        value = ctypes.c_int(0)
        self._call('cudaDeviceGetAttribute', ctypes.byref(value), ctypes.c_int(which),
                   ctypes.c_int(self.index))
        return value.value

    def _call(self, function: str, *arguments: Any) -> None:
        code = getattr(self._runtime, function)(*arguments)
        if code:
            text = self._runtime.cudaGetErrorString
            text.restype = ctypes.c_char_p
            raise EngineError('CUDA device {}: {} failed: {} (error {})'.format(
                self.index, function, (text(ctypes.c_int(code)) or b'').decode(), code))


def load_library(names: Tuple[str, ...], what: str) -> Any:
    """
    Return the first shared library that can be loaded.

    :param names: of its files, the preferred one first.
    :param what: it is, for the message.
    :raises EngineError: none of them is there.
    """
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise EngineError('the {} is not on this machine, tried {}; it is part of JetPack and of the '
                      'CUDA toolkit'.format(what, ', '.join(names)))


def why_not_usable() -> str:
    """Return why no CUDA device can be used here; empty if one can."""
    try:
        Cuda()
    except EngineError as error:
        return str(error)
    return ''


def array_at(address: int, shape: Tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """
    Return an array over memory that somebody else owns.

    :param address: of the host.
    :param shape: of the array.
    :param dtype: of its elements.
    """
    size = int(np.prod(shape)) * dtype.itemsize
    content = (ctypes.c_ubyte * size).from_address(address)
    return np.frombuffer(content, dtype=dtype).reshape(shape)
