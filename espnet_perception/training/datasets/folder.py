# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The user's own images and masks.

    images/yard_01.jpg   masks/yard_01.png   classes.txt   [train.txt val.txt test.txt]
    images/train/...     masks/train/...     classes.txt   (a folder for each split instead)

A mask has the stem and the size of its image. It holds class ids in one channel (255: unlabelled),
or the colours that the file of classes gives (black: unlabelled, unless a class is black).
Without lists and without folders of splits, a fifth of the images, chosen by a hash of their
names, is for checking: an image stays where it is when others are added.
"""

import glob
import hashlib
import os
from typing import Dict, Iterable, List, Sequence, Tuple

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.metrics import NO_CLASS
from espnet_perception.label_sets import LABEL_SETS, LabelSet, load_label_set
from espnet_perception.training.datasets.pairs import named, Pair, PairDataset, read_split
import numpy as np

IMAGES, MASKS, CLASSES = 'images', 'masks', 'classes'
SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm')
TRAIN, CHECK, EVERYTHING = 'train', 'val', 'all'
CHECK_SHARE = 5  # one in five
BLACK = 0


class FolderDataset(PairDataset):
    """Images with masks of ids or of colours."""

    def labels_of(self, values: np.ndarray, path: str) -> np.ndarray:
        """Turn ids as PairDataset does, and colours by the palette of the label set."""
        if values.ndim == 2:
            return super().labels_of(values, path)
        ids = {BLACK: NO_CLASS}
        ids.update((_code(colour), class_id)
                   for class_id, colour in enumerate(self.label_set.palette))
        known = np.array(sorted(ids), np.int32)
        codes = values.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
        places = np.searchsorted(known[:-1], codes)
        foreign = codes[known[places] != codes]
        if foreign.size:
            hint = '; JPEG changes colours, save masks as PNG' \
                if path.lower().endswith(('.jpg', '.jpeg')) else ''
            colour = tuple(int(foreign[0]) >> shift & 255 for shift in (16, 8, 0))
            raise DatasetError('the mask {} has a colour that no class has, {} (red, green, '
                               'blue), expected those of {}{}'.format(
                                   path, colour, self.label_set.name, hint))
        return np.array([ids[code] for code in known.tolist()], np.uint8)[places]


def open_folder(folder: str, split: str, classes: str = '') -> FolderDataset:
    """
    Open the user's own images.

    :param folder: holds images, masks and the file of classes
    :param split: train, val, test or what else there is a list or a folder for; all; several
        joined by +
    :param classes: label set or file; empty: classes.* in the folder
    :raises DatasetError: a folder or the classes are missing, images without masks, masks without
        images, or no image in the split
    """
    label_set = _label_set(folder, classes)
    pairs, notes = [], []
    for part in split.split('+'):
        found, note = _pairs(folder, part)
        pairs += found
        notes += [note] * bool(note)
    opened = FolderDataset(os.path.basename(os.path.abspath(folder)), pairs, label_set)
    opened.note = '; '.join(notes)
    return opened


def _label_set(folder: str, classes: str) -> LabelSet:
    if not os.path.isdir(folder):
        raise DatasetError("there is no folder '{}'; give the one that holds {} and {}".format(
            os.path.abspath(folder) if folder else '', IMAGES, MASKS))
    found = sorted(glob.glob(os.path.join(glob.escape(folder), CLASSES + '.*')))
    if not classes and not found:
        raise DatasetError('{} holds no {}.txt; list the name of each class there, one on each '
                           'line, in the order of the ids in the masks'.format(folder, CLASSES))
    if classes and classes not in LABEL_SETS:
        classes = os.path.join(folder, os.path.expandvars(os.path.expanduser(classes)))
    label_set = load_label_set(classes or found[0])
    for class_id, colour in enumerate(label_set.palette):
        first = label_set.palette.index(colour)
        if first != class_id:
            raise DatasetError("the classes '{}' and '{}' have the same colour {}; give each its "
                               'own'.format(label_set.classes[first], label_set.classes[class_id],
                                            tuple(colour)))
    return label_set


def _pairs(folder: str, split: str) -> Tuple[List[Pair], str]:
    """Return the pairs of one split, and how they were chosen where that was by chance."""
    images, masks = (os.path.join(folder, one) for one in (IMAGES, MASKS))
    if os.path.isdir(os.path.join(images, split)):
        return _matched(os.path.join(images, split), os.path.join(masks, split), split), ''
    listed = os.path.join(folder, split + '.txt')
    if os.path.exists(listed):
        return _listed(images, masks, read_split(folder, split), listed), ''
    everything = _matched(images, masks, '')
    if split == EVERYTHING:
        return everything, ''
    if split not in (TRAIN, CHECK):
        raise DatasetError("there is no split '{}' in {}; write the stems of its images into {}"
                           .format(split, folder, listed))
    other = os.path.join(folder, (CHECK if split == TRAIN else TRAIN) + '.txt')
    if os.path.exists(other):
        raise DatasetError('there is {} but no {}; write both lists or none'.format(
            other, listed))
    chosen = _checked(pair.stem for pair in everything)
    pairs = [pair for pair in everything if (pair.stem in chosen) == (split == CHECK)]
    return pairs, '{}: {} of {} images, by a hash of their names, for there is no {}'.format(
        split, len(pairs), len(everything), listed)


def _checked(stems: Iterable[str]) -> frozenset:
    """Return the stems that check: those whose hash is a multiple of five, at least one."""
    places = {stem: int(hashlib.sha256(stem.encode()).hexdigest()[:12], 16) for stem in stems}
    chosen = {stem for stem, place in places.items() if place % CHECK_SHARE == 0}
    return frozenset(chosen or {min(places, key=places.get)})


def _matched(images: str, masks: str, prefix: str) -> List[Pair]:
    """Return the pairs of two folders, each image with the mask of its stem."""
    image_files, mask_files = _files(images), _files(masks)
    if not image_files:
        raise DatasetError('{} holds no image; expected files such as {}'.format(
            images, ', '.join('*' + suffix for suffix in SUFFIXES[:3])))
    bare = [stem for stem in image_files if stem not in mask_files]
    if bare:
        raise DatasetError('{} of {} images have no mask in {}: {}; add the masks, or list the '
                           'images that have one in train.txt and val.txt'.format(
                               len(bare), len(image_files), masks, named(bare)))
    lost = [stem for stem in mask_files if stem not in image_files]
    if lost:
        raise DatasetError('{} of {} masks have no image in {}: {}; add the images or remove the '
                           'masks'.format(len(lost), len(mask_files), images, named(lost)))
    return [Pair(os.path.join(prefix, stem), image_files[stem], mask_files[stem])
            for stem in sorted(image_files)]


def _files(folder: str) -> Dict[str, str]:
    """Return the image files of a folder by their stems."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DatasetError('cannot read {}: {}; images go to {}/, masks of the same names to {}/'
                           .format(folder, error.strerror, IMAGES, MASKS))
    found: Dict[str, str] = {}
    for name in names:
        stem, suffix = os.path.splitext(name)
        if suffix.lower() not in SUFFIXES or name.startswith('.'):
            continue
        if stem in found:
            raise DatasetError('{} and {} have the same stem; keep one of them'.format(
                found[stem], name))
        found[stem] = os.path.join(folder, name)
    return found


def _listed(images: str, masks: str, lines: Sequence[str], path: str) -> List[Pair]:
    """Return the pairs of a list of stems or file names."""
    image_files, mask_files = _files(images), _files(masks)
    stems = [line if line in image_files else os.path.splitext(line)[0] for line in lines]
    for files, folder in ((image_files, images), (mask_files, masks)):
        missing = [stem for stem in stems if stem not in files]
        if missing:
            raise DatasetError('{} of {} names in {} are not in {}: {}; correct the list or add '
                               'the files'.format(len(missing), len(stems), path, folder,
                                                  named(missing)))
    return [Pair(stem, image_files[stem], mask_files[stem]) for stem in stems]


def _code(colour: Sequence[int]) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]
