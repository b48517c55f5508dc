# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The formats to which a model is exported: one row and one writer each."""

from contextlib import contextmanager
import importlib
import os
import tempfile
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple
import warnings

from espnet_perception.errors import EngineError, OutputError, SettingsError, unknown_key_sentence
from espnet_perception.export import metadata
from espnet_perception.export.metadata import GraphFacts, PIXELS
from espnet_perception.export.onnx import (
    deploy_fused,
    INPUT_NAME,
    OUTPUT_NAMES,
    trace_to_onnx,
)
from espnet_perception.model_card import ModelCard
from espnet_perception.networks.deploy import FullSizeScores, HalfPrecision
from espnet_perception.networks.fused import fuse
from espnet_perception.whole_files import whole_file
import torch
from torch import nn

PLANES_NAME = 'images'
PRECISIONS = ('fp32', 'fp16')
LARGEST_BATCH = 256


class Traced(NamedTuple):
    """
    A graph that is ready to be written.

    :param graph: in evaluation mode.
    :param example: an input.
    :param facts: what it takes and gives.
    :param texts: what metadata.describe tells of it.
    """

    graph: nn.Module
    example: torch.Tensor
    facts: GraphFacts
    texts: Dict[str, str]

    @property
    def input_name(self) -> str:
        """Name of the input."""
        return INPUT_NAME if self.facts.takes == PIXELS else PLANES_NAME


class Format(NamedTuple):
    """
    One format.

    :param suffix: of the file.
    :param write: writes a graph to a path.
    :param beside: suffixes of further files that belong to it.
    """

    suffix: str
    write: Callable[[Traced, str], None]
    beside: Tuple[str, ...] = ()


def write_model(network: nn.Module, card: ModelCard, facts: GraphFacts, target: Tuple[str, str],
                force: bool = False) -> List[str]:
    """
    Export a network.

    :param network: in evaluation mode; it is not changed.
    :param card: its card, which travels inside the file.
    :param facts: what the graph is to take and give.
    :param target: (a key of FORMATS, path of the file).
    :param force: replace a file that is there.
    :return: the paths that were written; each appeared whole.
    :raises OutputError: there is a file, or it cannot be written.
    :raises SettingsError: unknown format or precision, or a batch out of range.
    :raises EngineError: the libraries cannot export it, or lack.
    """
    kind, path = target
    _check(kind, facts)
    paths = check_absent(kind, path, force)
    traced = _prepare(network, card, facts)
    with _told(path):
        FORMATS[kind].write(traced, path)
    return paths


def check_absent(kind: str, path: str, force: bool = False) -> List[str]:
    """
    Return the files that an export makes.

    :param kind: a key of FORMATS.
    :param path: the file that is asked for.
    :param force: they may be there.
    :raises OutputError: one of them is there.
    """
    paths = [path] + [os.path.splitext(path)[0] + suffix for suffix in FORMATS[kind].beside]
    for one in paths:
        if os.path.exists(one) and not force:
            raise OutputError('{} exists already; give another --output, or --force to replace it'
                              .format(one))
    return paths


def write_quantised(source: str, card: ModelCard, facts: GraphFacts,
                    losses: Sequence[Dict[str, Any]], target: Tuple[str, str]) -> List[str]:
    """
    Write a graph that was quantised, with its card and what it lost inside.

    :param source: file of the graph, .onnx or .xml.
    :param card: of the model; its figures are those of fp32 and are marked so.
    :param facts: what the graph takes and gives, precision int8.
    :param losses: rows of figures in int8, which follow them.
    :param target: (onnx or openvino, path of the file), which is replaced.
    :return: the paths that were written.
    :raises OutputError: they cannot be written.
    """
    kind, path = target
    before = [dict({'precision': 'fp32'}, **row) for row in card.metrics]
    texts = metadata.describe(card._replace(metrics=tuple(before) + tuple(losses)), facts)
    with _told(path):
        if kind == 'openvino':
            from espnet_perception.export.openvino import stamp
            stamp(source, texts, path)
        else:
            with whole_file(path) as part:
                _save_onnx(_library('onnx').load(source), texts, part)
    return check_absent(kind, path, force=True)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what the system says of a file into a sentence."""
    try:
        yield
    except OSError as error:
        raise OutputError('cannot write {}: {}; free some space or give another --output'.format(
            path, error.strerror or error))


def _check(kind: str, facts: GraphFacts) -> None:
    if kind not in FORMATS:
        raise SettingsError(unknown_key_sentence('format', kind, tuple(FORMATS)))
    if facts.precision not in PRECISIONS:
        raise SettingsError(unknown_key_sentence('precision', facts.precision, PRECISIONS))
    if not 1 <= facts.batch <= LARGEST_BATCH:
        raise SettingsError('got a batch of {}, expected 1 to {}'.format(
            facts.batch, LARGEST_BATCH))


def _prepare(network: nn.Module, card: ModelCard, facts: GraphFacts) -> Traced:
    fused = fuse(network)
    if facts.precision == 'fp16':
        fused = HalfPrecision(fused)
    height, width = facts.size
    if facts.takes == PIXELS:
        graph = deploy_fused(fused, card, facts.product, facts.bytes_known)
        example = torch.zeros(facts.batch, height, width, 3,
                              dtype=getattr(torch, graph.input_type))
    else:
        graph = FullSizeScores(fused).eval()
        example = torch.zeros(facts.batch, 3, height, width)
    return Traced(graph, example, facts, metadata.describe(card, facts))


def _write_onnx(traced: Traced, path: str) -> None:
    onnx = _library('onnx')
    from espnet_perception.export.simplify import simplify
    with whole_file(path) as part:
        trace_to_onnx(traced.graph, (traced.example,), part, [traced.input_name],
                      OUTPUT_NAMES[traced.facts.product])
        _save_onnx(simplify(onnx.load(part)), traced.texts, part)


def _save_onnx(model: Any, texts: Dict[str, str], path: str) -> None:
    """Write an ONNX model with these metadata in place of those it has."""
    del model.metadata_props[:]
    for name, text in sorted(texts.items()):
        model.metadata_props.add(key=name, value=text)
    _library('onnx').save(model, path)


def _write_torchscript(traced: Traced, path: str) -> None:
    with whole_file(path) as part, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # constants of the trace are what we want
        try:
            script = torch.jit.trace(traced.graph, traced.example, check_trace=False)
        except RuntimeError as error:
            raise EngineError('cannot trace the network in {}: {}'.format(
                traced.facts.precision, ' '.join(str(error).split())[:160]))
        torch.jit.save(script, part, _extra_files={
            name + '.json': text for name, text in traced.texts.items()})


def _write_openvino(traced: Traced, path: str) -> None:
    _library('openvino')
    from espnet_perception.export.openvino import convert
    with tempfile.TemporaryDirectory() as folder:
        graph = os.path.join(folder, 'graph.onnx')
        trace_to_onnx(traced.graph, (traced.example,), graph, [traced.input_name],
                      OUTPUT_NAMES[traced.facts.product])
        convert(graph, traced.texts, path)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise EngineError('this export needs the package {0} (pip install {0})'.format(name))


FORMATS = {
    'onnx': Format('.onnx', _write_onnx),
    'torchscript': Format('.pt', _write_torchscript),
    'openvino': Format('.xml', _write_openvino, ('.bin',)),
}
