# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Replays texts through a commander and sums up what it made of them.

Texts are lines of a file, rows of JSON lines, or the std_msgs/String messages of a bag. Where the
truth is known intents, slots and whole frames are judged; texts that are no commands, from nearby
(what other robots are told) and from far away, show what the model lets pass.
"""

from collections import Counter
import json
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.errors import BagError, DatasetError, unknown_key_sentence
from espnet_perception.evaluation.bags import open_bag
from espnet_perception.evaluation.classification_metrics import TopK
from espnet_perception.evaluation.command_metrics import (
    calibration_error,
    FrameCounts,
    separation,
    SlotFigures,
    Span,
)
from espnet_perception.results import CommandReading
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.latency import summarise

STRING = 'std_msgs/msg/String'
BAG_ENDINGS = ('.mcap', '.db3', '.bag')
STOP = 'stop'


class Truth(NamedTuple):
    """
    What a text means.

    :param intent: its name, or stop.
    :param spans: role, first character and the one after the last, of each slot.
    """

    intent: str
    spans: Tuple[Span, ...]


class Said(NamedTuple):
    """
    A text and what it means.

    :param text: as it was said.
    :param truth: None where nobody knows.
    """

    text: str
    truth: Optional[Truth] = None


class Heard(NamedTuple):
    """
    What became of a text.

    :param said: the text.
    :param reading: how it was understood.
    :param latency_ns: how long that took.
    """

    said: Said
    reading: CommandReading
    latency_ns: int


def read_texts(path: str, topic: str = '', judged: bool = True) -> List[Said]:
    """
    Read texts.

    :param path: a text on each line; JSON lines with ``text``, and ``intent`` and ``slots`` where
        they are known, as ``espnet-perception commands generate`` prints them; or a bag.
    :param topic: of the std_msgs/String messages of a bag; empty: the only one there is.
    :param judged: False: whatever stands beside the texts is not looked at.
    :raises DatasetError: missing, not UTF-8, or no such rows.
    :raises BagError: not a bag, or no such topic.
    """
    location = Path(path)
    if location.is_dir() or location.suffix in BAG_ENDINGS:
        return [Said(text) for text in _of_bag(path, topic)]
    try:
        lines = location.read_text(encoding='utf-8').splitlines()
        if location.suffix != '.jsonl':
            return [Said(line) for line in lines if line.strip()]
        return [_of_row(json.loads(line), judged) for line in lines if line.strip()]
    except OSError as error:
        raise DatasetError('cannot read the texts {}: {}'.format(path, error.strerror))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DatasetError('{} holds no texts in UTF-8 ({}); give a text on each line, JSON lines '
                           'with a field text, or a bag'.format(path, error))


def with_truth(texts: Sequence[Said], truths: Sequence[Said]) -> List[Said]:
    """
    Return texts with the truth that another list has for the same text.

    :param texts: any.
    :param truths: with their truth.
    :raises DatasetError: the lists have no text in common.
    """
    known = {said.text: said.truth for said in truths if said.truth is not None}
    found = [said._replace(truth=known.get(said.text, said.truth)) for said in texts]
    if texts and not any(said.text in known for said in texts):
        raise DatasetError('none of the {} texts has a row in the ground truth; it needs rows '
                           'with text, intent and slots of the same texts'.format(len(texts)))
    return found


def hear(commander: Any, texts: Iterable[Said]) -> List[Heard]:
    """
    Read every text.

    :param commander: of ``pipeline.commander``.
    :param texts: in order; may show progress.
    """
    heard = []
    for said in texts:
        began_ns = monotonic_ns()
        reading = commander.read(said.text)
        heard.append(Heard(said, reading, monotonic_ns() - began_ns))
    return heard


def summed_up(commands: Sequence[Heard], foreign: Dict[str, Sequence[Heard]],
              intents: Sequence[str]) -> Dict[str, Any]:
    """
    Return every figure as plain values; None where there is none.

    :param commands: what became of the texts.
    :param foreign: likewise, of texts that are no commands, by where they come from.
    :param intents: of the model.
    :raises DatasetError: the truth has an intent that the model does not know.
    """
    judged = [one for one in commands if one.said.truth is not None]
    right = judged if judged else commands
    return {
        'texts': len(commands), **_outcome(commands),
        'latency_ms': (summarise([one.latency_ns for one in commands])._asdict()
                       if commands else None),
        'truth': _judged(judged, tuple(intents) + (STOP,)) if judged else None,
        'foreign': {name: _separated(right, heard) for name, heard in foreign.items()}}


def _of_bag(path: str, topic: str) -> List[str]:
    with open_bag(path) as bag:
        wanted = [one for one in bag.topics if one.message_type == STRING
                  and topic in ('', one.name, one.name.lstrip('/'))]
        if len(wanted) != 1:
            raise BagError('{} has {} topics with {}{}, expected one; choose it with --topic: '
                           '{}'.format(path, len(wanted), STRING, " named '{}'".format(topic)
                                       if topic else '', ', '.join(
                                           one.name for one in bag.topics) or 'none'))
        return [message.fields.data for message in bag.messages(wanted[0])]


def _of_row(row: Dict[str, Any], judged: bool) -> Said:
    if not isinstance(row['text'], str):
        raise TypeError('text is {!r}'.format(row['text']))
    if not judged or 'intent' not in row:
        return Said(row['text'])
    return Said(row['text'], Truth(row['intent'], tuple(
        (slot['role'], int(slot['start']), int(slot['end'])) for slot in row.get('slots', ()))))


def _outcome(heard: Sequence[Heard]) -> Dict[str, Any]:
    reasons = Counter(one.reading.reason for one in heard)
    return {'accepted': sum(one.reading.accepted for one in heard),
            'reasons': dict(reasons.most_common())}


def _judged(heard: Sequence[Heard], classes: Tuple[str, ...]) -> Dict[str, Any]:
    frames, intents, hits, whole = FrameCounts(), TopK(len(classes), (1,)), [], []
    for one in heard:
        truth, reading = one.said.truth, one.reading
        if truth.intent not in classes:
            raise DatasetError('the ground truth of {!r} has the {}'.format(
                one.said.text[:60], unknown_key_sentence('intent', truth.intent, classes)))
        found = (reading.intent, [(slot.role, slot.start, slot.end) for slot in reading.slots])
        frames.add(found, truth)
        intents.add_ranking([classes.index(reading.intent)] if reading.intent else [],
                            classes.index(truth.intent))
        hits.append(reading.intent == truth.intent)
        whole.append(hits[-1] and set(found[1]) == set(truth.spans))
    scores = intents.scores()
    accepted = [right for one, right in zip(heard, whole) if one.reading.accepted]
    return {
        'texts': len(heard), 'intent_accuracy': _plain(scores.accuracy[1]),
        'intent_macro_f1': _plain(scores.macro_f1), 'slots': _slots(frames.slots()),
        'frame_exact_match': _plain(frames.exact_match),
        'accepted_right': sum(accepted), 'accepted': len(accepted),
        'calibration_error': _plain(calibration_error(
            [one.reading.confidence for one in heard], hits)),
        'intents': [
            {'intent': name, 'texts': int(count), 'precision': _plain(precision),
             'recall': _plain(recall), 'f1': _plain(f1)}
            for name, count, precision, recall, f1 in zip(
                classes, scores.classes.truth_images, scores.classes.precision,
                scores.classes.recall, scores.classes.f1) if count],
        'roles': {role: _slots(figures) for role, figures in frames.roles().items()}}


def _separated(commands: Sequence[Heard], foreign: Sequence[Heard]) -> Dict[str, Any]:
    """Judge the out-of-domain score; texts without one (stopped, no words) only count."""
    scored, others = ([one.reading.out_of_domain for one in heard if one.reading.alternatives]
                      for heard in (commands, foreign))
    figures = separation(scored, others)
    return dict(texts=len(foreign), scored=len(others), auroc=_plain(figures.auroc),
                fpr_at_95_tpr=_plain(figures.fpr), **_outcome(foreign))


def _slots(figures: SlotFigures) -> Dict[str, Any]:
    return {name: _plain(value) for name, value in figures._asdict().items()}


def _plain(value: float) -> Optional[float]:
    """Return a figure for JSON, which has no NaN."""
    return None if value != value else round(float(value), 6)
