# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Build what TensorRT runs (a plan) from an ONNX file, once for each machine, and keep it."""

import json
import logging
import os
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.engines.base import EngineOptions, first_line
from espnet_perception.engines.cuda import Cuda
from espnet_perception.engines.listener import BuildListener, LOGGED
from espnet_perception.engines.plan_file import (
    forget_refusal,
    PlanKey,
    read_header,
    read_plan,
    read_refusal,
    UnusablePlanError,
    write_plan,
)
from espnet_perception.engines.tensorrt_calibration import calibration_name, EntropyCalibrator
from espnet_perception.engines.tensorrt_precision import keep_in_fp32
from espnet_perception.errors import EngineError, unknown_key_sentence
from espnet_perception.model_card import file_sha256
from espnet_perception.user_folders import cache_folder
from espnet_perception.whole_files import whole_file
import numpy as np
import tensorrt

PRECISIONS = ('fp32', 'fp16', 'int8')
WORKSPACE_BYTES = 512 << 20  # what a tactic may take; a TX2 has 8 GB for everything
TICK_S = 1.0
LOG = logging.getLogger(__name__)


class TensorRtLog(tensorrt.ILogger):
    """Keeps what TensorRT complains about, for the message of an error."""

    def __init__(self) -> None:
        tensorrt.ILogger.__init__(self)
        self.errors: List[str] = []

    def log(self, severity: Any, msg: str) -> None:
        """Take a line; TensorRT calls this."""
        if severity in (tensorrt.ILogger.ERROR, tensorrt.ILogger.INTERNAL_ERROR):
            self.errors.append(msg)
        LOG.debug('%s', msg)

    def last(self) -> str:
        """Return the last complaint, short enough for one sentence."""
        return first_line(RuntimeError(self.errors[-1])) if self.errors else 'no reason was given'


class Recipe(NamedTuple):
    """
    How a plan is to be built.

    :param precision: one of PRECISIONS.
    :param kept_groups: how many of tensorrt_precision.GROUPS stay in fp32.
    :param images: (h, w, 3) BGR of the graph's size, on which int8 is calibrated.
    """

    precision: str
    kept_groups: int = 0
    images: Sequence[np.ndarray] = ()


class PlanSite:
    """
    Where the plan of a graph for this machine lies, or would lie.

    :param onnx_path: the graph, in the form without bytes (export --for-tensorrt).
    :param options: input size, precision and device.
    :param cache_dir: folder of the cache; empty for the user's.
    :raises EngineError: precision or GPU do not fit.
    """

    def __init__(self, onnx_path: str, options: EngineOptions, cache_dir: str = '') -> None:
        self.onnx_path = onnx_path
        self.precision = options.precision
        self.cuda = Cuda(device_number(options.device))
        self.key = plan_key(file_sha256(onnx_path), options, self.cuda)
        check_precision(options.precision, self.cuda)
        self._folder = cache_dir or cache_folder('tensorrt')
        stem = os.path.splitext(os.path.basename(onnx_path))[0]
        name = self.key.file_name(stem)
        self.path = os.path.join(self._folder, name)
        self.trial = self.path + '.trial'
        self._beside = os.path.join(os.path.dirname(os.path.abspath(onnx_path)), name)

    def find(self, listener: BuildListener = LOGGED) -> str:
        """
        Return the path of a plan that can be used, in the cache or beside the graph; else empty.

        :param listener: who is told that one which is there cannot be used.
        """
        for path in (self.path, self._beside):
            try:
                read_plan(path, self.key)
                return path
            except UnusablePlanError as error:
                if os.path.exists(path) and path == self.path:
                    listener.say('{}; it is built anew'.format(error))
        return ''

    def refuse_again(self) -> None:
        """
        Refuse an engine that was refused before.

        :raises EngineError: it was; the sentence has the figures.
        """
        reason = read_refusal(self.path)
        if reason:
            raise EngineError(
                'the {} engine of {} was built and refused before: {}; or build it again with '
                '`espnet-perception build-engine {} --precision {} --again`'.format(
                    self.precision, self.onnx_path, reason, self.onnx_path, self.precision))

    def build(self, recipe: Recipe, path: str, listener: BuildListener) -> None:
        """
        Build a plan.

        :param recipe: how.
        :param path: file that it is written to.
        :param listener: who is told.
        :raises EngineError: TensorRT refuses the graph, or the plan cannot be written.
        """
        expected_s = expected_build_s(self._folder, self.key)
        listener.say('building a TensorRT {} engine in {} for {}; {}'.format(
            tensorrt.__version__, recipe.precision, self.key.gpu,
            'earlier builds here took {:.0f} s'.format(expected_s) if expected_s
            else 'a first build takes minutes on a small Jetson'))
        listener.stage('building engine', expected_s)
        began = time.monotonic()
        plan, kept = _watched(lambda: self._build(recipe),
                              lambda passed_s: listener.tick(passed_s, expected_s))
        write_plan(path, self.key, plan, {'build_s': round(time.monotonic() - began, 1),
                                          'kept_in_fp32': kept})

    def accept(self, path: str, agreement: Dict[str, Any]) -> None:
        """
        Keep a plan whose labels were compared.

        :param path: where it lies now.
        :param agreement: the figures.
        :raises EngineError: it cannot be written.
        """
        plan, header = read_plan(path, self.key), read_header(path)
        forget_refusal(self.path)
        write_plan(self.path, self.key, plan, dict(header, agreement=agreement))

    def remove_trial(self) -> None:
        """Remove a plan that was only tried."""
        if os.path.exists(self.trial):
            os.remove(self.trial)

    def _build(self, recipe: Recipe) -> Tuple[bytes, List[str]]:
        timings = os.path.join(self._folder, _timings_name(self.key))
        if recipe.precision != 'int8':
            return build_plan(self.onnx_path, recipe, self.cuda, timings)
        calibrator = EntropyCalibrator(recipe.images, self.cuda, os.path.join(
            self._folder, calibration_name(self.key.onnx_sha256, recipe.images)))
        try:
            return build_plan(self.onnx_path, recipe, self.cuda, timings, calibrator)
        finally:
            calibrator.finish()


def cached_plan(onnx_path: str, options: EngineOptions, cache_dir: str = '',
                listener: BuildListener = LOGGED) -> str:
    """
    Return the path of a plan for this machine, building it where there is none.

    :param onnx_path: the graph, in the form without bytes (export --for-tensorrt).
    :param options: input size, precision and device.
    :param cache_dir: folder of the cache; empty for the user's.
    :param listener: who is told of a build, and why one that was there is not used.
    :return: path of the plan; a damaged or foreign one was built anew.
    :raises EngineError: precision or GPU do not fit, the engine was refused before, TensorRT
        refuses the graph, or the plan cannot be written.
    """
    site = PlanSite(onnx_path, options, cache_dir)
    found = site.find(listener)
    if found:
        return found
    site.refuse_again()
    if options.precision == 'int8':
        raise EngineError('there is no int8 engine of {0} for this machine, and it takes frames '
                          'to build one: espnet-perception build-engine {0} --precision int8 '
                          '--frames FOLDER_OR_BAG'.format(onnx_path))
    site.build(Recipe(options.precision), site.path, listener)
    return site.path


def plan_key(onnx_sha256: str, options: EngineOptions, cuda: Cuda) -> PlanKey:
    """
    Return what a plan for this machine depends on.

    :param onnx_sha256: sha256 of the graph; empty fits any.
    :param options: input size and precision.
    :param cuda: the device.
    """
    return PlanKey(onnx_sha256, (1, options.height, options.width, 3), options.precision,
                   str(tensorrt.__version__), cuda.name, cuda.capability)


def device_number(device: str) -> int:
    """
    Return the number of the CUDA device that is meant.

    :param device: auto, cuda or cuda:N.
    :raises EngineError: any other.
    """
    if device in ('auto', 'cuda'):
        return 0
    word, _colon, number = device.partition(':')
    if word != 'cuda' or not number.isdigit():
        raise EngineError("engine tensorrt got device '{}', expected auto, cuda or cuda:N".format(
            device))
    return int(number)


def check_precision(precision: str, cuda: Cuda) -> None:
    """
    Refuse a precision that cannot be built.

    :param precision: what was asked for.
    :param cuda: the device.
    :raises EngineError: it cannot.
    """
    if precision == 'int8':
        capability = '{}.{}'.format(*cuda.capability)
        if cuda.capability < (6, 1) or cuda.capability == (6, 2):
            raise EngineError('{} (compute capability {}) cannot compute in int8; use fp16'.format(
                cuda.name, capability))
        if not (hasattr(tensorrt, 'IInt8EntropyCalibrator2')
                and hasattr(tensorrt.BuilderFlag, 'INT8')):
            raise EngineError('TensorRT {} has no entropy calibration any more; use fp16 or fp32'
                              .format(tensorrt.__version__))
    if precision not in PRECISIONS:
        raise EngineError(unknown_key_sentence('precision', precision, PRECISIONS))
    if precision == 'fp16' and not hasattr(tensorrt.BuilderFlag, 'FP16'):
        raise EngineError('TensorRT {} chooses no precision by itself any more; use fp32'.format(
            tensorrt.__version__))


def expected_build_s(folder: str, key: PlanKey) -> Optional[float]:
    """
    Return how long builds took that are in the cache: the median, for the same GPU and precision.

    :param folder: of the cache.
    :param key: of what is to be built.
    """
    durations = []
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in names:
        if name.endswith('.plan'):
            try:
                header = read_header(os.path.join(folder, name))
            except UnusablePlanError:
                continue
            if (header.get('gpu'), header.get('precision')) == (key.gpu, key.precision):
                durations.append(float(header.get('build_s', 0)))
    return sorted(durations)[len(durations) // 2] if durations else None


def build_plan(onnx_path: str, recipe: Recipe, cuda: Cuda, timings_path: str,
               calibrator: Optional[EntropyCalibrator] = None) -> Tuple[bytes, List[str]]:
    """
    Build a plan.

    :param onnx_path: the graph.
    :param recipe: how.
    :param cuda: the device that it is for.
    :param timings_path: file of measured tactics, which makes the next build shorter.
    :param calibrator: gives the frames of int8.
    :return: the plan, and the names of the layers that stay in fp32.
    :raises EngineError: TensorRT refuses the graph or fails.
    """
    cuda.use()
    log = TensorRtLog()
    builder = tensorrt.Builder(log)
    flags = 0
    if _version() < (10, 0):
        flags = 1 << int(tensorrt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    network = builder.create_network(flags)
    _parse(network, onnx_path, log)
    config = builder.create_builder_config()
    if hasattr(config, 'set_memory_pool_limit'):  # from 8.4
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    else:
        config.max_workspace_size = WORKSPACE_BYTES
    if recipe.precision != 'fp32':  # an int8 engine may compute in fp16 where that is faster
        config.set_flag(tensorrt.BuilderFlag.FP16)
    if calibrator is not None:
        config.set_flag(tensorrt.BuilderFlag.INT8)
        config.int8_calibrator = calibrator
    kept = keep_in_fp32(network, config, recipe.kept_groups)
    _use_timings(config, timings_path)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError('TensorRT {} cannot build an engine from {}: {}'.format(
            tensorrt.__version__, onnx_path, log.last()))
    _keep_timings(config, timings_path)
    return bytes(plan), kept


def _parse(network: Any, onnx_path: str, log: TensorRtLog) -> None:
    parser = tensorrt.OnnxParser(network, log)
    with open(onnx_path, 'rb') as stream:
        understood = parser.parse(stream.read())
    if not understood:
        reasons = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise EngineError('TensorRT {} does not understand {}: {}; export it with '
                          '--labels --for-tensorrt'.format(
                              tensorrt.__version__, onnx_path,
                              first_line(RuntimeError(reasons[0])) if reasons else log.last()))


def _use_timings(config: Any, path: str) -> None:
    """Give a build what was measured before; what cannot be read is measured again."""
    try:
        with open(path, 'rb') as stream:
            measured = stream.read()
    except OSError:
        measured = b''
    cache = config.create_timing_cache(measured) or config.create_timing_cache(b'')
    if not config.set_timing_cache(cache, False):
        config.set_timing_cache(config.create_timing_cache(b''), False)


def _keep_timings(config: Any, path: str) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with whole_file(path) as part, open(part, 'wb') as stream:
            stream.write(bytes(config.get_timing_cache().serialize()))
    except OSError as error:  # the next build takes longer, nothing else
        LOG.warning('cannot keep the measured tactics in %s: %s', path, error.strerror or error)


def _timings_name(key: PlanKey) -> str:
    words = json.dumps([key.tensorrt, key.gpu, key.capability])
    return 'timings_{}.cache'.format(''.join(
        letter if letter.isalnum() or letter == '.' else '_' for letter in words).strip('_'))


def _version() -> Tuple[int, ...]:
    return tuple(int(part) for part in str(tensorrt.__version__).split('.')[:2])


def _watched(work: Callable[[], Any], tick: Callable[[float], None]) -> Any:
    """Run a long work in a thread of its own, so that the caller can be interrupted."""
    outcome: List[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)
    thread = threading.Thread(target=run, daemon=True)
    began = time.monotonic()
    thread.start()
    while True:
        thread.join(TICK_S)
        tick(time.monotonic() - began)
        if outcome:
            break
    if isinstance(outcome[0], EngineError):
        raise outcome[0]
    if isinstance(outcome[0], Exception):
        raise EngineError('TensorRT {} failed: {}'.format(
            tensorrt.__version__, first_line(outcome[0])))
    return outcome[0]
