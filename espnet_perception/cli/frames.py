# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames out of a folder of images or a bag, at the size of a network."""

import os
from typing import Any, Iterator, List, Tuple

from espnet_perception.errors import ImageError, PerceptionError
import numpy as np

SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp')
BAG_SUFFIXES = ('.mcap', '.db3', '.bag')
MOST_FRAMES = 200  # evenly spread over what there is; 1024x512 pixels take 315 MB


def read_frames(source: str, card: Any, size: Tuple[int, int]) -> List[np.ndarray]:
    """
    Read frames.

    :param source: a folder of images, or a bag with one topic of images.
    :param card: the model card; tells how images are resized.
    :param size: (h, w) of the network's input.
    :return: (h, w, 3) BGR each, at most MOST_FRAMES.
    :raises ImageError: no images, or one that cannot be read.
    :raises BagError: a bag that cannot be read.
    """
    from espnet_perception.pipeline.preprocess import fitter
    fit = fitter(card.resize, card.crop_ratio)
    is_bag = source.endswith(BAG_SUFFIXES) or os.path.isfile(
        os.path.join(source, 'metadata.yaml'))
    images = [fit(image_bgr, size) for image_bgr in (_of_bag if is_bag else _of_folder)(source)]
    if not images:
        raise ImageError('there is no frame in {}; give another bag'.format(source))
    return images


def _of_folder(folder: str) -> Iterator[np.ndarray]:
    import cv2
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(SUFFIXES)) \
        if os.path.isdir(folder) else []
    if not names:
        raise ImageError("no images in '{}'; give a folder with files such as {}, or a bag".format(
            folder, ', '.join('*' + suffix for suffix in SUFFIXES)))
    for name in names[::_stride(len(names))]:
        image_bgr = cv2.imread(os.path.join(folder, name))
        if image_bgr is None:
            raise ImageError('{} is no image that can be read; remove it from the folder'.format(
                os.path.join(folder, name)))
        yield image_bgr


def _of_bag(path: str) -> Iterator[np.ndarray]:
    try:
        from espnet_perception.evaluation.bags import open_bag
    except ImportError as error:
        raise PerceptionError('reading a bag needs Python 3.10 and the package rosbags (pip '
                              'install rosbags): {}; give a folder of images'.format(error))
    with open_bag(path) as bag:
        topic = bag.choose_topic()
        for index, message in enumerate(bag.messages(topic)):
            if index % _stride(topic.count) == 0:
                yield message.decode()


def _stride(count: int) -> int:
    return max(1, -(-count // MOST_FRAMES))
