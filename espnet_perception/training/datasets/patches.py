# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
A classification data set cut from images with masks, small enough for experiments on a CPU.

A patch is a square window around a pixel of a class that covers more of it than any other class
does. Every class gives the same number of patches, if it has so many. Patches of two splits come
from different frames.
"""

from typing import Any, Dict, Iterable, List, NamedTuple, Tuple

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.pipeline.preprocess import resize_antialiased
from espnet_perception.training.datasets.labelled import LabelledDataset
from espnet_perception.training.datasets.pairs import PairDataset
import numpy as np
from tqdm import tqdm

SMALLEST_WINDOW, LARGEST_WINDOW = 24, 160  # pixels of the frame
SPARE = 8  # windows that are tried in a frame for each one that a class should give

Window = Tuple[slice, slice]  # rows and columns


class Cut(NamedTuple):
    """
    How patches are cut.

    :param count: patches that are aimed at
    :param side: width and height of a patch in pixels
    :param share: of the window that its class must cover
    :param seed: of the choice
    """

    count: int = 2000
    side: int = 72
    share: float = 0.4
    seed: int = 1


class Patches(LabelledDataset):
    """
    Patches in memory.

    :param pairs: the data set that they are cut from
    :param images_bgr: (N, side, side, 3) uint8
    :param targets: (N,) int64
    """

    def __init__(self, pairs: PairDataset, images_bgr: np.ndarray, targets: np.ndarray) -> None:
        super().__init__('patches of ' + pairs.name, pairs.label_set, targets, pairs.rights)
        self.images_bgr = images_bgr

    def image(self, index: int) -> np.ndarray:
        """Return one patch, as LabelledDataset says."""
        return self.images_bgr[index]


def cut_patches(pairs: PairDataset, cut: Cut) -> Patches:
    """
    Cut a classification data set from images with masks.

    :param pairs: images and masks
    :param cut: how many and how large
    :returns: the patches, in the order of the frames
    :raises DatasetError: a file cannot be read, a size that cannot be cut, or no patch
    """
    if cut.count < 1 or cut.side < 8 or not 0 < cut.share <= 1:
        raise DatasetError('{} patches of {} pixels with a share of {} cannot be cut; expected at '
                           'least 1, 8 and a share of 0 to 1'.format(
                               cut.count, cut.side, cut.share))
    chosen = _balanced(_find_all(pairs, cut), cut)
    if not chosen:
        raise DatasetError('no window of {} is covered by one class to {:.0%}; lower share'.format(
            pairs.name, cut.share))
    images_bgr = np.empty((len(chosen), cut.side, cut.side, 3), np.uint8)
    frame, image_bgr = -1, images_bgr[0]
    for place, (index, _, window) in enumerate(_watched(chosen, 'cutting patches')):
        if index != frame:
            frame, image_bgr = index, pairs.read(index)[0]
        images_bgr[place] = resize_antialiased(image_bgr[window], (cut.side, cut.side))
    return Patches(pairs, images_bgr,
                   np.array([class_id for _, class_id, _ in chosen], np.int64))


def _watched(rows: Iterable[Any], name: str) -> Iterable[Any]:
    return tqdm(rows, desc=name, disable=None, leave=False)


def _find_all(pairs: PairDataset, cut: Cut) -> Dict[int, List[Tuple[int, Window]]]:
    """Return frame and window of more patches than are wanted, by class."""
    even_share = -(-cut.count // (len(pairs.label_set.classes) * len(pairs)))
    found: Dict[int, List[Tuple[int, Window]]] = {}
    for index in _watched(range(len(pairs)), 'finding patches'):
        labels = pairs.read_labels(index)
        rng = np.random.default_rng((cut.seed, index))
        for class_id in np.unique(labels[labels != NO_CLASS]).tolist():
            windows = find_windows(labels, class_id, cut.share, SPARE * even_share, rng)
            found.setdefault(class_id, []).extend((index, window) for window in windows)
    return found


def find_windows(labels: np.ndarray, class_id: int, share: float, number: int,
                 rng: np.random.Generator) -> List[Window]:
    """
    Choose square windows that one class covers, more than any other one does.

    :param labels: (H, W) uint8
    :param class_id: it occurs in the labels
    :param share: of the window that the class must cover
    :param number: windows that are tried
    :param rng: source of chance
    :returns: rows and columns of those that are covered
    """
    places = np.flatnonzero(labels == class_id)
    height, width = labels.shape
    largest = min(LARGEST_WINDOW, height, width)
    sides = np.exp(rng.uniform(np.log(min(SMALLEST_WINDOW, largest)), np.log(largest), number))
    windows = []
    for side, place in zip(sides.round().astype(int).tolist(),
                           rng.choice(places, number).tolist()):
        top = min(max(place // width - side // 2, 0), height - side)
        left = min(max(place % width - side // 2, 0), width - side)
        window = slice(top, top + side), slice(left, left + side)
        counts = np.bincount(labels[window].ravel(), minlength=NO_CLASS + 1)
        counts[NO_CLASS] = 0
        if counts[class_id] == counts.max() and counts[class_id] >= share * side * side:
            windows.append(window)
    return windows


def _balanced(found: Dict[int, List[Tuple[int, Window]]], cut: Cut
              ) -> List[Tuple[int, int, Window]]:
    """Return frame, class, window: of every class as many, or all where it has fewer."""
    rng = np.random.default_rng(cut.seed)
    kept, left = [], cut.count
    for done, class_id in enumerate(sorted(found, key=lambda one: (len(found[one]), one))):
        rows = found[class_id]
        number = min(len(rows), left // (len(found) - done))
        for place in sorted(rng.permutation(len(rows))[:number].tolist()):
            kept.append((rows[place][0], class_id, rows[place][1]))
        left -= number
    return sorted(kept, key=lambda row: row[:2])
