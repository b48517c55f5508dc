# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Synthetic frames rendered once into memory-mapped arrays, and batches drawn from them."""

import contextlib
import json
from multiprocessing import get_context
import os
from typing import List, NamedTuple, Sequence, Tuple

import cv2
from espnet_perception.errors import DatasetError
from espnet_perception.synthetic import SyntheticDrive
import numpy as np
from tqdm import tqdm

SECONDS_BETWEEN_FRAMES = 4.0


class FrameCache(NamedTuple):
    """
    Rendered frames.

    :param images_bgr: (N, H, W, 3) uint8
    :param labels: (N, H, W) uint8
    """

    images_bgr: np.ndarray
    labels: np.ndarray


def _render_drive(job: Tuple[int, int, int, int]) -> Tuple[np.ndarray, np.ndarray]:
    seed, frames, width, height = job
    cv2.setNumThreads(1)
    drive = SyntheticDrive(seed, width, height, frames, rate_hz=1 / SECONDS_BETWEEN_FRAMES)
    rendered = list(drive)
    return (np.stack([frame.image_bgr for frame in rendered]),
            np.stack([frame.labels for frame in rendered]))


def render(folder: str, seeds: Sequence[int], frames_per_drive: int, size: Tuple[int, int],
           workers: int = 1) -> FrameCache:
    """
    Open a cache, rendering it first where it is not there yet.

    :param folder: holds images.npy, labels.npy and facts.json, the last written when all is done
    :param seeds: one drive each
    :param frames_per_drive: frames, some seconds apart so that they differ
    :param size: width and height in pixels
    :param workers: processes that render
    :returns: the cache, memory-mapped read-only
    :raises DatasetError: the folder holds a cache of other seeds, frames or size
    """
    facts = {'seeds': list(seeds), 'frames_per_drive': frames_per_drive, 'size': list(size)}
    facts_path = os.path.join(folder, 'facts.json')
    if not os.path.exists(facts_path):
        os.makedirs(folder, exist_ok=True)
        _render_all(folder, facts, workers)
        with open(facts_path + '.part', 'w', encoding='utf-8') as stream:
            json.dump(facts, stream)
        os.replace(facts_path + '.part', facts_path)
    with open(facts_path, encoding='utf-8') as stream:
        found = json.load(stream)
    if found != facts:
        raise DatasetError('the frame cache {} was made with other settings; remove it or choose '
                           'another folder'.format(folder))
    return FrameCache(np.load(os.path.join(folder, 'images.npy'), mmap_mode='r'),
                      np.load(os.path.join(folder, 'labels.npy'), mmap_mode='r'))


def _render_all(folder: str, facts: dict, workers: int):
    seeds, frames, (width, height) = facts['seeds'], facts['frames_per_drive'], facts['size']
    shape = (len(seeds) * frames, height, width)
    images = np.lib.format.open_memmap(os.path.join(folder, 'images.npy'), 'w+', np.uint8,
                                       shape + (3,))
    labels = np.lib.format.open_memmap(os.path.join(folder, 'labels.npy'), 'w+', np.uint8, shape)
    jobs = [(seed, frames, width, height) for seed in seeds]
    with contextlib.ExitStack() as stack:
        if workers > 1:  # spawn: a fork of a process with threads may hang
            pool = stack.enter_context(get_context('spawn').Pool(workers))
            rendered = pool.imap(_render_drive, jobs)
        else:
            rendered = map(_render_drive, jobs)
        for index, (drive_images, drive_labels) in enumerate(
                tqdm(rendered, total=len(jobs), desc='rendering drives')):
            span = slice(index * frames, (index + 1) * frames)
            images[span], labels[span] = drive_images, drive_labels
    images.flush()
    labels.flush()


def class_shares(labels: np.ndarray, classes: int, stride: int = 7) -> np.ndarray:
    """Return (classes,) shares of the labelled pixels of every stride-th frame."""
    counts = np.zeros(256, np.int64)
    for frame in labels[::stride]:
        counts += np.bincount(frame.ravel(), minlength=256)
    return counts[:classes] / max(1, counts[:classes].sum())


def augment(image_bgr: np.ndarray, labels: np.ndarray, size: Tuple[int, int],
            rng: np.random.Generator, photometric: float = 1.0
            ) -> Tuple[np.ndarray, np.ndarray]:
    """
    Cut a window, zoom it, mirror and recolour it.

    :param image_bgr: (H, W, 3) uint8
    :param labels: (H, W) uint8
    :param size: width and height of the result, pixels
    :param rng: source of chance
    :param photometric: strength of the change of colours, 0 to 1
    """
    height, width = labels.shape
    zoom = np.exp(rng.uniform(-0.3, 0.35)) if rng.random() < 0.5 else 1.0
    zoom = max(zoom, size[0] / width, size[1] / height)
    columns, rows = int(size[0] / zoom), int(size[1] / zoom)
    top = int(rng.integers(height - rows + 1))
    left = int(rng.integers(width - columns + 1))
    window = (slice(top, top + rows), slice(left, left + columns))
    image_bgr, labels = image_bgr[window], labels[window]
    if (columns, rows) != size:
        image_bgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_LINEAR)
        labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    if rng.random() < 0.5:
        image_bgr, labels = image_bgr[:, ::-1], labels[:, ::-1]
    gain = np.exp(photometric * rng.normal(0, 0.1)) * np.exp(
        photometric * rng.normal(0, 0.03, 3))
    gamma = np.exp(photometric * rng.normal(0, 0.08))
    levels = (np.arange(256) / 255.0) ** gamma
    table = np.clip(levels[:, None] * gain * 255, 0, 255).astype(np.uint8)
    recoloured = cv2.LUT(np.ascontiguousarray(image_bgr), table[None])
    return recoloured, np.ascontiguousarray(labels)


def batch(cache: FrameCache, batch_size: int, size: Tuple[int, int], seed: int, step: int
          ) -> Tuple[np.ndarray, np.ndarray]:
    """
    Return the augmented batch of one step; it depends on the arguments alone.

    :param cache: the frames
    :param batch_size: frames per batch
    :param size: width and height of the windows cut from the frames, pixels
    :param seed: of order and augmentation
    :param step: number of the batch
    :returns: (B, H, W, 3) uint8 blue-green-red, (B, H, W) uint8
    """
    number = len(cache.labels)
    rng = np.random.default_rng((seed, 1, step))
    pairs: List[Tuple[np.ndarray, np.ndarray]] = []
    for position in range(step * batch_size, (step + 1) * batch_size):
        epoch, place = divmod(position, number)
        frame = int(np.random.default_rng((seed, 2, epoch)).permutation(number)[place])
        pairs.append(augment(cache.images_bgr[frame], cache.labels[frame], size, rng))
    return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])
