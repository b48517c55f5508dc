# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Does an engine of lower precision still say the same? Labels against those of another one."""

from typing import Iterable, NamedTuple

from espnet_perception.engines import Engine, EngineOutput
from espnet_perception.errors import EngineError
import numpy as np

LEAST_SHARE = 0.99


class Agreement(NamedTuple):
    """
    How far two engines agree.

    :param share: of the pixels (of a classifier: of the images) with the same class.
    :param worst: the share in the image where they agree least.
    :param images: how many were compared.
    """

    share: float
    worst: float
    images: int


def compare(reference: Engine, candidate: Engine, images: Iterable[np.ndarray]) -> Agreement:
    """
    Compare the classes that two engines give.

    :param reference: the engine that is right, in fp32.
    :param candidate: the engine in question, opened alike.
    :param images: (h, w, 3) BGR of the engines' size and type.
    :raises EngineError: there is no image, or an engine fails.
    """
    images = list(images)
    return against([classes(reference.infer(image)) for image in images], candidate, images)


def against(truth: Iterable[np.ndarray], candidate: Engine, images: Iterable[np.ndarray]
            ) -> Agreement:
    """
    Compare the classes that an engine gives with those that another one gave.

    :param truth: of each image what ``classes`` returned of the engine that is right.
    :param candidate: the engine in question.
    :param images: (h, w, 3) BGR of the engine's size and type.
    :raises EngineError: there is no image, or the engine fails.
    """
    shares = [float(np.mean(expected == classes(candidate.infer(image))))
              for expected, image in zip(truth, images)]
    if not shares:
        raise EngineError('there is no image to compare engines on; give a folder with some')
    return Agreement(sum(shares) / len(shares), min(shares), len(shares))


def classes(output: EngineOutput) -> np.ndarray:
    """
    Return the class of every pixel, or of the image.

    :param output: of an engine: labels (h, w), or logits (classes, h, w) or (classes,).
    """
    return output.labels if output.logits is None else output.logits.argmax(axis=0)


def require(found: Agreement, least: float = LEAST_SHARE) -> None:
    """
    Refuse an engine that says something else too often.

    :param found: what compare returned.
    :param least: the lowest share that is accepted.
    :raises EngineError: it is lower.
    """
    if not found.share >= least:
        raise EngineError('the engine agrees with fp32 on {:.2%} of {} image(s), expected {:.2%} '
                          'at least; use fp32'.format(found.share, found.images, least))
