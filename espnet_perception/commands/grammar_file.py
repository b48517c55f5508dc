# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Reads a command grammar: every YAML file of a folder, joined; or a single file.

A mistake is named with the file it is in. docs/commands.md tells what may stand in a file.
"""

import os
from typing import Any, Dict, List, NamedTuple, Tuple

from espnet_perception.commands import phrases
from espnet_perception.commands.grammar import (
    Grammar,
    Intent,
    normal_form,
    Vocabulary,
    with_vocabularies,
)
from espnet_perception.commands.phrases import Part
from espnet_perception.commands.stop import StopWords
from espnet_perception.errors import GrammarError, unknown_key_sentence
import yaml

SECTIONS = ('words', 'around', 'vocabulary', 'intents', 'stop')
AROUND = ('before', 'after')
VOCABULARY_KEYS = ('listed', 'values')
INTENT_KEYS = ('motion', 'roles', 'required', 'phrases')
MOST_FORMS = 20000
ENDINGS = ('.yaml', '.yml')
FOLDER = os.path.join('config', 'commands')


class _Files(NamedTuple):
    """What the files hold, joined; each entry is (file, value)."""

    words: Dict[str, Tuple[str, Any]]
    around: List[Tuple[str, Any]]
    vocabulary: Dict[str, Tuple[str, Any]]
    intents: Dict[str, Tuple[str, Any]]
    stop: List[Tuple[str, Any]]


def default_folder() -> str:
    """Return the folder of the grammar that comes with the package."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    shares = [os.path.join(prefix, 'share', 'espnet_perception') for prefix
              in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if prefix]
    places = [os.path.join(place, FOLDER) for place in [root] + shares]
    return next((place for place in places if os.path.isdir(place)), places[0])


def load(path: str = '') -> Grammar:
    """
    Read a grammar and check it.

    :param path: a folder with YAML files, or one such file; empty for that of the package.
    :return: the grammar.
    :raises GrammarError: the first mistake, in one sentence.
    """
    files = _Files({}, [], {}, {}, [])
    for name in _file_names(os.path.expanduser(path) or default_folder()):
        _join(files, name)
    if not files.intents:
        raise GrammarError("{} has no intents; add a section 'intents'".format(
            path or default_folder()))
    groups = _groups(files.words)
    vocabularies = {name: _located(_vocabulary, where, name, value)
                    for name, (where, value) in files.vocabulary.items()}
    intents = {name: _located(_intent, where, name, value, groups, vocabularies)
               for name, (where, value) in files.intents.items()}
    _check_distinct(intents, {name: where for name, (where, _) in files.intents.items()})
    around = {key: [] for key in AROUND}  # type: Dict[str, List[Part]]
    for where, value in files.around:
        for key, listed in _located(_mapping, where, 'around', value, AROUND).items():
            around[key].extend(_located(_around, where, key, listed, groups))
    return Grammar(intents, vocabularies, tuple(around['before']) or (phrases.NOTHING,),
                   tuple(around['after']) or (phrases.NOTHING,), _stop_words(files.stop))


def _file_names(path: str) -> List[str]:
    if os.path.isfile(path):
        return [path]
    if not os.path.isdir(path):
        raise GrammarError('there is no command grammar {}; give a folder with YAML files, or '
                           'one such file'.format(path))
    names = [os.path.join(path, name) for name in sorted(os.listdir(path))
             if name.endswith(ENDINGS) and not name.startswith('.')]
    if not names:
        raise GrammarError('the folder {} has no YAML file'.format(path))
    return names


def _join(files: _Files, name: str) -> None:
    for section, value in _read(name).items():
        if section not in SECTIONS:
            raise GrammarError('{}: {}'.format(
                name, unknown_key_sentence('section', section, SECTIONS)))
        into = getattr(files, section)
        if isinstance(into, list):
            into.append((name, value))
            continue
        for key, entry in _located(_mapping, name, section, value).items():
            if key in into:
                raise GrammarError("{}: {} of '{}' is in {} as well; keep one".format(
                    name, section, key, into[key][0]))
            into[key] = (name, entry)


def _read(name: str) -> Dict[str, Any]:
    try:
        with open(name, encoding='utf-8-sig') as stream:
            values = yaml.load(stream, Loader=_UniqueKeys)
    except UnicodeDecodeError as error:
        raise GrammarError('{} is not UTF-8 text (byte {}); save it as UTF-8'.format(
            name, error.start))
    except OSError as error:
        raise GrammarError('cannot read {}: {}'.format(name, error.strerror))
    except yaml.YAMLError as error:
        raise GrammarError('{} is not valid YAML: {}'.format(name, ' '.join(str(error).split())))
    return _located(_mapping, name, 'the file', values or {})


class _UniqueKeys(yaml.SafeLoader):
    """YAML itself takes the last of equal keys; here that is a mistake."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError("line {}: '{}' stands twice".format(
                    node.start_mark.line + 1, key))
        return yaml.SafeLoader.construct_mapping(self, node, deep)


def _located(function: Any, where: str, *arguments: Any) -> Any:
    """Call a function, and put the file before what it says against its arguments."""
    try:
        return function(*arguments)
    except GrammarError as error:
        raise GrammarError('{}: {}'.format(where, error))


def _mapping(what: str, value: Any, keys: Tuple[str, ...] = ()) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise GrammarError('{} is {!r}, expected a mapping'.format(what, value))
    for key in value:
        if not isinstance(key, str):
            raise GrammarError('{} has the key {!r}, expected a word; put it into quotes'.format(
                what, key))
        if keys and key not in keys:
            raise GrammarError(unknown_key_sentence('key of ' + what, key, keys))
    return value


def _texts(what: str, value: Any) -> List[str]:
    if not isinstance(value, list) or not all(isinstance(one, (str, int)) and not isinstance(
            one, bool) for one in value):
        raise GrammarError('{} is {!r}, expected a list of words or phrases; put yes, no, on and '
                           'off into quotes'.format(what, value))
    return [str(one) for one in value]


def _groups(words: Dict[str, Tuple[str, Any]]) -> Dict[str, Part]:
    groups = {}  # type: Dict[str, Part]
    for name, (where, value) in words.items():
        texts = _located(_texts, where, 'the word group ' + name, value)
        parts = [_located(phrases.parse, where, text) for text in texts]
        if not parts or any(phrases.groups(part) or phrases.roles(part) for part in parts):
            raise GrammarError("{}: the word group '{}' must hold plain words, no roles and no "
                               'groups'.format(where, name))
        groups[name] = parts[0] if len(parts) == 1 else Part('choice', '', tuple(parts))
    return groups


def _vocabulary(name: str, value: Any) -> Vocabulary:
    what = "the vocabulary '{}'".format(name)
    facts = _mapping(what, value, VOCABULARY_KEYS)
    listed, values = facts.get('listed', True), facts.get('values')
    if not isinstance(listed, bool):
        raise GrammarError('{} has listed: {!r}, expected true or false'.format(what, listed))
    if isinstance(values, list):
        values = dict.fromkeys(_texts(what, values))
    if not isinstance(values, dict) or not values:
        raise GrammarError('{} has the values {!r}, expected a list, or a mapping of each value '
                           'to further ways of saying it'.format(what, values))
    values = {str(one): _texts("'{}' of {}".format(one, what), ways or [])
              for one, ways in values.items()}
    spoken = {}  # type: Dict[str, str]
    for one, ways in values.items():
        for way in [one] + ways:
            words = normal_form(way)
            if not words:
                raise GrammarError("{} has '{}', which is no word".format(what, way))
            if spoken.setdefault(words, one) != one:
                raise GrammarError("{} has '{}' for '{}' and for '{}'; keep one".format(
                    what, way, spoken[words], one))
    return Vocabulary(name, listed, {one: tuple([one] + ways) for one, ways in values.items()},
                      spoken)


def _intent(name: str, value: Any, groups: Dict[str, Part],
            vocabularies: Dict[str, Vocabulary]) -> Intent:
    what = "the intent '{}'".format(name)
    facts = _mapping(what, value, INTENT_KEYS)
    motion, roles = facts.get('motion', False), facts.get('roles') or {}
    if not isinstance(motion, bool):
        raise GrammarError('{} has motion: {!r}, expected true or false'.format(what, motion))
    for role, vocabulary in _mapping('roles of ' + what, roles).items():
        if vocabulary not in vocabularies:
            raise GrammarError(unknown_key_sentence(
                "vocabulary of the role '{}' of {}:".format(role, what), vocabulary,
                tuple(vocabularies)))
    required = _texts('required of ' + what, facts.get('required') or [])
    for role in required:
        if role not in roles:
            raise GrammarError(unknown_key_sentence('required role of ' + what, role,
                                                    tuple(roles)))
    texts = _texts('phrases of ' + what, facts.get('phrases') or [])
    if not texts:
        raise GrammarError('{} has no phrases; list at least one'.format(what))
    trees = tuple(_phrase(what, text, groups, roles) for text in texts)
    for role in roles:
        if not any(role in phrases.roles(tree) for tree in trees):
            raise GrammarError("the role '{}' of {} is in none of its phrases".format(role, what))
    return Intent(name, motion, dict(roles), tuple(required), trees)


def _phrase(what: str, text: str, groups: Dict[str, Part], roles: Dict[str, str]) -> Part:
    part = phrases.parse(text)
    for name in phrases.groups(part):
        if name not in groups:
            raise GrammarError("the phrase '{}' of {}: {}".format(
                text, what, unknown_key_sentence('word group', name, tuple(groups))))
    for name in phrases.roles(part):
        if name not in roles:
            raise GrammarError("the phrase '{}' of {}: {}".format(
                text, what, unknown_key_sentence('role', name, tuple(roles) or ('none',))))
    tree = phrases.expand_groups(part, groups)
    count = phrases.count_forms(tree)
    if count > MOST_FORMS:
        raise GrammarError("the phrase '{}' of {} has {} forms, expected at most {}; write it as "
                           'several phrases'.format(text, what, count, MOST_FORMS))
    for form in phrases.forms(tree):
        if not form:
            raise GrammarError("the phrase '{}' of {} may be empty; leave one word outside the "
                               'brackets'.format(text, what))
        named = [symbol for symbol in form if symbol[0] == '{']
        if len(set(named)) < len(named):
            raise GrammarError("the phrase '{}' of {} has the role '{}' twice in one form".format(
                text, what, next(one for one in named if named.count(one) > 1)[1:-1]))
    return tree


def _around(key: str, value: Any, groups: Dict[str, Part]) -> List[Part]:
    parts = []
    for text in _texts('around ' + key, value):
        part = phrases.parse(text) if text.strip() else phrases.NOTHING
        if phrases.roles(part):
            raise GrammarError("around {} has '{}', expected no roles".format(key, text))
        for name in phrases.groups(part):
            if name not in groups:
                raise GrammarError(unknown_key_sentence('word group', name, tuple(groups)))
        parts.append(phrases.expand_groups(part, groups))
    return parts


def _stop_words(files: List[Tuple[str, Any]]) -> StopWords:
    joined = {key: [] for key in StopWords._fields}  # type: Dict[str, List[str]]
    for where, value in files:
        facts = _located(_mapping, where, 'stop', value, StopWords._fields)
        for key, listed in facts.items():
            joined[key].extend(_located(_texts, where, 'stop ' + key, listed))
    return StopWords(**{key: tuple(listed) for key, listed in joined.items()})


def _check_distinct(intents: Dict[str, Intent], where: Dict[str, str]) -> None:
    """Refuse a form that two intents have, whatever their roles are called."""
    owners = {}  # type: Dict[Tuple[str, ...], str]
    for intent in intents.values():
        for tree in intent.phrases:
            for form in phrases.forms(tree):
                said = with_vocabularies(form, intent)
                owner = owners.setdefault(said, intent.name)
                if owner != intent.name:
                    raise GrammarError(
                        "{}: '{}' is a phrase of the intents '{}' and '{}'; keep it in "
                        'one'.format(where[intent.name], ' '.join(said), owner, intent.name))
