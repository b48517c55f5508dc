# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Entropy calibration: TensorRT sees frames and chooses the ranges of its int8 values."""

import hashlib
import os
from typing import Any, List, Optional, Sequence

from espnet_perception.engines.cuda import array_at, Cuda, TO_DEVICE
from espnet_perception.errors import EngineError
from espnet_perception.whole_files import whole_file
import numpy as np
import tensorrt

# TensorRT 11 has it no more; tensorrt_build.check_precision refuses int8 there.
_CALIBRATOR = getattr(tensorrt, 'IInt8EntropyCalibrator2', object)


class EntropyCalibrator(_CALIBRATOR):
    """
    Gives TensorRT one frame after the other, and keeps what it finds.

    What it raises would cross TensorRT's own code, so errors are kept for ``finish``.

    :param images: (h, w, 3) BGR of the graph's size, 0..255; at least one.
    :param cuda: the device.
    :param cache_path: file of the ranges; one that is there spares the calibration.
    """

    def __init__(self, images: Sequence[np.ndarray], cuda: Cuda, cache_path: str) -> None:
        _CALIBRATOR.__init__(self)
        self._images = images
        self._cuda = cuda
        self._cache_path = cache_path
        self._next = 0
        self._error: Optional[Exception] = None
        self._host = self._device = self._stream = 0

    def get_batch_size(self) -> int:
        """Return how many images a batch has."""
        return 1

    def get_batch(self, names: List[str]) -> Optional[List[int]]:
        """
        Return the address of the next image on the device; None after the last.

        :param names: of the inputs of the graph, which has one.
        """
        if self._next >= len(self._images) or self._error is not None:
            return None
        try:
            self._upload(self._images[self._next])
        except EngineError as error:
            self._error = error
            return None
        self._next += 1
        return [self._device]

    def read_calibration_cache(self) -> Optional[bytes]:
        """Return the ranges of an earlier calibration with these frames; None without one."""
        try:
            with open(self._cache_path, 'rb') as stream:
                return stream.read() or None
        except OSError:
            return None

    def write_calibration_cache(self, cache: Any) -> None:
        """
        Keep the ranges.

        :param cache: what TensorRT found.
        """
        try:
            os.makedirs(os.path.dirname(self._cache_path), exist_ok=True)
            with whole_file(self._cache_path) as part, open(part, 'wb') as stream:
                stream.write(bytes(cache))
        except OSError as error:
            self._error = EngineError('cannot write the calibration {}: {}; free some space or '
                                      'set cache_dir to another folder'.format(
                                          self._cache_path, error.strerror or error))

    def finish(self) -> None:
        """
        Free the memory.

        :raises EngineError: what went wrong while TensorRT asked for frames.
        """
        if self._stream:
            self._cuda.close_stream(self._stream)
        if self._device:
            self._cuda.free(self._device)
        if self._host:
            self._cuda.free_host(self._host)
        self._host = self._device = self._stream = 0
        if self._error is not None:
            raise self._error

    def _upload(self, image_bgr: np.ndarray) -> None:
        pixels = np.ascontiguousarray(image_bgr, dtype=np.float32)
        if not self._stream:
            self._host = self._cuda.allocate_host(pixels.nbytes)
            self._device = self._cuda.allocate(pixels.nbytes)
            self._stream = self._cuda.open_stream()
        array_at(self._host, pixels.shape, pixels.dtype)[...] = pixels
        self._cuda.copy(self._device, self._host, pixels.nbytes, TO_DEVICE, self._stream)
        self._cuda.wait(self._stream)


def calibration_name(onnx_sha256: str, images: Sequence[np.ndarray]) -> str:
    """
    Return the name of the file of ranges: they depend on graph, frames and TensorRT alone.

    :param onnx_sha256: sha256 of the graph.
    :param images: the frames.
    """
    digest = hashlib.sha256('{}|{}'.format(onnx_sha256, tensorrt.__version__).encode())
    for image in images:
        digest.update(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image).tobytes())
    return 'ranges_{}.calibration'.format(digest.hexdigest()[:16])
