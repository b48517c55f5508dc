# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Export a model in INT8 for CPUs, with what it costs measured and written into the file."""

import importlib
import os
import tempfile
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.engines import Engine, engine_class, EngineOptions
from espnet_perception.errors import EngineError, ImageError, SettingsError, unknown_key_sentence
from espnet_perception.export.metadata import GraphFacts
from espnet_perception.export.quantise import (
    Choice,
    choose_blocks,
    LEAST_AGREEMENT,
    Progress,
)
from espnet_perception.pipeline.agreement import against, Agreement, classes
from espnet_perception.pipeline.models import Model
import numpy as np

SEARCHES = 4  # for blocks; each asks for more than the one before
SEARCH_FRAMES = 4  # of those to calibrate on, to choose blocks on
FEWEST_FRAMES = 4  # to calibrate on; and a quarter as many to check
QUANTISERS = {  # by format: module and class, and the engine that the file is for
    'onnx': ('quantise_onnxruntime', 'OnnxQuantiser', 'onnxruntime'),
    'openvino': ('quantise_openvino', 'OpenVinoQuantiser', 'openvino'),
}


class Order(NamedTuple):
    """
    What is to be quantised, and on which frames.

    :param model: with its weights.
    :param facts: size and product of the graph; it takes one image of pixels.
    :param target: (a key of QUANTISERS, path of the file).
    :param calibration: (h, w, 3) BGR of the size of the graph each, to choose ranges and blocks.
    :param held_out: others, on which the labels are compared with those of fp32.
    :param least: share of their labels that has to be as in fp32.
    :param force: replace a file that is there.
    """

    model: Model
    facts: GraphFacts
    target: Tuple[str, str]
    calibration: Sequence[np.ndarray]
    held_out: Sequence[np.ndarray]
    least: float = LEAST_AGREEMENT
    force: bool = False


class Quantised(NamedTuple):
    """
    What was written.

    :param paths: the files.
    :param agreement: with fp32 on the frames that were held out.
    :param choice: which blocks are in INT8.
    :param bytes_before: size of the fp32 file.
    :param losses: further rows of figures that ``judge`` measured.
    """

    paths: List[str]
    agreement: Agreement
    choice: Choice
    bytes_before: int
    losses: Tuple[Dict[str, Any], ...]


def export_int8(order: Order, progress: Progress,
                judge: Optional[Callable[[str, str], List[Dict[str, Any]]]] = None) -> Quantised:
    """
    Quantise a model, measure the loss on frames that were held out, and write the file.

    :param order: what.
    :param progress: shows how far it is, as tqdm.
    :param judge: measures more from the paths of the files in fp32 and in INT8, which are models.
    :return: what was written.
    :raises SettingsError: format or least share out of range.
    :raises ImageError: too few frames.
    :raises EngineError: a library is missing, or too few labels stay: then nothing is written.
    :raises OutputError: there is a file, or it cannot be written.
    """
    _check(order)
    from espnet_perception.export import formats
    kind, path = order.target
    formats.check_absent(kind, path, order.force)
    module, name, engine = QUANTISERS[kind]
    kept = order.facts._replace(precision='fp32')
    with tempfile.TemporaryDirectory() as folder:
        before = os.path.join(folder, 'fp32.onnx')
        formats.write_model(order.model.network(), order.model.card, kept, ('onnx', before))
        quantiser = _class(module, name)(before, order.calibration, progress)
        after = os.path.join(folder, 'int8' + quantiser.suffix)
        with _open(engine, before, order) as reference:
            search = _Search(order, engine, quantiser, reference, folder)
            truth = [classes(reference.infer(image))
                     for image in progress('labels of fp32', order.held_out)]
        choice, agreement = _choose(search, truth, after, progress)
        losses = [_row(agreement, engine, len(order.calibration), choice)]
        formats.write_quantised(after, order.model.card, order.facts, losses, (kind, after))
        if judge is not None:
            losses += judge(before, after)
        paths = formats.write_quantised(after, order.model.card, order.facts, losses,
                                        order.target)
        return Quantised(paths, agreement, choice, os.path.getsize(before), tuple(losses[1:]))


class _Search:
    """Measures a choice of blocks on a few of the frames."""

    def __init__(self, order: Order, engine: str, quantiser: Any, reference: Engine,
                 folder: str) -> None:
        count = min(SEARCH_FRAMES, len(order.calibration))
        places = np.linspace(0, len(order.calibration) - 1, count).astype(int)
        self._images = [order.calibration[place] for place in places]
        self._truth = [classes(reference.infer(image)) for image in self._images]
        self.order, self.engine, self.quantiser = order, engine, quantiser
        self._path = os.path.join(folder, 'search' + quantiser.suffix)
        self._measured: Dict[Tuple[str, ...], float] = {}

    def share(self, blocks: Sequence[str]) -> float:
        """Return the share of the labels that stay with these blocks in INT8."""
        key = tuple(sorted(blocks))
        if key not in self._measured:
            self._measured[key] = self.check(blocks, self._path, self._truth, self._images).share
        return self._measured[key]

    def check(self, blocks: Sequence[str], path: str, truth: Sequence[np.ndarray],
              images: Sequence[np.ndarray]) -> Agreement:
        """Write the file with these blocks in INT8, and compare its labels with fp32's."""
        self.quantiser.save(blocks, path)
        with _open(self.engine, path, self.order) as candidate:
            return against(truth, candidate, images)


def _choose(search: _Search, truth: Sequence[np.ndarray], path: str, progress: Progress
            ) -> Tuple[Choice, Agreement]:
    """
    Choose blocks and write the file; where too few labels stay, ask for more by what is missing.

    :param truth: classes of the frames that were held out.
    :param path: of the file.
    :raises EngineError: too few labels stay in every search.
    """
    order, asked, agreement = search.order, _with_margin(search.order.least), None
    for _ in range(SEARCHES):
        try:
            choice = choose_blocks(search.quantiser.blocks, search.share, asked, progress)
        except EngineError:
            if agreement is None:
                raise
            break
        agreement = search.check(choice.blocks, path, truth,
                                 progress('labels of int8', order.held_out))
        if agreement.share >= order.least:
            return choice, agreement
        asked += order.least - agreement.share
    raise EngineError(
        'in int8 {:.2%} of the labels of {} frame(s) are those of fp32, expected {:.2%} at least; '
        'give more frames that look like the camera, lower --least-agreement, or use fp32'.format(
            agreement.share, agreement.images, order.least))


def _check(order: Order) -> None:
    if order.target[0] not in QUANTISERS:
        raise SettingsError(unknown_key_sentence('format for int8', order.target[0],
                                                 tuple(QUANTISERS)))
    if not 0 < order.least <= 1:
        raise SettingsError('got a least agreement of {:g}, expected a share above 0 and up to 1'
                            .format(order.least))
    few = max(1, FEWEST_FRAMES // 4)
    if len(order.calibration) < FEWEST_FRAMES or len(order.held_out) < few:
        raise ImageError('got {} frame(s) to calibrate int8 on and {} to check it, expected {} '
                         'and {} at least, better a hundred; give more frames'.format(
                             len(order.calibration), len(order.held_out), FEWEST_FRAMES, few))


def _with_margin(least: float) -> float:
    """Return what the search asks for: frames that were not searched on do a little worse."""
    return least + (1 - least) / 3


def _class(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module('espnet_perception.export.' + module), name)
    except ImportError as error:
        raise EngineError('int8 needs a package that is not installed: {}; see '
                          'requirements/quantise.txt'.format(error))


def _open(engine: str, path: str, order: Order) -> Engine:
    height, width = order.facts.size
    return engine_class(engine)(path, EngineOptions(
        width, height, order.facts.product, input_type=order.model.card.input_type))


def _row(agreement: Agreement, engine: str, calibrated_on: int, choice: Choice) -> Dict[str, Any]:
    """Return the row of the card that tells the loss."""
    return {'name': 'labels as in fp32', 'value': round(agreement.share, 5),
            'worst_frame': round(agreement.worst, 5), 'frames': agreement.images,
            'precision': 'int8', 'engine': engine, 'calibrated_on': calibrated_on,
            'in_float': list(choice.floating)}
