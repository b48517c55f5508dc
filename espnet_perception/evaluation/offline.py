# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Offline replay: frames of a bag straight through the pipeline, none dropped."""

from typing import Any, Callable, Dict, Iterable, Iterator, Optional

from espnet_perception.errors import ImageError
from espnet_perception.evaluation.answers import Answer, ANSWERED, Ranking, REJECTED
from espnet_perception.evaluation.messages import BagMessage
from espnet_perception.frame import Frame
from espnet_perception.pipeline import Classifier, Segmenter
from espnet_perception.pipeline.base import Pipeline
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np


def segmented(segmenter: Segmenter, frame: Frame) -> Dict[str, Any]:
    """
    Label a frame.

    :param segmenter: the pipeline.
    :param frame: the frame.
    :return: fields of the Answer, and the times of the stages.
    """
    result = segmenter.segment(frame.image_bgr)
    confidence = None if result.confidence is None else float(result.confidence.mean()) / 255
    return {'labels': result.labels, 'confidence': confidence, 'times_ns': result.times._asdict()}


def classified(classifier: Classifier, frame: Frame) -> Dict[str, Any]:
    """
    Say what a frame shows.

    :param classifier: the pipeline.
    :param frame: the frame.
    :return: fields of the Answer, and the times of the stages.
    """
    result = classifier.follow(frame)
    return {'ranking': Ranking(np.array(result.ids, np.int32), result.scores),
            'confidence': float(result.all_scores.max()), 'times_ns': result.times._asdict()}


ANSWERERS = {'segmentation': segmented, 'classification': classified}
# Any pipeline can take a frame and give back fields of an Answer.
Answerer = Callable[[Any, Frame], Dict[str, Any]]


class OfflineSource:
    """
    The pipeline as a source of answers.

    :param pipeline: the open pipeline.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._answerer = ANSWERERS[pipeline.task]  # type: Answerer

    def describe(self) -> Dict[str, Any]:
        """Return model, engine and sizes as plain values."""
        facts = {'mode': 'offline'}
        facts.update(self._pipeline.describe())
        return facts

    def answers(self, messages: Iterable[BagMessage], skip: int) -> Iterator[Answer]:
        """
        Yield the answer to each frame but the first ``skip``, in order.

        :param messages: all the frames.
        :param skip: how many were answered by an earlier run. Where answers depend on the frames
            before, these are run through the pipeline again.
        """
        self._pipeline.warm_up()
        remembers = getattr(self._pipeline.settings, 'smoothing_frames', 0) > 1
        for message in messages:
            if message.index >= skip or remembers:
                answer = self._answer(message)
                if message.index >= skip:
                    yield answer

    def session(self) -> Optional[Dict[str, Any]]:
        """Return None: nothing is lost on the way through the pipeline."""

    def _answer(self, message: BagMessage) -> Answer:
        """Answer one frame; a damaged image is rejected, not fatal."""
        stamp_ns = 0
        try:
            stamp_ns = message.stamp_ns
            started_ns = monotonic_ns()
            frame = Frame(message.decode(), stamp_ns, message.fields.header.frame_id)
            decode_ns = monotonic_ns() - started_ns
            fields = self._answerer(self._pipeline, frame)
        except ImageError as error:
            return Answer(message.index, stamp_ns, message.recorded_ns, REJECTED, str(error))
        times = {'decode': decode_ns}
        times.update((name[:-len('_ns')], duration_ns)
                     for name, duration_ns in fields.pop('times_ns').items())
        times['total'] = monotonic_ns() - started_ns
        return Answer(message.index, stamp_ns, message.recorded_ns, ANSWERED, times_ns=times,
                      **fields)
