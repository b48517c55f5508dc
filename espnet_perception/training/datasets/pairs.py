# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Images with a mask each: what every segmentation data set on disk comes down to."""

import os
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import cv2
from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.label_sets import LabelSet
import numpy as np
from PIL import Image, UnidentifiedImageError

FORBIDDEN = -1


class Rights(NamedTuple):
    """
    What may be done with the frames of a data set.

    :param licence: of the data, for the cards of models that learnt from them; empty: not known
    :param frames_may_be_shown: pictures of frames may lie in a model directory that is given
        away; None: their owner decides
    """

    licence: str = ''
    frames_may_be_shown: Optional[bool] = None


UNKNOWN_RIGHTS = Rights()


class Pair(NamedTuple):
    """
    One image and its mask.

    :param stem: name of the pair, unique within its data set
    :param image: path of the image
    :param mask: path of the mask
    :param group: what is also reported by itself, such as the drive or the city
    """

    stem: str
    image: str
    mask: str
    group: str = ''


class PairDataset:
    """
    Images with masks, decoded when they are asked for.

    :param name: name of the data set, for cards and messages
    :param pairs: the pairs, in the order of the data set
    :param label_set: names and colours of the classes
    :param ids: (256,) class id of every value of a mask, NO_CLASS where it counts nowhere,
        FORBIDDEN where the value must not occur; None: 0 to classes - 1 and 255
    :param rights: what may be done with the frames
    """

    note = ''  # a sentence on how the split was made, where the user should know

    def __init__(self, name: str, pairs: Sequence[Pair], label_set: LabelSet,
                 ids: Optional[np.ndarray] = None, rights: Rights = UNKNOWN_RIGHTS
                 ) -> None:
        self.name = name
        self.pairs = tuple(pairs)
        self.label_set = label_set
        self.ids = plain_ids(len(label_set.classes)) if ids is None else ids
        self.rights = rights
        if not self.pairs:
            raise DatasetError('the data set {} holds no image; check its folder and split'.format(
                name))

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def groups(self) -> Dict[str, List[int]]:
        """Positions of the pairs of each group, by its name; empty where there are no groups."""
        found: Dict[str, List[int]] = {}
        for index, pair in enumerate(self.pairs):
            if pair.group:
                found.setdefault(pair.group, []).append(index)
        return found

    def read(self, index: int) -> Tuple[np.ndarray, np.ndarray]:
        """
        Decode one pair.

        :param index: position in the data set
        :returns: (H, W, 3) uint8 blue-green-red, (H, W) uint8 class ids or NO_CLASS
        :raises DatasetError: a file is missing or damaged, sizes differ, or a value of the mask
            is no class
        """
        pair = self.pairs[index]
        image_bgr, labels = read_image(pair.image), self.read_labels(index)
        if image_bgr.shape[:2] != labels.shape:
            raise DatasetError('{} is {} x {} pixels and its mask {} x {}; a mask has the size of '
                               'its image'.format(pair.image, *image_bgr.shape[1::-1],
                                                  *labels.shape[::-1]))
        return image_bgr, labels

    def read_labels(self, index: int) -> np.ndarray:
        """
        Decode one mask.

        :param index: position in the data set
        :returns: (H, W) uint8 class ids or NO_CLASS
        :raises DatasetError: as ``read``
        """
        path = self.pairs[index].mask
        return self.labels_of(self.decode_mask(path), path)

    def labels_of(self, values: np.ndarray, path: str) -> np.ndarray:
        """
        Turn the values of a mask into class ids.

        :param values: as ``decode_mask`` gives them
        :param path: of the mask, for the message
        :returns: (H, W) uint8 class ids or NO_CLASS
        :raises DatasetError: a value is no class
        """
        if values.ndim != 2:
            raise DatasetError('the mask {} has pixels of RGB, expected one channel of class ids'
                               .format(path))
        wrong = values[values > NO_CLASS] if values.dtype != np.uint8 else values[:0]
        if not wrong.size:
            labels = self.ids[values]
            if labels.min(initial=0) >= 0:
                return labels.astype(np.uint8)
            wrong = values[labels == FORBIDDEN]
        raise DatasetError('the mask {} holds {}, expected {}'.format(
            path, ', '.join(map(str, np.unique(wrong)[:5])), self._expected()))

    def is_damaged(self, index: int) -> bool:
        """Return whether a mask cannot be decoded, as against holding a wrong value."""
        try:
            self.decode_mask(self.pairs[index].mask)
        except DatasetError:
            return True
        return False

    def stamps(self) -> Iterator[str]:
        """Yield a line per mask that changes with the file."""
        for pair in self.pairs:
            facts = os.stat(pair.mask) if os.path.exists(pair.mask) else None
            yield '{} {} {}'.format(pair.stem, facts and facts.st_size,
                                    facts and facts.st_mtime_ns)

    def decode_mask(self, path: str) -> np.ndarray:
        """
        Decode a mask file.

        :param path: of the file
        :returns: (H, W) values, of palette images the index; (H, W, 3) red, green, blue of
            images with colours
        :raises DatasetError: missing or damaged
        """
        try:
            with Image.open(path) as mask:
                coloured = mask.mode not in ('L', 'P', '1', 'I;16', 'I')
                values = np.asarray(mask.convert('RGB') if coloured else mask)
        except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
            raise DatasetError('cannot read the mask {}: {}'.format(path, _reason(error)))
        return values.astype(np.uint8) if values.dtype == bool else values

    def _expected(self) -> str:
        valid = np.flatnonzero(self.ids != FORBIDDEN)
        return 'class ids of {} ({} to {}) or {} for unlabelled'.format(
            self.label_set.name, valid[0], len(self.label_set.classes) - 1, NO_CLASS)


def named(names: Sequence[str], most: int = 3) -> str:
    """Return the first of many names, for a message."""
    return ', '.join(names[:most]) + (', ...' if len(names) > most else '')


def plain_ids(classes: int) -> np.ndarray:
    """Return the ids of masks that hold class ids and NO_CLASS, nothing else."""
    ids = np.full(256, FORBIDDEN, np.int16)
    ids[:classes] = np.arange(classes)
    ids[NO_CLASS] = NO_CLASS
    return ids


def read_image(path: str) -> np.ndarray:
    """
    Decode an image.

    :param path: JPEG, PNG or anything else that OpenCV reads
    :returns: (H, W, 3) uint8 blue-green-red
    :raises DatasetError: missing or damaged
    """
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DatasetError('cannot read the image {}: {}'.format(path, _reason(error)))
    image_bgr = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if image_bgr is None:
        raise DatasetError('cannot read the image {}: {} bytes that are no image'.format(
            path, content.size))
    return image_bgr


def read_split(folder: str, split: str) -> Sequence[str]:
    """
    Return the stems of a split list, one per line of ``<split>.txt``.

    :param folder: folder of the data set
    :param split: name of the list; several joined by + follow each other
    :raises DatasetError: no such list
    """
    stems = []
    for part in split.split('+'):
        path = os.path.join(folder, part + '.txt')
        try:
            with open(path, encoding='utf-8') as stream:
                stems += [line.strip() for line in stream if line.strip()]
        except OSError as error:
            raise DatasetError("cannot read the list of split '{}', {}: {}".format(
                part, path, _reason(error)))
    return stems


def _reason(error: Exception) -> str:
    return getattr(error, 'strerror', None) or str(error)
