# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Ground truth for the frames of a bag: a topic of the bag, or a folder of label images.

A label image has one channel; its values are class ids. From a topic, the label image of a
frame is the one with the frame's stamp. From a folder, a file whose name is a number belongs to
the frame with that stamp in nanoseconds (``1700000000100000000.png``); where the names are no
stamps of the bag, files in the order of their names belong to the frames in the order of the
bag, and there must be as many of them.
"""

from pathlib import Path
import re
from typing import List, Optional, Protocol, Sequence

from espnet_perception.errors import DatasetError, ImageError
from espnet_perception.evaluation.bags import Bag
from espnet_perception.evaluation.messages import BagMessage, COMPRESSED_IMAGE, Topic
import numpy as np
from PIL import Image, UnidentifiedImageError

# Label images may be recorded in another order than frames, by so many places.
LOOK_AHEAD = 8
LABEL_ENCODINGS = ('mono8', '8UC1')
IMAGE_SUFFIXES = ('.png', '.bmp', '.pgm', '.tif', '.tiff', '.gif')


class Truth(Protocol):
    """Where the label image of a frame comes from."""

    def labels(self, index: int, stamp_ns: int) -> Optional[np.ndarray]:
        """
        Return the label image of a frame, or None where it has none.

        :param index: position of the frame in its topic.
        :param stamp_ns: stamp of the frame.
        :return: (H, W) uint8 ids as they are in the label image.
        :raises DatasetError: the label image cannot be used.
        """


class NoTruth:
    """No ground truth at all."""

    def labels(self, index: int, stamp_ns: int) -> Optional[np.ndarray]:
        """Return None."""


class TopicTruth:
    """
    Label images of a topic, matched by stamp.

    The topic is read once, in step with the frames: a label image waits until its frame comes.

    :param bag: the open bag.
    :param topic_name: topic of the label images.
    :raises BagError: no such topic.
    """

    def __init__(self, bag: Bag, topic_name: str) -> None:
        self._topic = bag.choose_topic(topic_name)
        self._messages = bag.messages(self._topic)
        self._waiting = {}  # type: Dict[int, BagMessage]

    def labels(self, index: int, stamp_ns: int) -> Optional[np.ndarray]:
        """
        Return the label image with the frame's stamp, or None where there is none.

        :param index: position of the frame in its topic; not used.
        :param stamp_ns: stamp of the frame.
        :return: (H, W) uint8 ids.
        :raises DatasetError: the message is no label image.
        """
        while stamp_ns not in self._waiting:
            message = next(self._messages, None)
            if message is None:
                break
            self._waiting[message.stamp_ns] = message
            if sum(stamp > stamp_ns for stamp in self._waiting) > LOOK_AHEAD:
                break
        message = self._waiting.get(stamp_ns)
        for stamp in [stamp for stamp in self._waiting if stamp < stamp_ns]:
            del self._waiting[stamp]
        return None if message is None else _labels_of(message)


class FolderTruth:
    """
    Label images of a folder, matched by stamp or by order.

    :param folder: path of the folder.
    :param stamps_ns: stamps of all frames, in the order of the bag.
    :raises DatasetError: no label images, or neither names nor numbers fit the bag.
    """

    def __init__(self, folder: str, stamps_ns: Sequence[int]) -> None:
        files = _label_files(Path(folder))
        by_number = {int(file.stem): file for file in files if file.stem.isdigit()}
        self._by_stamp = {stamp: by_number[stamp] for stamp in stamps_ns if stamp in by_number}
        self._by_order = [] if self._by_stamp else files
        if not self._by_stamp and len(files) != len(stamps_ns):
            raise DatasetError('{} holds {} label images for {} frames, and their names are no '
                               'stamps of the bag; give one for each frame in the order of the '
                               'bag, or name them by stamp in nanoseconds'.format(
                                   folder, len(files), len(stamps_ns)))

    def labels(self, index: int, stamp_ns: int) -> Optional[np.ndarray]:
        """
        Return the label image of a frame, or None where there is none.

        :param index: position of the frame in its topic.
        :param stamp_ns: stamp of the frame.
        :return: (H, W) uint8 ids.
        :raises DatasetError: the file is no label image.
        """
        if self._by_order:
            return read_label_image(self._by_order[index])
        file = self._by_stamp.get(stamp_ns)
        return None if file is None else read_label_image(file)


def truth_of(bag: Bag, topic: Topic, place: str) -> Truth:
    """
    Open the ground truth of a bag.

    :param bag: the open bag.
    :param topic: topic of the images.
    :param place: a topic of the bag or a folder with label images; empty: none.
    :raises PerceptionError: neither such a topic nor such a folder, or nothing fits.
    """
    if not place:
        return NoTruth()
    is_topic = place in [entry.name for entry in bag.topics]
    if is_topic or (place.startswith('/') and not Path(place).exists()):
        return TopicTruth(bag, place)  # of a missing topic its error names those there are
    return FolderTruth(place, stamps_of(bag, topic))


def stamps_of(bag: Bag, topic: Topic) -> List[int]:
    """
    Return the stamps of all frames of a topic in nanoseconds; -1 where a message is damaged.

    :param bag: the open bag.
    :param topic: topic of the images.
    """
    stamps = []
    for message in bag.messages(topic):
        try:
            stamps.append(message.stamp_ns)
        except ImageError:
            stamps.append(-1)
    return stamps


def read_label_image(path: Path) -> np.ndarray:
    """
    Read a label image.

    :param path: an image file with one 8-bit channel, or with a palette.
    :return: (H, W) uint8 ids; of an image with a palette the indices.
    :raises DatasetError: not readable, or in colour.
    """
    try:
        with Image.open(path) as picture:
            mode = picture.mode
            labels = np.array(picture)
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise DatasetError('cannot read the label image {}: {}'.format(path, error))
    if mode not in ('L', 'P') or labels.ndim != 2 or labels.dtype != np.uint8:
        raise DatasetError('the label image {} has mode {}, expected one 8-bit channel of class '
                           'ids'.format(path, mode))
    return labels


def _label_files(folder: Path) -> List[Path]:
    if not folder.is_dir():
        raise DatasetError('there is no folder of label images at {}; --truth takes a topic of '
                           'the bag or a folder'.format(folder))
    files = [file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        raise DatasetError('{} holds no label images ({})'.format(
            folder, ', '.join(IMAGE_SUFFIXES)))
    return sorted(files, key=lambda file: [int(part) if part.isdigit() else part
                                           for part in re.split(r'(\d+)', file.name)])


def _labels_of(message: BagMessage) -> np.ndarray:
    try:
        if message.topic.message_type != COMPRESSED_IMAGE:
            if message.fields.encoding not in LABEL_ENCODINGS:
                raise DatasetError('the label images of {} are {}, expected {}'.format(
                    message.topic.name, message.fields.encoding, ' or '.join(LABEL_ENCODINGS)))
        image_bgr = message.decode()
    except ImageError as error:
        raise DatasetError('a label image of {} cannot be read: {}'.format(
            message.topic.name, error))
    blue, green, red = (image_bgr[:, :, channel] for channel in range(3))
    if not (np.array_equal(blue, green) and np.array_equal(blue, red)):
        raise DatasetError('the label images of {} are in colour, expected one channel of class '
                           'ids'.format(message.topic.name))
    return np.ascontiguousarray(blue)
