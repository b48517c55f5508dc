# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metrics of understood commands.

Intent accuracy and macro-F1 are those of images of one class each: see
``classification_metrics.TopK``. Stops are measured by ``stop_noise``, latencies summarised by
``telemetry.latency``. Everything here is NaN where there was nothing to count.
"""

import math
from typing import Any, Dict, FrozenSet, Iterable, NamedTuple, Sequence, Tuple

from espnet_perception.errors import DatasetError
import numpy as np

# role, index of the first character, index after the last one
Span = Tuple[str, int, int]
CALIBRATION_BINS = 15
TRUE_POSITIVE_RATE = 0.95
TOP_WORDS = 3


class SlotFigures(NamedTuple):
    """
    How well slots are found; one counts only with the right role and both right ends.

    :param precision: share of the found slots that are right.
    :param recall: share of the true slots that are found.
    :param f1: harmonic mean of both.
    :param truth: number of true slots.
    :param predicted: number of found slots.
    """

    precision: float
    recall: float
    f1: float
    truth: int
    predicted: int


class FrameCounts:
    """Counts of whole commands: slots by span, and commands right in every respect."""

    def __init__(self) -> None:
        self.commands = 0
        self.exact = 0
        self._roles: Dict[str, np.ndarray] = {}

    def add(self, predicted: Tuple[str, Iterable[Span]], truth: Tuple[str, Iterable[Span]]
            ) -> None:
        """
        Count a command.

        :param predicted: intent and slots.
        :param truth: likewise.
        """
        found, true = frozenset(predicted[1]), frozenset(truth[1])
        self.commands += 1
        self.exact += predicted[0] == truth[0] and found == true
        for role in {span[0] for span in found | true}:
            counts = self._roles.setdefault(role, np.zeros(3, np.int64))
            counts += [_of_role(one, role) for one in (found & true, true, found)]

    @property
    def exact_match(self) -> float:
        """Share of the commands whose intent and slots are all right."""
        return _share(self.exact, self.commands)

    def slots(self) -> SlotFigures:
        """Return the figures over all roles together."""
        return _slot_figures(sum(self._roles.values(), np.zeros(3, np.int64)))

    def roles(self) -> Dict[str, SlotFigures]:
        """Return the figures of each role, by name."""
        return {role: _slot_figures(counts) for role, counts in sorted(self._roles.items())}


class NextWordCounts:
    """Counts of guessed next words, over a running text."""

    def __init__(self) -> None:
        self.words = 0
        self._nll = 0.0
        self._hits = 0

    def add(self, log_probabilities: np.ndarray, truth: Sequence[int]) -> None:
        """
        Count words.

        :param log_probabilities: (N, words) natural logarithms.
        :param truth: (N,) ids of the words that came.
        """
        rows, ids = np.atleast_2d(log_probabilities), np.asarray(truth)
        of_truth = rows[np.arange(len(ids)), ids]
        self.words += len(ids)
        self._nll -= float(of_truth.sum())
        self._hits += int(((rows > of_truth[:, None]).sum(1) < TOP_WORDS).sum())

    @property
    def perplexity(self) -> float:
        """Exponential of the mean negative log-likelihood of a word."""
        return math.exp(self._nll / self.words) if self.words else float('nan')

    @property
    def top3(self) -> float:
        """Share of the words that were among the three likeliest."""
        return _share(self._hits, self.words)


class Separation(NamedTuple):
    """
    How well a score tells foreign texts from commands.

    :param auroc: chance that a foreign text scores higher than a command; ties count half.
    :param fpr: share of the foreign texts that pass where 95 % of the commands do.
    :param threshold: the score up to which a text passes there.
    """

    auroc: float
    fpr: float
    threshold: float


def separation(commands: Sequence[float], foreign: Sequence[float],
               true_positive_rate: float = TRUE_POSITIVE_RATE) -> Separation:
    """
    Judge an out-of-domain score.

    :param commands: scores of commands; higher means more foreign.
    :param foreign: scores of foreign texts.
    :param true_positive_rate: share of the commands that are to pass.
    :raises DatasetError: a score that is no number.
    """
    inside, outside = np.sort(_checked(commands)), _checked(foreign)
    if not len(inside) or not len(outside):
        return Separation(float('nan'), float('nan'), float('nan'))
    below = np.searchsorted(inside, outside, 'left')
    not_above = np.searchsorted(inside, outside, 'right')
    auroc = float((below + not_above).mean() / (2 * len(inside)))
    threshold = float(inside[max(0, math.ceil(true_positive_rate * len(inside)) - 1)])
    return Separation(auroc, float((outside <= threshold).mean()), threshold)


def calibration_error(confidences: Sequence[float], right: Sequence[bool],
                      bins: int = CALIBRATION_BINS) -> float:
    """
    Return the expected calibration error: the mean gap of confidence and accuracy.

    Answers are put into bins of equal width by their confidence; a bin counts by its answers.

    :param confidences: 0 to 1.
    :param right: whether the answer was right, as many.
    :param bins: how many.
    :raises DatasetError: a confidence outside 0 to 1, or another number of answers.
    """
    values, hits = _checked(confidences), np.asarray(right, np.float64)
    if len(values) != len(hits) or (values < 0).any() or (values > 1).any():
        raise DatasetError('{} confidences from {:g} to {:g} with {} answers, expected as many '
                           'of both, 0 to 1'.format(len(values), values.min(initial=0),
                                                    values.max(initial=0), len(hits)))
    places = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [abs((values - hits)[places == place].sum()) for place in range(bins)]
    return float(sum(gaps) / len(values)) if len(values) else float('nan')


def _of_role(spans: FrozenSet[Span], role: str) -> int:
    return sum(span[0] == role for span in spans)


def _slot_figures(counts: np.ndarray) -> SlotFigures:
    right, truth, predicted = counts.tolist()
    return SlotFigures(_share(right, predicted), _share(right, truth),
                       _share(2 * right, truth + predicted), truth, predicted)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float('nan')


def _checked(values: Any) -> np.ndarray:
    checked = np.asarray(values, np.float64)
    if np.isnan(checked).any():
        raise DatasetError('{} of {} scores are no numbers'.format(
            int(np.isnan(checked).sum()), checked.size))
    return checked
