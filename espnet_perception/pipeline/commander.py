# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Text in, command out: one model, the grammar of the site, and the gates between them.

Whatever fails a gate is refused with its reason. The grammar, not the model, knows which values
are allowed, so a site changes its rooms and names without training.
"""

import importlib.util
import math
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.commands import background, grammar_file
from espnet_perception.commands.grammar import Grammar, normal_form, OUTSIDE
from espnet_perception.commands.normalise import Token, tokens
from espnet_perception.commands.vocabulary import SPECIAL, WordList
from espnet_perception.errors import EngineError, ModelError
from espnet_perception.pipeline import command_card
from espnet_perception.pipeline.command_card import CommandCard
from espnet_perception.results import CommandReading, CommandSlot, refusal, stop_reading
from espnet_perception.settings import CommanderSettings
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np

LONGEST_TEXT = 2000  # characters; more cannot be so few words
ENGINES = ('onnxruntime', 'torch')


class Understood(NamedTuple):
    """
    What the model makes of a text, before any gate.

    :param intents: (intents,) probabilities.
    :param labels: (words, labels) logits.
    :param log_likelihood: of the text with its end.
    """

    intents: np.ndarray
    labels: np.ndarray
    log_likelihood: float


class Commander:
    """
    Reads commands. Use it from one thread at a time.

    :param directory: of a command model.
    :param grammar: of the site.
    :param engine: onnxruntime, torch, or auto.
    :param settings: see CommanderSettings.
    :raises ModelError: the model is damaged, or was trained for other intents or roles.
    :raises EngineError: engine unknown or absent.
    """

    def __init__(self, directory: str, grammar: Grammar, engine: str,
                 settings: CommanderSettings) -> None:
        self.card = command_card.load(directory)
        self.grammar, self.settings = grammar, settings
        _check_fit(self.card, grammar)
        self._words = WordList(self.card.words)
        self._background = background.load(os.path.join(directory, command_card.BACKGROUND_FILE))
        self._stop = grammar.stop_watch()
        self._engine = _open_engine(directory, self.card, engine, settings.threads)
        self._special = np.array([word in SPECIAL for word in self.card.words])

    def read(self, text: str, arrived_ns: int = 0) -> CommandReading:
        """
        Understand a text.

        :param text: any text.
        :param arrived_ns: monotonic time at which it arrived; 0 for now.
        :return: the reading; it is never without a reason.
        """
        arrived_ns = arrived_ns or monotonic_ns()
        if self._stop.find(text):
            return stop_reading(text)
        found = tokens(text[:LONGEST_TEXT])
        if len(text) > LONGEST_TEXT or len(found) > self.settings.longest_words:
            return refusal(text, 'too_long')
        if not found:
            return refusal(text, 'unknown_words')
        understood = self.understand([token.word for token in found])
        reading = self._interpret(text, found, understood)
        reason = self._refused(reading, found) or self._unfit(reading, arrived_ns) or 'ok'
        return reading._replace(accepted=reason == 'ok', reason=reason)

    def understand(self, words: Sequence[str]) -> Understood:
        """
        Ask the model.

        :param words: at least one, in their normal form.
        """
        ids = self._words.sequence(words)
        rows = self._engine.run(ids)
        columns = self.card.columns
        logits = columns.next_word(rows)[:-1]
        nll = float((_log_sums(logits) - logits[np.arange(len(logits)), ids[1:]]).sum())
        nll += math.log(background.UNSEEN_WORDS) * sum(
            not self._words.knows(word) for word in words)
        return Understood(_softmax(columns.intent_logits(rows)), columns.label_logits(rows), -nll)

    def complete(self, text: str) -> List[Tuple[str, float]]:
        """
        Return the words that may come next, likeliest first, with their probabilities.

        :param text: what was typed so far; where it ends within a word, that word is completed.
        """
        found = tokens(text[:LONGEST_TEXT])
        if len(text) > LONGEST_TEXT or len(found) > self.settings.longest_words:
            return []
        begun = found.pop().word if found and found[-1].end == len(text) else ''
        ids = self._words.sequence([token.word for token in found])[:-1]
        scores = _softmax(self.card.columns.next_word(self._engine.run(ids)[-1]))
        allowed = ~self._special
        if begun:
            allowed &= np.array([word.startswith(begun) for word in self.card.words])
        scores = scores * allowed
        total = float(scores.sum())
        best = np.argsort(-scores, kind='stable')[:self.settings.completions]
        return [(self.card.words[place], float(scores[place]) / total) for place in best
                if allowed[place] and total > 0]

    def describe(self) -> Dict[str, Any]:
        """Return model, hash, engine facts and sizes as plain values."""
        return dict({'model': self.card.name, 'task': 'command',
                     'sha256': self.card.sha256[command_card.GRAPH_FILE],
                     'words': len(self.card.words), 'intents': len(self.card.intents)},
                    **self._engine.describe())

    def warm_up(self) -> None:
        """Run once, so that the first text is not late."""
        self.complete('')

    def _interpret(self, text: str, found: List[Token], understood: Understood
                   ) -> CommandReading:
        order = np.argsort(-understood.intents, kind='stable')
        intent = self.card.intents[order[0]]
        roles = self.grammar.intents[intent].roles
        fits = np.array([label == OUTSIDE or label[2:] in roles for label in self.card.labels])
        slots = self._slots(text, found, np.where(fits, understood.labels, -np.inf), intent)
        likelihood = self._background.log_likelihood([token.word for token in found])
        count = len(found) + 1
        return CommandReading(
            text, False, '', intent, slots, float(understood.intents[order[0]]),
            tuple((self.card.intents[place], float(understood.intents[place]))
                  for place in order[1:1 + self.settings.alternatives]),
            math.exp(min(-understood.log_likelihood / count, 80.0)),
            (likelihood - understood.log_likelihood) / count)

    def _slots(self, text: str, found: List[Token], logits: np.ndarray, intent: str
               ) -> Tuple[CommandSlot, ...]:
        spans = []  # type: List[list]
        for token, row in zip(found, logits):
            place = int(row.argmax())
            label, sure = self.card.labels[place], float(_softmax(row)[place])
            if label == OUTSIDE:
                spans.append([])
            elif label[0] == 'I' and spans and spans[-1] and spans[-1][0] == label[2:]:
                spans[-1][2:] = [token.end, min(sure, spans[-1][3])]
            else:
                spans.append([label[2:], token.start, token.end, sure])
        slots = []
        for role, start, end, sure in filter(None, spans):
            vocabulary = self.grammar.vocabularies[self.grammar.intents[intent].roles[role]]
            value = vocabulary.value_of(text[start:end])
            slots.append(CommandSlot(role, normal_form(text[start:end]) if value is None
                                     else value, start, end, sure))
        return tuple(slots)

    def _refused(self, reading: CommandReading, found: List[Token]) -> str:
        """Return why the reading is too unsure; empty where it is not."""
        gates, motion = self.card.gates, self.grammar.intents[reading.intent].motion
        outside = [token.word for token in found if not any(
            slot.start <= token.start < slot.end for slot in reading.slots)]
        unknown = sum(not self._words.knows(word) for word in outside)
        if unknown > gates.unknown_share * max(1, len(outside)) or (
                motion and unknown > self.settings.motion_unknown_words):
            return 'unknown_words'
        if reading.out_of_domain > gates.out_of_domain:
            return 'ood_perplexity'
        if frame_confidence(reading) < max(gates.confidence, self.settings.least_confidence):
            return 'low_confidence'
        roles = [slot.role for slot in reading.slots]
        if intent_margin(reading) < gates.margin or len(set(roles)) < len(roles):
            return 'small_margin'
        return ''

    def _unfit(self, reading: CommandReading, arrived_ns: int) -> str:
        """Return why the command cannot be carried out here and now; empty where it can."""
        intent = self.grammar.intents[reading.intent]
        if set(intent.required) - {slot.role for slot in reading.slots}:
            return 'missing_slot'
        for slot in reading.slots:
            vocabulary = self.grammar.vocabularies[intent.roles[slot.role]]
            if vocabulary.value_of(reading.text[slot.start:slot.end]) is None:
                return 'unlisted_value'
        age_s = (monotonic_ns() - arrived_ns) / 1e9
        return 'stale' if intent.motion and age_s >= self.settings.longest_age_s else ''


def create_commander(model: str, grammar: str = '', engine: str = 'auto',
                     settings: Optional[CommanderSettings] = None) -> Commander:
    """
    Open a command model.

    :param model: name or directory.
    :param grammar: folder of the grammar; empty for that of the package.
    :param engine: onnxruntime, torch, or auto.
    :param settings: see CommanderSettings; None for the defaults.
    :raises PerceptionError: the model, the grammar or the engine cannot be used.
    """
    return Commander(command_card.find(model), grammar_file.load(grammar), engine,
                     settings or CommanderSettings())


def frame_confidence(reading: CommandReading) -> float:
    """Return the lowest probability of intent and slots."""
    return min([reading.confidence] + [slot.confidence for slot in reading.slots])


def intent_margin(reading: CommandReading) -> float:
    """Return how much likelier the intent is than the next one."""
    return reading.confidence - (reading.alternatives[0][1] if reading.alternatives else 0.0)


def _check_fit(card: CommandCard, grammar: Grammar) -> None:
    for what, trained, now in (
            ('intents', card.intents, tuple(grammar.intents)),
            ('labels', card.labels, tuple(grammar.labels()))):
        if set(trained) != set(now):
            differing = sorted(set(trained) ^ set(now))
            raise ModelError("the model '{}' was trained for other {} than the grammar has ({}); "
                             'train it again with this grammar'.format(
                                 card.name, what, ', '.join(differing[:5])))


def _open_engine(directory: str, card: CommandCard, engine: str, threads: int) -> Any:
    if engine == 'auto':
        engine = next((name for name in ENGINES if importlib.util.find_spec(name)), 'auto')
    if engine == 'onnxruntime' and importlib.util.find_spec(engine):
        from espnet_perception.engines.sequence_onnxruntime import OnnxRuntimeSequence
        return OnnxRuntimeSequence(os.path.join(directory, command_card.GRAPH_FILE), threads)
    if engine == 'torch' and importlib.util.find_spec(engine):
        from espnet_perception.engines.sequence_torch import TorchSequence
        return TorchSequence(network_of(directory, card))
    raise EngineError("engine '{}' cannot run commands here; install onnxruntime, or torch".format(
        engine))


def network_of(directory: str, card: CommandCard) -> Any:
    """
    Return the network of a model in evaluation mode (a torch module).

    :param directory: of the model.
    :param card: its card.
    :raises ModelError: the weights are damaged, or do not fit.
    """
    from espnet_perception.networks.command_model import CommandDesign, ERUCommandModel
    from espnet_perception.networks.safe_load import load_state_dict
    from espnet_perception.networks.upstream import load_exactly
    network = ERUCommandModel(CommandDesign(
        words=len(card.words), heads=card.columns.heads, **card.arguments))
    path = os.path.join(directory, command_card.WEIGHTS_FILE)
    load_exactly(network, load_state_dict(path), path)
    return network.eval()


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def _log_sums(logits: np.ndarray) -> np.ndarray:
    highest = logits.max(1)
    return highest + np.log(np.exp(logits - highest[:, None]).sum(1))
