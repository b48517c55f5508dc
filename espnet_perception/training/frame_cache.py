# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Synthetic frames rendered once into arrays on disk, read through memory mapping."""

import contextlib
import json
from multiprocessing import get_context
import os
import shutil
from typing import Dict, List, Optional, Tuple

import cv2
from espnet_perception.errors import DatasetError
from espnet_perception.synthetic import SyntheticDrive
import numpy as np
from tqdm import tqdm

FACTS_FILE = 'facts.json'
ARRAYS = ('images', 'labels')
SMALLEST_SIDE = 16


class FrameCache:
    """
    Rendered frames; small when it is sent to another process, which maps the files itself.

    :param folder: made by ``render``
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._open: Dict[str, np.ndarray] = {}

    @property
    def images_bgr(self) -> np.ndarray:
        """Images: (N, H, W, 3) uint8."""
        return self._array('images')

    @property
    def labels(self) -> np.ndarray:
        """Class ids: (N, H, W) uint8."""
        return self._array('labels')

    def __getstate__(self) -> dict:
        return {'folder': self.folder, '_open': {}}

    def _array(self, name: str) -> np.ndarray:
        if name not in self._open:
            self._open[name] = np.load(array_path(self.folder, name), mmap_mode='r')
        return self._open[name]


def array_path(folder: str, name: str) -> str:
    """Return the path of an array of a cache: images or labels."""
    return os.path.join(folder, name + '.npy')


def render(folder: str, seeds: List[int], frames: int, size: Tuple[int, int], rate_hz: float
           ) -> FrameCache:
    """
    Open a cache, rendering it first where it is not there yet.

    :param folder: holds images.npy, labels.npy and facts.json; appears when all is done
    :param seeds: one drive each
    :param frames: of each drive
    :param size: width and height in pixels
    :param rate_hz: frames per second; a low rate makes them differ
    :returns: the cache
    :raises DatasetError: the folder holds something else, or a size that cannot be drawn
    """
    if frames < 1 or not seeds or min(size) < SMALLEST_SIDE:
        raise DatasetError('{} drives of {} frames of {} x {} pixels cannot be drawn; expected at '
                           'least 1, 1 and {} x {}'.format(
                               len(seeds), frames, *size, SMALLEST_SIDE, SMALLEST_SIDE))
    facts = {'seeds': list(seeds), 'frames': frames, 'size': list(size), 'rate_hz': rate_hz}
    if not os.path.isdir(folder):
        part = '{}.{}.part'.format(folder, os.getpid())
        try:
            os.makedirs(part)
            _render_all(part, facts)
            with open(os.path.join(part, FACTS_FILE), 'w', encoding='utf-8') as stream:
                json.dump(facts, stream)
            if not os.path.isdir(folder):  # else another process was faster
                os.rename(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    if _read_facts(folder) != facts:
        raise DatasetError('the frame cache {} was made with other settings; remove it or '
                           'choose another folder'.format(folder))
    return FrameCache(folder)


def _read_facts(folder: str) -> Optional[dict]:
    try:
        with open(os.path.join(folder, FACTS_FILE), encoding='utf-8') as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


def _render_all(folder: str, facts: dict) -> None:
    frames, (width, height) = facts['frames'], facts['size']
    shape = (len(facts['seeds']) * frames, height, width)
    arrays = [np.lib.format.open_memmap(array_path(folder, name), 'w+', np.uint8, dimensions)
              for name, dimensions in zip(ARRAYS, (shape + (3,), shape))]
    jobs = [(seed, frames, width, height, facts['rate_hz']) for seed in facts['seeds']]
    workers = min(os.cpu_count() or 1, len(jobs))
    with contextlib.ExitStack() as stack:
        if workers > 1:  # spawn: a fork of a process with threads may hang
            pool = stack.enter_context(get_context('spawn').Pool(workers))
            rendered = pool.imap(_render_drive, jobs)
        else:
            rendered = map(_render_drive, jobs)
        for index, drive in enumerate(tqdm(rendered, total=len(jobs), unit='drive',
                                           desc='rendering drives')):
            for array, part in zip(arrays, drive):
                array[index * frames:(index + 1) * frames] = part
    for array in arrays:
        array.flush()


def _render_drive(job: Tuple[int, int, int, int, float]) -> Tuple[np.ndarray, np.ndarray]:
    seed, frames, width, height, rate_hz = job
    cv2.setNumThreads(1)
    rendered = list(SyntheticDrive(seed, width, height, frames, rate_hz))
    return (np.stack([frame.image_bgr for frame in rendered]),
            np.stack([frame.labels for frame in rendered]))
