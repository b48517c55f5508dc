# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Offline replay: frames of a bag straight through the pipeline, none dropped."""

from typing import Any, Dict, Iterable, Iterator, Optional

from espnet_perception.errors import ImageError
from espnet_perception.evaluation.answers import Answer, REJECTED, SEGMENTED
from espnet_perception.evaluation.messages import BagMessage
from espnet_perception.pipeline.segmenter import Segmenter
from espnet_perception.telemetry.clock import monotonic_ns


def answers(messages: Iterable[BagMessage], segmenter: Segmenter) -> Iterator[Answer]:
    """
    Segment frames one after the other.

    :param messages: the frames.
    :param segmenter: the pipeline.
    :return: one answer for each frame, in order; damaged images are rejected, not fatal.
    """
    for message in messages:
        stamp_ns = 0
        try:
            stamp_ns = message.stamp_ns
            started_ns = monotonic_ns()
            image_bgr = message.decode()
            decode_ns = monotonic_ns() - started_ns
            result = segmenter.segment(image_bgr)
        except ImageError as error:
            yield Answer(message.index, stamp_ns, message.recorded_ns, REJECTED, str(error))
            continue
        confidence = None if result.confidence is None else float(result.confidence.mean()) / 255
        times = result.times
        yield Answer(message.index, stamp_ns, message.recorded_ns, SEGMENTED, '', result.labels,
                     confidence, {'decode': decode_ns, 'preprocess': times.preprocess_ns,
                                  'inference': times.inference_ns,
                                  'postprocess': times.postprocess_ns,
                                  'total': monotonic_ns() - started_ns})


class OfflineSource:
    """
    The pipeline as a source of answers.

    :param segmenter: the open pipeline.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def describe(self) -> Dict[str, Any]:
        """Return model, engine and sizes as plain values."""
        facts = {'mode': 'offline'}
        facts.update(self._segmenter.describe())
        return facts

    def answers(self, messages: Iterable[BagMessage], skip: int) -> Iterator[Answer]:
        """
        Yield the answer to each frame but the first ``skip``, in order.

        :param messages: all the frames.
        :param skip: how many were segmented by an earlier run.
        """
        self._segmenter.warm_up()
        return answers((message for message in messages if message.index >= skip),
                       self._segmenter)

    def session(self) -> Optional[Dict[str, Any]]:
        """Return None: nothing is lost on the way through the pipeline."""
