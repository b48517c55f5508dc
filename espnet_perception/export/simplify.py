# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Simplify an exported graph: what a fixed input size makes constant becomes a constant.

The exporter writes the size of every enlargement as a chain of Shape, Slice and Concat, although
all shapes are known. A parser that takes those chains for dynamic shapes (TensorRT's does) loses
speed or refuses. Only integer tensors are folded; no weight is touched.
"""

from typing import Any, Callable, Dict, List, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference, TensorProto

Arrays = Sequence[Any]
INTEGERS = {TensorProto.INT32: np.int32, TensorProto.INT64: np.int64}


def _slice(node: Any, inputs: Arrays) -> np.ndarray:
    source, starts, ends = inputs[:3]
    axes = inputs[3] if len(inputs) > 3 else range(len(starts))
    steps = inputs[4] if len(inputs) > 4 else [1] * len(starts)
    taken = [slice(None)] * source.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps):
        taken[int(axis)] = slice(int(start), int(end), int(step))
    return source[tuple(taken)]


def _unsqueeze(node: Any, inputs: Arrays) -> np.ndarray:
    source, axes = inputs
    for axis in sorted(int(axis) % (source.ndim + len(axes)) for axis in axes):
        source = np.expand_dims(source, axis)
    return source


def _cast(node: Any, inputs: Arrays) -> Any:
    integer = INTEGERS.get(_attribute(node, 'to', None))
    return None if integer is None else inputs[0].astype(integer)


FOLDS: Dict[str, Callable[[Any, Arrays], Any]] = {
    'Cast': _cast,
    'Concat': lambda node, inputs: np.concatenate(inputs, _attribute(node, 'axis', 0)),
    'Gather': lambda node, inputs: np.take(inputs[0], inputs[1], _attribute(node, 'axis', 0)),
    'Slice': _slice,
    'Unsqueeze': _unsqueeze,
}


def simplify(model: Any) -> Any:
    """
    Fold sizes, turn Constant nodes into initializers, drop Identity and what nobody reads.

    :param model: onnx.ModelProto of opset 13 with fixed sizes; do not use it
        afterwards.
    :return: the model, with the shape of every tensor written down.
    """
    before = None
    while before != len(model.graph.node):  # what was folded tells the shapes of what follows
        before = len(model.graph.node)
        inferred = shape_inference.infer_shapes(model, strict_mode=True)
        _fold(model.graph, _known_shapes(inferred.graph))
    del model.graph.value_info[:]
    return shape_inference.infer_shapes(model, strict_mode=True)


def simplify_file(path: str) -> None:
    """
    Simplify the graph in a file, in place.

    :param path: an ONNX file that nobody else reads.
    :raises OSError: it cannot be written.
    """
    onnx.save(simplify(onnx.load(path)), path)


def _fold(graph: Any, shapes: Dict[str, List[int]]) -> None:
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    outputs = {one.name for one in graph.output}
    renamed: Dict[str, str] = {}
    kept: List[Any] = []
    for node in graph.node:
        for position, name in enumerate(node.input):
            node.input[position] = renamed.get(name, name)
        if node.op_type == 'Identity' and node.output[0] not in outputs:
            renamed[node.output[0]] = node.input[0]
        elif node.output[0] in outputs:
            kept.append(node)
        else:
            value = _value(node, shapes, constants)
            if value is None:
                kept.append(node)
            else:
                constants[node.output[0]] = value
    _rebuild(graph, kept, constants)


def _value(node: Any, shapes: Dict[str, List[int]], constants: Dict[str, np.ndarray]) -> Any:
    """Return the constant that a node yields, or None."""
    if node.op_type == 'Constant':
        return numpy_helper.to_array(_attribute(node, 'value', None))
    if node.op_type == 'Shape' and node.input[0] in shapes:
        return np.array(shapes[node.input[0]], np.int64)
    inputs = [constants.get(name) for name in node.input]
    if node.op_type not in FOLDS or any(
            one is None or one.dtype.kind not in 'iu' for one in inputs):
        return None
    return FOLDS[node.op_type](node, inputs)


def _rebuild(graph: Any, nodes: List[Any], constants: Dict[str, np.ndarray]) -> None:
    """Write nodes and the constants they read back into the graph; unread nodes go."""
    read = {one.name for one in graph.output}
    needed = []
    for node in reversed(nodes):
        if read.intersection(node.output):
            needed.append(node)
            read.update(node.input)
    present = {one.name for one in graph.initializer}
    initializers = [one for one in graph.initializer if one.name in read]
    initializers += [numpy_helper.from_array(np.ascontiguousarray(value), name)
                     for name, value in constants.items()
                     if name in read and name not in present]
    del graph.node[:]
    graph.node.extend(reversed(needed))
    del graph.initializer[:]
    graph.initializer.extend(initializers)


def _known_shapes(graph: Any) -> Dict[str, List[int]]:
    shapes = {}
    for entry in list(graph.value_info) + list(graph.input) + list(graph.output):
        sides = [side.dim_value for side in entry.type.tensor_type.shape.dim]
        if entry.type.tensor_type.HasField('shape') and all(sides):
            shapes[entry.name] = sides
    shapes.update((one.name, list(one.dims)) for one in graph.initializer)
    return shapes


def _attribute(node: Any, name: str, default: Any) -> Any:
    return next((helper.get_attribute_value(one) for one in node.attribute if one.name == name),
                default)
