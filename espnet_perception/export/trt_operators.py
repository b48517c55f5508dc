# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the ONNX parser of TensorRT 8.2 (JetPack 4.6.1 and later) takes, and a check against it.

The facts are those of the parser's published operator table of release 8.2 (opset 13 and below;
operators, element types, limits), and of how that release treats types: INT64 is cast down to
INT32 and DOUBLE to FLOAT, every other type is refused, uint8 among them. An INT32 or INT64 input
of the graph is refused too, although the parser knows the type: it was seen to fail.

Operators that no network of this project could need (recurrences, control flow, quantisation) are
left out of the table, so they are refused as well.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from onnx import helper, shape_inference, TensorProto

OPSET = 13
MOST_DIMENSIONS = 8

F32, F16, I32, I8, BOOL = 'float32', 'float16', 'int32', 'int8', 'bool'
TYPE_NAMES = {  # element type of ONNX: what TensorRT makes of it
    TensorProto.FLOAT: F32, TensorProto.DOUBLE: F32, TensorProto.FLOAT16: F16,
    TensorProto.INT32: I32, TensorProto.INT64: I32, TensorProto.INT8: I8, TensorProto.BOOL: BOOL}

_OPERATORS_OF_TYPES = {
    (F32, F16): 'ArgMax ArgMin BatchNormalization Ceil Erf Exp Floor InstanceNormalization Log '
                'LogSoftmax LRN MatMul Pow ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin '
                'ReduceProd ReduceSum ReduceSumSquare Resize Softmax Sqrt TopK',
    (F32, F16, I32): 'Abs Add DepthToSpace Div Equal Greater GreaterOrEqual Less LessOrEqual Max '
                     'Mean Min Mul Neg Range SpaceToDepth Sub Sum',
    (F32, F16, I8): 'Clip Conv ConvTranspose Elu Gemm GlobalAveragePool GlobalMaxPool '
                    'HardSigmoid LeakyRelu MaxPool PRelu Relu Selu Sigmoid Softplus Softsign '
                    'Tanh',
    (F32, F16, I8, I32): 'AveragePool Gather GatherElements GatherND Pad ScatterElements '
                         'ScatterND Sign',
    (F32, F16, I32, BOOL): 'Expand Flatten Split Tile Where',
    (F32, F16, I32, I8, BOOL): 'Cast Concat Constant Identity Reshape Shape Size Slice Squeeze '
                               'Transpose Unsqueeze',
    (BOOL,): 'And Not Or',
}
OPERATORS: Dict[str, Tuple[str, ...]] = {
    name: types for types, names in _OPERATORS_OF_TYPES.items() for name in names.split()}

# Inputs that hold sizes or places, not values: their type is free, and some must be constant.
SIZES = {'Reshape': (1,), 'Resize': (1, 2, 3), 'Slice': (1, 2, 3, 4), 'Gather': (1,),
         'Unsqueeze': (1,), 'Squeeze': (1,), 'Tile': (1,), 'Expand': (1,), 'TopK': (1,),
         'Split': (1,), 'Pad': (1,), 'ReduceSum': (1,), 'GatherElements': (1,), 'GatherND': (1,),
         'Where': (0,)}
CONSTANT = {'Conv': (1, 2), 'ConvTranspose': (1, 2), 'TopK': (1,), 'Slice': (3,),
            'Unsqueeze': (1,), 'Squeeze': (1,), 'Resize': (1, 2, 3), 'Reshape': (1,),
            'InstanceNormalization': (1, 2)}
RESIZE_MODES = ('nearest', 'linear')
RESIZE_COORDINATES = ('half_pixel', 'pytorch_half_pixel', 'tf_half_pixel_for_nn', 'asymmetric',
                      'align_corners')
RESIZE_ROUNDINGS = ('floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil')


class Graph(NamedTuple):
    """
    What the checks look up.

    :param types: element type of ONNX of every tensor that is known.
    :param ranks: number of dimensions, likewise.
    :param constants: names of the constants.
    """

    types: Dict[str, int]
    ranks: Dict[str, int]
    constants: frozenset


def misfits(model: Any) -> List[str]:
    """
    Check a graph against the parser of TensorRT 8.2.

    :param model: onnx.ModelProto.
    :return: a sentence for each thing that does not fit, naming node and operator; empty if all
        does.
    """
    graph = shape_inference.infer_shapes(model).graph
    known = _look_up(graph)
    found = ["the opset '{}' {} is not known to it, expected {} at most".format(
        one.domain or 'ai.onnx', one.version, OPSET) for one in model.opset_import
        if one.domain not in ('', 'ai.onnx') or one.version > OPSET]
    for entry in graph.input:
        found.extend(_input(entry, known))
    for node in graph.node:
        found.extend("node '{}' ({}) {}".format(node.name or node.output[0], node.op_type, reason)
                     for reason in _node(node, known))
    for entry in graph.output:
        kind = entry.type.tensor_type.elem_type
        if kind not in TYPE_NAMES:
            found.append("output '{}' is {}, expected one of {}".format(
                entry.name, _type_name(kind), ', '.join((F32, F16, I32, I8, BOOL))))
    return found


def _look_up(graph: Any) -> Graph:
    types, ranks = {}, {}
    for entry in list(graph.value_info) + list(graph.input) + list(graph.output):
        tensor = entry.type.tensor_type
        types[entry.name] = tensor.elem_type
        if tensor.HasField('shape'):
            ranks[entry.name] = len(tensor.shape.dim)
    constants = {one.name for one in graph.initializer}
    types.update((one.name, one.data_type) for one in graph.initializer)
    ranks.update((one.name, len(one.dims)) for one in graph.initializer)
    constants.update(node.output[0] for node in graph.node if node.op_type == 'Constant')
    return Graph(types, ranks, frozenset(constants))


def _input(entry: Any, known: Graph) -> List[str]:
    if entry.name in known.constants:
        return []
    kind = TYPE_NAMES.get(entry.type.tensor_type.elem_type)
    if kind in (F32, F16, I8, BOOL):
        return []
    return ["input '{}' is {}, expected float32; export with --for-tensorrt".format(
        entry.name, _type_name(entry.type.tensor_type.elem_type))]


def _node(node: Any, known: Graph) -> List[str]:
    if node.domain not in ('', 'ai.onnx') or node.op_type not in OPERATORS:
        return ['is an operator that it does not know']
    reasons = _types(node, known)
    for place in CONSTANT.get(node.op_type, ()):
        name = node.input[place] if place < len(node.input) else ''
        if name and name not in known.constants:
            reasons.append("computes its input {} ('{}'), expected a constant".format(place, name))
    for name in list(node.input) + list(node.output):
        if known.ranks.get(name, 0) > MOST_DIMENSIONS:
            reasons.append("has {} dimensions in '{}', expected {} at most".format(
                known.ranks[name], name, MOST_DIMENSIONS))
    check = ATTRIBUTE_CHECKS.get(node.op_type)
    reason = check(node, known) if check else None
    return reasons + ([reason] if reason else [])


def _types(node: Any, known: Graph) -> List[str]:
    reasons, allowed = [], OPERATORS[node.op_type]
    for place, name in enumerate(node.input):
        kind = known.types.get(name)
        if not name or kind is None or place in SIZES.get(node.op_type, ()):
            continue
        if TYPE_NAMES.get(kind) not in allowed:
            reasons.append("takes {} in '{}', expected one of {}".format(
                _type_name(kind), name, ', '.join(allowed)))
    for name in node.output:
        kind = known.types.get(name)
        if kind is not None and kind not in TYPE_NAMES:
            reasons.append("gives {} in '{}', which is no type of TensorRT 8.2".format(
                _type_name(kind), name))
    return reasons


def _type_name(kind: int) -> str:
    return TensorProto.DataType.Name(kind).lower() if kind else 'of unknown type'


def _attributes(node: Any) -> Dict[str, Any]:
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def _cast(node: Any, known: Graph) -> Optional[str]:
    kind = _attributes(node)['to']
    return None if kind in TYPE_NAMES else 'casts to {}, expected one of {}'.format(
        _type_name(kind), ', '.join((F32, F16, I32, I8, BOOL)))


def _two_or_three_axes(node: Any, known: Graph) -> Optional[str]:
    rank = known.ranks.get(node.input[0], 4)
    return None if rank in (4, 5) else 'works on {} dimensions, expected 4 or 5'.format(rank)


def _pooling(node: Any, known: Graph) -> Optional[str]:
    if len(node.output) > 1 and node.output[1]:
        return 'gives indices, which it does not'
    if any(step != 1 for step in _attributes(node).get('dilations', ())):
        return 'is dilated, expected dilations of 1'
    return _two_or_three_axes(node, known)


def _resize(node: Any, known: Graph) -> Optional[str]:
    found = _attributes(node)
    for name, default, valid in (
            ('mode', b'nearest', RESIZE_MODES),
            ('coordinate_transformation_mode', b'half_pixel', RESIZE_COORDINATES),
            ('nearest_mode', b'round_prefer_floor', RESIZE_ROUNDINGS)):
        value = found.get(name, default).decode()
        if value not in valid:
            return "has {} '{}', expected one of {}".format(name, value, ', '.join(valid))
    return None


ATTRIBUTE_CHECKS: Dict[str, Callable[[Any, Graph], Optional[str]]] = {
    'AveragePool': _pooling,
    'Cast': _cast,
    'Conv': _two_or_three_axes,
    'ConvTranspose': _two_or_three_axes,
    'MaxPool': _pooling,
    'Resize': _resize,
}
