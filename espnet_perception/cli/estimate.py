# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Estimate how fast a model can be on a device, before one is bought."""

import argparse
import os
import tempfile
from typing import Any, List, NamedTuple, Tuple

from espnet_perception.cli.info import find_subject, Subject
from espnet_perception.cli.info_tables import assignments, columns
from espnet_perception.errors import PerceptionError, SettingsError
from espnet_perception.settings import SegmentationNodeSettings

DESCRIPTION = """\
ESTIMATE how long a model takes on a device: operations and bytes of every layer of the graph that
is deployed, against the published limits of the device (a roofline). Nothing is measured there:

    espnet-perception estimate espnetv2_s0.5_synthetic --device tx2 --precision fp16

With --all a row for every model of this machine. --device here measures the limits of this
processor briefly and sets the estimates beside measured times, which shows their error."""
HERE = 'here'
RATES = (15, 30)  # frames per second that a robot asks for
WORST_LAYERS = 8
SMALLEST = 32  # side in pixels at which a graph is nothing but launches


class Estimate(NamedTuple):
    """
    What is estimated of one graph.

    :param name: of the model or network.
    :param size: (width, height).
    :param costs: of its layers.
    """

    name: str
    size: Tuple[int, int]
    costs: List[Any]

    @property
    def seconds(self) -> float:
        """Estimated time for a frame."""
        return sum(cost.seconds for cost in self.costs)

    @property
    def least_s(self) -> float:
        """Time for a frame at the published limits: nobody is faster."""
        return sum(cost.least_s for cost in self.costs)

    @property
    def memory_share(self) -> float:
        """Share of the estimated time in layers that wait for memory."""
        return sum(cost.seconds for cost in self.costs if cost.bound == 'memory') / self.seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of this sub-command.

    :param parser: its parser.
    """
    parser.add_argument('model', nargs='*', default=[SegmentationNodeSettings().model],
                        help='models (name, folder, .pth file) or networks (%(default)s)')
    parser.add_argument('--arguments', metavar='NAME=VALUE,...',
                        help='of a network that is given by its name')
    parser.add_argument('--device', default='tx2',
                        help='tx2, nano, xavier_nx, agx_xavier, orin_nano, orin_nano_super, '
                             'orin_nx, agx_orin, or here (%(default)s)')
    parser.add_argument('--precision', choices=('fp32', 'fp16', 'int8'),
                        help='(fp16; here: fp32)')
    parser.add_argument('--size', metavar='WxH', help="of the input (default: the model's own)")
    parser.add_argument('--all', action='store_true', help='every model of this machine')
    parser.add_argument('--engine', default='openvino', choices=('openvino', 'onnxruntime'),
                        help='of --device here (%(default)s)')


def run(chosen: argparse.Namespace) -> int:
    """
    Print the estimates.

    :param chosen: the parsed arguments.
    :return: exit status 0.
    :raises PerceptionError: no such model or device, or a library lacks.
    """
    names = chosen.model
    if chosen.all:
        from espnet_perception.pipeline.verification import every_model
        names = every_model()
    if chosen.device == HERE:
        if chosen.precision not in (None, 'fp32'):
            raise SettingsError('--device here measures in fp32, got --precision {}'.format(
                chosen.precision))
        print('\n'.join(_here(chosen, names)))
        return 0
    try:
        from espnet_perception.export.devices import device_limits
        from espnet_perception.export.roofline import costs
    except ImportError as error:
        raise PerceptionError('an estimate needs the package onnx (pip install onnx): {}'.format(
            error))
    precision = chosen.precision or 'fp16'
    limits = device_limits(chosen.device, precision)
    estimates = []
    for name in names:
        subject = find_subject(name, chosen.arguments, chosen.size)
        with tempfile.TemporaryDirectory() as folder:
            layers = _graph(subject, subject.size, os.path.join(folder, 'graph.onnx'))
        estimates.append(Estimate(_title(subject, name), subject.size,
                                  costs(layers, limits, precision)))
    print('\n'.join(_heading(limits, precision)))
    print('\n'.join(_table(estimates) if len(estimates) > 1 else _details(estimates[0])))
    return 0


def _title(subject: Subject, name: str) -> str:
    return subject.card.name if subject.card else '{} ({})'.format(
        name, assignments(subject.arguments))


def _product(subject: Subject) -> str:
    """Return what the deployed graph gives: labels, or the scores of a classifier."""
    classifier = subject.card.task == 'classification' if subject.card \
        else subject.name == 'espnetv2'
    return 'logits' if classifier else 'labels'


def _graph(subject: Subject, size: Tuple[int, int], path: str) -> List[Any]:
    """Write the graph that is deployed, and return its layers."""
    from espnet_perception.export.onnx import deploy_fused, export_onnx
    from espnet_perception.export.roofline import layers_of
    from espnet_perception.model_card import IMAGENET_MEAN, IMAGENET_STD
    from espnet_perception.networks.fused import fuse
    import onnx
    card = subject.card or _Neutral('float32', IMAGENET_MEAN, IMAGENET_STD, 'rgb')
    graph = deploy_fused(fuse(subject.build()), card, _product(subject), bytes_known=True)
    export_onnx(graph, (size[1], size[0]), _product(subject), path)
    return layers_of(onnx.load(path))


class _Neutral(NamedTuple):
    """What a graph takes of a card, for a network without one."""

    input_type: str
    mean: Tuple[float, float, float]
    std: Tuple[float, float, float]
    channel_order: str


def _heading(limits: Any, precision: str) -> List[str]:
    return ['ESTIMATE from published limits, nothing here was measured on the device.',
            '{}, {}: {:.2f} TFLOP/s, {:.2f} with matrix units, {:.1f} GB/s; assumed: {:.0%} of '
            'these is reached, {:.0f} us for a launch'.format(
                limits.title, precision, limits.plain / 1e12, limits.matrix / 1e12,
                limits.bandwidth / 1e9, limits.reached, limits.launch_s * 1e6), '']


def _verdicts(estimate: Estimate) -> List[str]:
    """Return for each rate: yes, no, or never where even the limits forbid it."""
    return ['yes' if estimate.seconds <= 1 / rate else
            'never' if estimate.least_s > 1 / rate else 'no' for rate in RATES]


def _table(estimates: List[Estimate]) -> List[str]:
    rows = [['model', 'size', 'ms', 'at best', 'fps'] + ['{} fps'.format(rate) for rate in RATES]
            + ['memory']]
    for one in sorted(estimates, key=lambda one: one.seconds):
        rows.append([one.name, '{}x{}'.format(*one.size), '{:.1f}'.format(one.seconds * 1e3),
                     '{:.1f}'.format(one.least_s * 1e3), '{:.0f}'.format(1 / one.seconds)]
                    + _verdicts(one) + ['{:.0%}'.format(one.memory_share)])
    return columns(rows, left=1) + [
        '', 'at best: ms at the full limits; memory: share of the time in layers that wait for it']


def _details(estimate: Estimate) -> List[str]:
    found = estimate.costs
    bound = {kind: sum(cost.bound == kind for cost in found)
             for kind in ('memory', 'arithmetic', 'launch')}
    lines = ['{} at {}x{}'.format(estimate.name, *estimate.size),
             'time for a frame     {:.1f} ms estimated, {:.1f} ms at the full limits'.format(
                 estimate.seconds * 1e3, estimate.least_s * 1e3),
             'frames per second    {:.0f}'.format(1 / estimate.seconds)]
    lines += ['holds {} fps         {}'.format(rate, verdict)
              for rate, verdict in zip(RATES, _verdicts(estimate))]
    lines.append('{} layers: {memory} wait for memory ({:.0%} of the time), {arithmetic} for '
                 'arithmetic, {launch} are launches'.format(
                     len(found), estimate.memory_share, **bound))
    rows = [['slowest layers', 'operator', 'MFLOP', 'values (M)', 'us', 'bound by']]
    for cost in sorted(found, key=lambda cost: -cost.seconds)[:WORST_LAYERS]:
        layer = cost.layer
        rows.append([layer.name[-48:], layer.operator, '{:.1f}'.format(layer.operations / 1e6),
                     '{:.2f}'.format(layer.values / 1e6), '{:.0f}'.format(cost.seconds * 1e6),
                     cost.bound])
    return lines + [''] + columns(rows, left=2)


def _here(chosen: argparse.Namespace, names: List[str]) -> List[str]:
    """Measure the limits of this machine, and each graph; return estimates beside times."""
    from espnet_perception.export.roofline import costs
    from espnet_perception.pipeline.estimating import graph_seconds, limits_here
    limits = limits_here()
    subjects = [find_subject(name, chosen.arguments, chosen.size) for name in names]
    rows = [['model', 'size', 'estimated ms', 'measured ms', 'measured/estimated']]
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'graph.onnx')

        def timed(subject: Subject, size: Tuple[int, int]) -> Tuple[List[Any], float]:
            layers = _graph(subject, size, path)
            kind = subject.card.input_type if subject.card else 'float32'
            return layers, graph_seconds(path, chosen.engine, size + (_product(subject), kind))

        smallest = (SMALLEST * 2, SMALLEST * 2)
        layers, seconds = timed(subjects[0], smallest)
        limits = limits._replace(launch_s=seconds / len(layers))
        for subject, name in zip(subjects, names):
            layers, seconds = timed(subject, subject.size)
            estimate = Estimate(_title(subject, name), subject.size,
                                costs(layers, limits, 'fp32'))
            ratios.append(seconds / estimate.seconds)
            rows.append([estimate.name, '{}x{}'.format(*subject.size),
                         '{:.1f}'.format(estimate.seconds * 1e3), '{:.1f}'.format(seconds * 1e3),
                         '{:.2f}'.format(ratios[-1])])
    return ['{}: {:.0f} GFLOP/s (matrix product), {:.1f} GB/s (copy), {:.1f} us for a layer '
            '(a tiny image), all just measured; engine {}'.format(
                limits.title, limits.plain / 1e9, limits.bandwidth / 1e9, limits.launch_s * 1e6,
                chosen.engine), ''] + columns(rows, left=1) + [
        '', 'measured over estimated: {:.2f} to {:.2f}'.format(min(ratios), max(ratios))]
