# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
From the bytes of a ROS image, live or out of a bag, to (H, W, 3) uint8 blue-green-red pixels.

The layouts are those of sensor_msgs/Image and sensor_msgs/CompressedImage, but nothing here
needs ROS. What is already blue-green-red is not copied: the result is a view of the bytes.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple

import cv2
from espnet_perception.errors import ImageError, unknown_key_sentence
import numpy as np


class Encoding(NamedTuple):
    """
    How the pixels of one encoding lie in memory.

    :param sample: NumPy type of one sample without byte order: u1, u2 or f4.
    :param channels: samples per pixel in a row (of the luma plane for planar formats).
    :param conversion: OpenCV's code from it to BGR; None where it is BGR already.
    :param even_width: chroma is shared by two columns, so the width must be even.
    :param chroma_plane: a plane of half the height follows, so the height must be even too.
    """

    sample: str
    channels: int
    conversion: Optional[int] = None
    even_width: bool = False
    chroma_plane: bool = False


_GREY = cv2.COLOR_GRAY2BGR
_UYVY = Encoding('u1', 2, cv2.COLOR_YUV2BGR_UYVY, even_width=True)
_YUYV = Encoding('u1', 2, cv2.COLOR_YUV2BGR_YUY2, even_width=True)
# OpenCV names a Bayer pattern by its second row's second and third pixel, ROS by the first two
# rows: bayer_rggb8 is OpenCV's BayerBG.
_BAYER = {'rggb': cv2.COLOR_BayerBG2BGR, 'bggr': cv2.COLOR_BayerRG2BGR,
          'gbrg': cv2.COLOR_BayerGR2BGR, 'grbg': cv2.COLOR_BayerGB2BGR}

ENCODINGS: Dict[str, Encoding] = {
    'mono8': Encoding('u1', 1, _GREY),
    '8UC1': Encoding('u1', 1, _GREY),
    'bgr8': Encoding('u1', 3),
    '8UC3': Encoding('u1', 3),
    'rgb8': Encoding('u1', 3, cv2.COLOR_RGB2BGR),
    'bgra8': Encoding('u1', 4, cv2.COLOR_BGRA2BGR),
    'rgba8': Encoding('u1', 4, cv2.COLOR_RGBA2BGR),
    '8UC4': Encoding('u1', 4, cv2.COLOR_BGRA2BGR),
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUYV,
    'yuyv': _YUYV,
    'nv12': Encoding('u1', 1, cv2.COLOR_YUV2BGR_NV12, even_width=True, chroma_plane=True),
    'nv21': Encoding('u1', 1, cv2.COLOR_YUV2BGR_NV21, even_width=True, chroma_plane=True),
    'mono16': Encoding('u2', 1, _GREY),
    '16UC1': Encoding('u2', 1, _GREY),
    'bgr16': Encoding('u2', 3),
    'rgb16': Encoding('u2', 3, cv2.COLOR_RGB2BGR),
    '32FC1': Encoding('f4', 1, _GREY),
    '32FC3': Encoding('f4', 3),
}
for _pattern, _code in _BAYER.items():
    ENCODINGS['bayer_{}8'.format(_pattern)] = Encoding('u1', 1, _code)

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
PNG_START, PNG_END = b'\x89PNG', b'IEND'
# How far from the end of a compressed image its end mark may lie: some cameras pad their images.
END_MARK_BYTES = 4096


def decode_image(encoding: str, height: int, width: int, step: int, is_bigendian: bool,
                 raw_bytes: Any) -> np.ndarray:
    """
    Decode the payload of a sensor_msgs/Image.

    :param encoding: one of ``ENCODINGS``.
    :param height: rows.
    :param width: columns.
    :param step: bytes from one row to the next; rows may be padded.
    :param is_bigendian: samples of more than one byte have the most significant byte first.
    :param raw_bytes: bytes, array.array, memoryview or uint8 array; height * step of them,
        half as many again for nv12 and nv21.
    :return: (H, W, 3) uint8, blue first. bgr8 and 8UC3 are a view of raw_bytes, perhaps with
        padded rows. 16-bit samples are scaled by 255/65535, float samples from 0..1.
    :raises ImageError: unknown encoding, zero size, wrong step or length, NaN or values outside
        0..1 in a float image.
    """
    layout = ENCODINGS.get(encoding)
    if layout is None:
        raise ImageError(unknown_key_sentence('image encoding', encoding, sorted(ENCODINGS)))
    _check_size(encoding, layout, height, width)
    samples = _view(encoding, layout, (height, width, step), is_bigendian, raw_bytes)
    pixels = _to_uint8(encoding, samples)
    if layout.conversion is None:
        return pixels
    try:
        return cv2.cvtColor(pixels, layout.conversion)
    except cv2.error as error:
        raise ImageError('the {} image of {} x {} pixels cannot be converted: {}'.format(
            encoding, width, height, ' '.join(str(error).split())))


def decode_compressed(raw_bytes: Any) -> np.ndarray:
    """
    Decode the payload of a sensor_msgs/CompressedImage (JPEG, PNG or what OpenCV reads).

    :param raw_bytes: the bytes of the compressed image.
    :return: (H, W, 3) uint8, blue first; the image is not turned by an EXIF orientation.
    :raises ImageError: empty, truncated or not an image.
    """
    coded = np.frombuffer(raw_bytes, dtype=np.uint8)
    if coded.size == 0:
        raise ImageError('the compressed image holds 0 bytes; check the camera driver')
    _check_end(coded)
    try:
        image_bgr = cv2.imdecode(coded, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ImageError('the compressed image of {} bytes cannot be decoded: {}'.format(
            coded.size, ' '.join(str(error).split())))
    if image_bgr is None:
        raise ImageError('the compressed image of {} bytes, starting {}, is damaged or neither '
                         'JPEG nor PNG'.format(coded.size, coded[:4].tobytes().hex()))
    return image_bgr


def _check_size(encoding: str, layout: Encoding, height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise ImageError('the image is {} x {} pixels, expected at least 1 x 1; check the camera '
                         'driver'.format(width, height))
    if (layout.even_width and width % 2) or (layout.chroma_plane and height % 2):
        raise ImageError('the {} image is {} x {} pixels, but the encoding shares colour between '
                         'neighbours and needs even sides'.format(encoding, width, height))


def _view(encoding: str, layout: Encoding, size: Tuple[int, int, int], is_bigendian: bool,
          raw_bytes: Any) -> np.ndarray:
    """Return the samples, (rows, W) or (rows, W, channels), without copying them."""
    height, width, step = size
    sample = np.dtype(('>' if is_bigendian else '<') + layout.sample)
    pixel_bytes = layout.channels * sample.itemsize
    if step < width * pixel_bytes:
        raise ImageError('the {} image has a step of {} bytes, but a row of {} pixels takes {}; '
                         'check the camera driver'.format(encoding, step, width,
                                                          width * pixel_bytes))
    rows = height * 3 // 2 if layout.chroma_plane else height
    payload = np.frombuffer(raw_bytes, dtype=np.uint8)
    if payload.size != rows * step:
        raise ImageError('the {} image of {} x {} pixels holds {} bytes, expected {} rows of {} '
                         'bytes = {}; it is {}'.format(
                             encoding, width, height, payload.size, rows, step, rows * step,
                             'truncated' if payload.size < rows * step else 'too long'))
    if layout.channels == 1:
        return np.ndarray((rows, width), sample, payload, strides=(step, pixel_bytes))
    return np.ndarray((rows, width, layout.channels), sample, payload,
                      strides=(step, pixel_bytes, sample.itemsize))


def _to_uint8(encoding: str, samples: np.ndarray) -> np.ndarray:
    if samples.dtype.kind == 'f':
        low, high = float(samples.min()), float(samples.max())  # NaN if any sample is
        if np.isnan(low):
            raise ImageError('the {} image holds {} NaN values of {}; expected intensities from '
                             '0 to 1'.format(encoding, int(np.isnan(samples).sum()),
                                             samples.size))
        if low < 0.0 or high > 1.0:
            raise ImageError('the {} image holds values from {:g} to {:g}, expected intensities '
                             'from 0 to 1 (is it a depth image?)'.format(encoding, low, high))
        return np.rint(samples * np.float32(255.0)).astype(np.uint8)
    if samples.dtype.itemsize == 2:
        native = samples.astype(np.uint16)
        return cv2.convertScaleAbs(native, alpha=255.0 / 65535.0)
    return samples


def _check_end(coded: np.ndarray) -> None:
    """Refuse what lost its end on the way: decoders would fill the rest of the image with grey."""
    start, tail = coded[:4].tobytes(), coded[-END_MARK_BYTES:].tobytes()
    for name, first, last in (('JPEG', JPEG_START, JPEG_END), ('PNG', PNG_START, PNG_END)):
        if start.startswith(first) and last not in tail:
            raise ImageError('the {} image of {} bytes is truncated: its end mark is missing'
                             .format(name, coded.size))
