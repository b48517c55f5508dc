# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""From a camera image to the size of the network, and from its labels back."""

from typing import Callable, Dict, Tuple

import cv2
from espnet_perception.errors import ImageError
import numpy as np
from PIL import Image

_BILINEAR = getattr(Image, 'Resampling', Image).BILINEAR
_NEAREST = getattr(Image, 'Resampling', Image).NEAREST


def check_image(image_bgr: np.ndarray) -> None:
    """
    Refuse what is not a colour image.

    :param image_bgr: expected (H, W, 3) uint8.
    :raises ImageError: anything else.
    """
    if not isinstance(image_bgr, np.ndarray):
        raise ImageError('the image is a {}, expected a NumPy array of (H, W, 3) uint8'.format(
            type(image_bgr).__name__))
    if image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or image_bgr.dtype != np.uint8:
        raise ImageError('the image is {} {}, expected (H, W, 3) uint8, blue first'.format(
            image_bgr.shape, image_bgr.dtype))
    if image_bgr.size == 0:
        raise ImageError('the image has {} x {} pixels, expected at least 1 x 1'.format(
            image_bgr.shape[1], image_bgr.shape[0]))


def resize_antialiased(image_bgr: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """
    Resize as the released networks were trained: Pillow's antialiased bilinear on uint8.

    :param image_bgr: (H, W, 3) uint8.
    :param size: target (h, w).
    :return: (h, w, 3) uint8, contiguous; the same array where the size is right already.
    """
    if image_bgr.shape[:2] == tuple(size):
        return np.ascontiguousarray(image_bgr)
    resized = Image.fromarray(np.ascontiguousarray(image_bgr)).resize(
        (size[1], size[0]), _BILINEAR)
    return np.array(resized)  # writable, which PyTorch asks for


def resize_linear_float(image_bgr: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """
    Resize as the first networks were trained: OpenCV's bilinear on float32, without rounding.

    They normalise before they resize; both are linear, so the order does not matter.

    :param image_bgr: (H, W, 3) uint8.
    :param size: target (h, w).
    :return: (h, w, 3) float32 in 0..255, contiguous.
    """
    pixels = image_bgr.astype(np.float32)
    if pixels.shape[:2] == tuple(size):
        return np.ascontiguousarray(pixels)
    return cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)


def resize_nearest(plane: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """
    Resize labels or confidence: each pixel takes the value under its centre.

    :param plane: (h, w) uint8.
    :param size: target (H, W).
    :return: (H, W) uint8; the same array where the size is right already.
    """
    if plane.shape == tuple(size):
        return plane
    # np.array: a view of Pillow's memory is read-only, and the result is the caller's
    return np.array(Image.fromarray(plane).resize((size[1], size[0]), _NEAREST))


Resize = Callable[[np.ndarray, Tuple[int, int]], np.ndarray]

RESIZERS: Dict[str, Resize] = {  # by the resize rule of the model card
    'pil_bilinear': resize_antialiased,
    'cv2_linear_float': resize_linear_float,
}


def fitter(rule: str, crop_ratio: float) -> Resize:
    """
    Return what brings images to the size of a network.

    :param rule: resize rule of the model card.
    :param crop_ratio: that of the model card: 0 stretches the image, else the centre is cut out.
    """
    resize = RESIZERS[rule]
    if not crop_ratio:
        return resize

    def resize_and_crop(image_bgr: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
        cover = (int(size[0] / crop_ratio), int(size[1] / crop_ratio))
        return crop_centre(resize(image_bgr, covering_size(image_bgr.shape[:2], cover)), size)

    return resize_and_crop


def covering_size(shape: Tuple[int, int], cover: Tuple[int, int]) -> Tuple[int, int]:
    """
    Return the smallest size of an image's shape that covers another size.

    For a square that is what torchvision's Resize(side) does: the shorter side becomes that side,
    the longer one is rounded down.

    :param shape: (H, W) of the image.
    :param cover: (h, w) to cover.
    :return: (h, w), one of them as in ``cover``, the other one not smaller.
    """
    height, width = shape
    if cover[0] * width >= cover[1] * height:
        return cover[0], int(cover[0] * width / height)
    return int(cover[1] * height / width), cover[1]


def crop_centre(image_bgr: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """
    Cut out the centre as torchvision's CenterCrop does; of two middles the even one.

    :param image_bgr: (H, W, 3), not smaller than the crop.
    :param size: (h, w) of the crop.
    :return: (h, w, 3), a view.
    """
    top, left = (int(round((whole - part) / 2.0))
                 for whole, part in zip(image_bgr.shape[:2], size))
    return image_bgr[top:top + size[0], left:left + size[1]]
