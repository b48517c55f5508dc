# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What is measured against what: configurations, and how often each is run."""

from itertools import product
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.errors import SettingsError, unknown_key_sentence
from espnet_perception.settings import PipelineSettings


class Settings(NamedTuple):
    """
    How is measured.

    :param iterations: timed runs of each configuration; the papers average over 100.
    :param rounds: turns over which they are spread.
    :param repeats: how often all of it is done anew, with new processes.
    :param warm_up: runs of a new process that are not timed.
    :param steady_percent: rounds go on until no median is less certain than this, or there are
        four times as many; 0 stops after ``rounds``.
    :param confidence: segmentation: labels and confidence instead of labels alone.
    :param above_idle: subtract the idle power, measured before the first round.
    :param processes: most processes kept open; 0 lets the free memory decide.
    :param device: auto, cpu, cuda or cuda:N.
    :param image: file of the image to run on; empty for noise.
    """

    iterations: int = 100
    rounds: int = 10
    repeats: int = 1
    warm_up: int = 10
    steady_percent: float = 2.0
    confidence: bool = False
    above_idle: bool = False
    processes: int = 0
    device: str = PipelineSettings().device
    image: str = ''

    @property
    def per_turn(self) -> int:
        """Return the timed runs of a turn."""
        return -(-self.iterations // self.rounds)


class Subject(NamedTuple):
    """
    A model at one size.

    :param model: as ``find_model`` takes it.
    :param size: (width, height) in pixels; None for the card's.
    :param printed: what a paper prints of it, by title; shown beside, never mixed with what is
        measured.
    :param accuracy: what a paper prints, as ``accuracy.Accuracy``; None takes the card's.
    """

    model: str
    size: Optional[Tuple[int, int]] = None
    printed: Dict[str, Any] = {}
    accuracy: Optional[Any] = None


class Configuration(NamedTuple):
    """
    One row of the benchmark.

    :param model: as ``find_model`` takes it.
    :param name: of the model, as on its card.
    :param engine: a key of ENGINES.
    :param precision: fp32 or fp16.
    :param width: of the network's input in pixels.
    :param height: likewise.
    :param threads: CPU threads; 0 leaves it to the runtime.
    """

    model: str
    name: str
    engine: str
    precision: str
    width: int
    height: int
    threads: int

    @property
    def key(self) -> str:
        """Return a text that no other configuration has."""
        return '{0.name} {0.engine} {0.precision} {0.width}x{0.height} threads={0.threads}'.format(
            self)


# What a baseline may be chosen by, and how its values are read.
BASELINE_KEYS = {'model': str, 'engine': str, 'precision': str, 'size': str, 'threads': int}


def every(subjects: Sequence[Tuple[Subject, str, Tuple[int, int]]], engines: Sequence[str],
          precisions: Sequence[str], threads: Sequence[int]) -> List[Configuration]:
    """
    Return models x engines x precisions x threads.

    :param subjects: each with the name on its card and its (width, height).
    :param engines: keys of ENGINES.
    :param precisions: fp32, fp16.
    :param threads: CPU threads; 0 leaves it to the runtime.
    """
    return [Configuration(subject.model, name, engine, precision, width, height, count)
            for (subject, name, (width, height)), engine, precision, count
            in product(subjects, engines, precisions, threads)]


def check_different(among: Sequence[Configuration]) -> None:
    """
    Refuse configurations that cannot be told from each other.

    :param among: every configuration.
    :raises SettingsError: two have the same key.
    """
    keys = [one.key for one in among]
    for key in keys:
        if keys.count(key) > 1:
            raise SettingsError("'{}' is asked for twice; name each model, engine, precision, "
                                'size and number of threads once'.format(key))


def parse_baseline(text: str) -> Dict[str, Any]:
    """
    Return what a baseline differs in from the row that is compared with it.

    :param text: 'KEY=VALUE,...' such as engine=torch.
    :raises SettingsError: not of this form, or an unknown key.
    """
    wanted = {}  # type: Dict[str, Any]
    for part in filter(None, text.split(',')):
        key, equals, value = part.partition('=')
        if not equals:
            raise SettingsError("--baseline is '{}', expected KEY=VALUE,... such as engine=torch"
                                .format(text))
        if key not in BASELINE_KEYS:
            raise SettingsError(unknown_key_sentence('key of --baseline', key,
                                                     tuple(BASELINE_KEYS)))
        try:
            wanted[key] = BASELINE_KEYS[key](value)
        except ValueError:
            raise SettingsError("--baseline has {} '{}', expected a whole number".format(
                key, value))
    return wanted


def reference_of(one: Configuration, wanted: Dict[str, Any],
                 among: Sequence[Configuration]) -> Optional[Configuration]:
    """
    Return the configuration that a row is compared with: alike but for what is wanted.

    :param one: the row.
    :param wanted: of ``parse_baseline``; empty for no comparison.
    :param among: every configuration.
    :return: None where there is no such configuration.
    """
    if not wanted:
        return None
    ideal = dict(_facts(one), **wanted)
    for other in among:
        if _facts(other) == ideal:
            return other
    return None


def check_baseline(wanted: Dict[str, Any], among: Sequence[Configuration]) -> None:
    """
    Refuse a baseline with which nothing can be compared.

    :param wanted: of ``parse_baseline``.
    :param among: every configuration.
    :raises SettingsError: a value that no configuration has.
    """
    for key, value in wanted.items():
        values = sorted({str(_facts(one)[key]) for one in among})
        if str(value) not in values:
            raise SettingsError(unknown_key_sentence('{} in --baseline'.format(key), str(value),
                                                     values))


def _facts(one: Configuration) -> Dict[str, Any]:
    return {'model': one.name, 'engine': one.engine, 'precision': one.precision,
            'size': '{}x{}'.format(one.width, one.height), 'threads': one.threads}
