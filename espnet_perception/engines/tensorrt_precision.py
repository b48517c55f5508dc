# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Which layers of a graph TensorRT has to compute in fp32 although the rest may be narrower.

The groups are in the order in which they are tried: first what sums over many values, whose
rounding errors add up, then the decoder, where nothing follows that could even errors out, then
what sees the pixels themselves.
"""

from typing import Any, Callable, List, NamedTuple

import tensorrt

SUMMING = ('MATRIX_MULTIPLY', 'POOLING', 'REDUCE', 'SOFTMAX', 'TOPK', 'UNARY')
NOT_COMPUTING = ('CONSTANT', 'SHAPE')
DECODER_SHARE, STEM_SHARE = 1.0 / 3.0, 0.1


class Group(NamedTuple):
    """
    A group of layers.

    :param name: what a person calls it.
    :param holds: takes the name of a layer's type and its place, 0 (first) to 1 (last).
    """

    name: str
    holds: Callable[[str, float], bool]


GROUPS = (
    Group('sums, softmax, pooling and products of matrices', lambda kind, place: kind in SUMMING),
    Group('the last third of the layers', lambda kind, place: place >= 1 - DECODER_SHARE),
    Group('the first tenth of the layers', lambda kind, place: place <= STEM_SHARE),
)


def keep_in_fp32(network: Any, config: Any, count: int) -> List[str]:
    """
    Let TensorRT compute layers in fp32.

    :param network: tensorrt.INetworkDefinition, parsed.
    :param config: tensorrt.IBuilderConfig; gets the flag that makes it obey.
    :param count: how many of GROUPS, from the first.
    :return: the names of the layers.
    """
    names = []
    for index in range(network.num_layers if count else 0):
        layer = network.get_layer(index)
        place = index / max(1, network.num_layers - 1)
        outputs = _float_outputs(layer)
        if outputs and any(group.holds(layer.type.name, place) for group in GROUPS[:count]):
            layer.precision = tensorrt.DataType.FLOAT
            for output in outputs:
                layer.set_output_type(output, tensorrt.DataType.FLOAT)
            names.append(layer.name)
    if names:
        flags = tensorrt.BuilderFlag  # before 8.2 it was called otherwise
        config.set_flag(flags.OBEY_PRECISION_CONSTRAINTS
                        if hasattr(flags, 'OBEY_PRECISION_CONSTRAINTS') else flags.STRICT_TYPES)
    return names


def _float_outputs(layer: Any) -> List[int]:
    """Return the numbers of the outputs whose precision can be chosen; class ids have none."""
    if layer.type.name in NOT_COMPUTING:
        return []
    tensors = [layer.get_output(index) for index in range(layer.num_outputs)]
    return [index for index, tensor in enumerate(tensors)
            if tensor.dtype.name in ('FLOAT', 'HALF') and not tensor.is_shape_tensor]
