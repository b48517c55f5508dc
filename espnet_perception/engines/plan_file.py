# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Files that hold what TensorRT built (a plan), with the facts that it depends on.

A plan runs only on the kind of GPU and with the version of TensorRT that built it, and TensorRT
does not notice every mistake. So the facts stand in front of it, with its checksum.
"""

import hashlib
import json
import os
from typing import Any, Dict, NamedTuple, Optional, Tuple

from espnet_perception.errors import EngineError
from espnet_perception.whole_files import whole_file

MAGIC = b'espnet_perception plan 1\n'
LARGEST_HEADER = 65536
_WORDS = {
    'onnx_sha256': 'another graph,', 'shape': 'input shape', 'tensorrt': 'TensorRT', 'gpu': 'GPU',
    'capability': 'compute capability'}


class PlanKey(NamedTuple):
    """
    What a plan depends on.

    :param onnx_sha256: sha256 of the ONNX file it was built from.
    :param shape: (N, H, W, 3) of the input.
    :param precision: fp32, fp16 or int8.
    :param tensorrt: version of TensorRT.
    :param gpu: name of the GPU.
    :param capability: its compute capability.
    """

    onnx_sha256: str
    shape: Tuple[int, ...]
    precision: str
    tensorrt: str
    gpu: str
    capability: Tuple[int, int]

    def facts(self) -> Dict[str, Any]:
        """Return the fields as plain values."""
        return dict(self._asdict(), shape=list(self.shape), capability=list(self.capability))

    def file_name(self, stem: str) -> str:
        """
        Return the name of the file in the cache.

        :param stem: what it begins with.
        """
        digest = hashlib.sha256(json.dumps(self.facts(), sort_keys=True).encode()).hexdigest()
        return '{}_{}_{}.plan'.format(stem, self.precision, digest[:16])


class UnusablePlanError(EngineError):
    """A plan is damaged, or was built for something else."""


def write_plan(path: str, key: PlanKey, plan: bytes, facts: Dict[str, Any]) -> None:
    """
    Write a plan; it appears whole or not at all.

    :param path: the file.
    :param key: what it depends on.
    :param plan: what TensorRT built.
    :param facts: what else to tell of it, such as build_s, the seconds that it took.
    :raises EngineError: it cannot be written (disk full, no permission).
    """
    header = dict(facts, **key.facts())
    header.update(sha256=hashlib.sha256(plan).hexdigest(), bytes=len(plan))
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with whole_file(path) as part, open(part, 'wb') as stream:
            stream.write(MAGIC + json.dumps(header).encode() + b'\n')
            stream.write(plan)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise EngineError('cannot write the engine {} ({:.1f} MB): {}; free some space or set '
                          'cache_dir to another folder'.format(
                              path, len(plan) / 1e6, error.strerror or error))


def read_header(path: str) -> Dict[str, Any]:
    """
    Read the facts in front of a plan.

    :param path: the file.
    :raises UnusablePlanError: there are none.
    """
    try:
        with open(path, 'rb') as stream:
            return _header(stream, path)
    except OSError as error:
        raise UnusablePlanError('cannot read {}: {}'.format(path, error.strerror or error))


def read_plan(path: str, key: PlanKey) -> bytes:
    """
    Read a plan and check it.

    :param path: the file.
    :param key: what it has to be for; an empty onnx_sha256 fits any.
    :raises UnusablePlanError: it is damaged, or it was built for something else.
    """
    try:
        with open(path, 'rb') as stream:
            header = _header(stream, path)
            plan = stream.read()
    except OSError as error:
        raise UnusablePlanError('cannot read {}: {}'.format(path, error.strerror or error))
    for name, expected in key.facts().items():
        if header.get(name) != expected and expected != '':
            raise UnusablePlanError('{} was built for {} {}, here it is {}'.format(
                path, _WORDS.get(name, name), _plain(header.get(name)), _plain(expected)))
    if len(plan) != header.get('bytes') or hashlib.sha256(plan).hexdigest() != header['sha256']:
        raise UnusablePlanError('{} is damaged: {} bytes of {}, or not those that were written'
                                .format(path, len(plan), header.get('bytes')))
    return plan


def write_refusal(path: str, sentence: str) -> None:
    """
    Remember that an engine was refused, so that nobody builds it again unasked.

    :param path: of the plan that it would have had.
    :param sentence: why, with the figures.
    :raises EngineError: it cannot be written.
    """
    try:
        with whole_file(_refusal_path(path)) as part, open(part, 'w') as stream:
            stream.write(sentence + '\n')
    except OSError as error:
        raise EngineError('{}; and that cannot be remembered in {}: {}'.format(
            sentence, _refusal_path(path), error.strerror or error))


def read_refusal(path: str) -> Optional[str]:
    """
    Return why an engine was refused; None if it was not.

    :param path: of the plan that it would have had.
    """
    try:
        with open(_refusal_path(path)) as stream:
            return stream.read().strip() or 'no reason was kept'
    except (OSError, ValueError):
        return None


def forget_plan(path: str) -> None:
    """
    Remove a plan and the memory of a refusal, as far as they are there.

    :param path: of the plan.
    :raises EngineError: they are there and cannot be removed.
    """
    _remove(path)
    forget_refusal(path)


def forget_refusal(path: str) -> None:
    """
    Remove the memory of a refusal, if there is one.

    :param path: of the plan.
    :raises EngineError: it is there and cannot be removed.
    """
    _remove(_refusal_path(path))


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise EngineError('cannot remove {}: {}'.format(path, error.strerror or error))


def _refusal_path(path: str) -> str:
    return os.path.splitext(path)[0] + '.refused'


def _header(stream: Any, path: str) -> Dict[str, Any]:
    if stream.read(len(MAGIC)) != MAGIC:
        raise UnusablePlanError('{} is no engine of this package, or only the half of one'.format(
            path))
    try:
        header = json.loads(stream.readline(LARGEST_HEADER).decode('utf-8'))
        return dict(header, sha256=str(header['sha256']))
    except (KeyError, TypeError, ValueError):
        raise UnusablePlanError('{} is damaged: its description cannot be read'.format(path))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ('.' if len(value) == 2 else 'x').join(str(one) for one in value)
    return str(value)[:40]
