# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Roofline estimate: how long a graph takes at least, from the operations and bytes of its layers.

A layer takes the longer of two times, that of its operations at the peak rate of the device and
that of its bytes at the bandwidth of the memory, and what it costs to launch it. Element-wise
steps belong to the layer before them, as runtimes fuse them; reshaping and concatenation cost
nothing by themselves.
"""

from typing import Any, Dict, List, NamedTuple, Tuple

from espnet_perception.errors import EngineError
import onnx

VALUE_BYTES = {'fp32': 4, 'fp16': 2, 'int8': 1}
FREE = ('Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity', 'Concat', 'Constant', 'Slice')
ELEMENT_WISE = ('Add', 'Sub', 'Mul', 'Div', 'PRelu', 'Relu', 'LeakyRelu', 'Sigmoid', 'Cast',
                'Exp', 'Clip', 'Reciprocal', 'BatchNormalization')
OPERATIONS = {'Resize': 8, 'Softmax': 5}  # for each output value; of the others 1
FEWEST_CHANNELS = 8  # of a group, for matrix units to be of use


class Layer(NamedTuple):
    """
    What one launch does.

    :param name: of the node.
    :param operator: of ONNX.
    :param operations: a multiply-add is two.
    :param values: read and written, without weights that fit a cache.
    :param matrix: a matrix product wide enough for matrix units (tensor cores).
    """

    name: str
    operator: str
    operations: float
    values: float
    matrix: bool


class Limits(NamedTuple):
    """
    What a device can do at best.

    :param title: of the device.
    :param plain: operations per second of ordinary arithmetic.
    :param matrix: operations per second of matrix products.
    :param bandwidth: bytes per second of the memory.
    :param launch_s: seconds that a layer costs which does nothing.
    :param reached: share of the two limits that kernels come to.
    """

    title: str
    plain: float
    matrix: float
    bandwidth: float
    launch_s: float
    reached: float = 1.0


class Cost(NamedTuple):
    """
    How long a layer takes.

    :param layer: the layer.
    :param operations_s: seconds of its operations at the limit.
    :param bytes_s: seconds of its bytes at the limit.
    :param least_s: seconds at the limits, without launch.
    :param seconds: estimated: at the share of the limits that is reached, with launch.
    """

    layer: Layer
    operations_s: float
    bytes_s: float
    least_s: float
    seconds: float

    @property
    def bound(self) -> str:
        """Return what holds it up: memory, arithmetic or launch."""
        if self.least_s < self.seconds / 2 and self.seconds - self.least_s > 2 * self.least_s:
            return 'launch'
        return 'memory' if self.bytes_s >= self.operations_s else 'arithmetic'


def layers_of(model: Any) -> List[Layer]:
    """
    Return the layers of a graph.

    :param model: an onnx.ModelProto of constant sizes, as export.onnx writes it.
    :raises EngineError: the size of a tensor is not known.
    """
    return _Layers(onnx.shape_inference.infer_shapes(model).graph).found()


def costs(layers: List[Layer], limits: Limits, precision: str) -> List[Cost]:
    """
    Estimate how long each layer takes.

    :param layers: of a graph.
    :param limits: of a device in this precision.
    :param precision: a key of VALUE_BYTES.
    """
    found = []
    for layer in layers:
        operations_s = layer.operations / (limits.matrix if layer.matrix else limits.plain)
        bytes_s = layer.values * VALUE_BYTES[precision] / limits.bandwidth
        least = max(operations_s, bytes_s)
        found.append(Cost(layer, operations_s, bytes_s, least,
                          least / limits.reached + limits.launch_s))
    return found


class _Layers:
    """Goes through a graph in its order and joins what is launched together."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._weights = {one.name for one in graph.initializer}
        self._shapes = {one.name: list(one.dims) for one in graph.initializer}
        for one in list(graph.input) + list(graph.output) + list(graph.value_info):
            self._shapes[one.name] = [side.dim_value for side in one.type.tensor_type.shape.dim]
        self._readers: Dict[str, int] = {}
        for node in graph.node:
            for name in node.input:
                self._readers[name] = self._readers.get(name, 0) + 1

    def found(self) -> List[Layer]:
        """Return the layers."""
        layers: List[Layer] = []
        written_by: Dict[str, int] = {}
        for node in self._graph.node:
            if node.op_type in FREE:
                continue
            place = self._joins(node, written_by)
            if place is None:
                place = len(layers)
                layers.append(self._layer(node))
            else:
                layers[place] = self._joined(layers[place], node, written_by)
            written_by.update((name, place) for name in node.output)
        return layers

    def _joins(self, node: Any, written_by: Dict[str, int]) -> Any:
        """Return the place of the layer to which an element-wise node belongs, or None."""
        if node.op_type not in ELEMENT_WISE:
            return None
        places = [written_by[name] for name in node.input
                  if name in written_by and self._readers[name] == 1]
        return max(places) if places else None

    def _joined(self, layer: Layer, node: Any, written_by: Dict[str, int]) -> Layer:
        """Return a layer with an element-wise node: it reads what was not in its hands before."""
        hands = max((name for name in node.input if name in written_by),
                    key=lambda name: written_by[name])
        others = sum(self._count(name) for name in node.input
                     if name != hands and name not in self._weights)
        return layer._replace(operations=layer.operations + self._count(node.output[0]),
                              values=layer.values + others)

    def _layer(self, node: Any) -> Layer:
        written = sum(self._count(name) for name in node.output if name in self._shapes)
        read = sum(self._count(name) for name in node.input if name)
        each, matrix = self._operations(node)
        return Layer(node.name, node.op_type, each * self._count(node.output[0]), written + read,
                     matrix)

    def _operations(self, node: Any) -> Tuple[float, bool]:
        """Return the operations for each output value, and whether it is a matrix product."""
        if node.op_type == 'Conv':
            outputs, inputs, height, width = self._shape(node.input[1])
            groups = next((one.i for one in node.attribute if one.name == 'group'), 1)
            return (2.0 * inputs * height * width,
                    min(inputs, outputs // groups) >= FEWEST_CHANNELS)
        if node.op_type in ('MatMul', 'Gemm'):
            return 2.0 * self._shape(node.input[0])[-1], True
        if node.op_type in ('AveragePool', 'GlobalAveragePool', 'ReduceMean', 'ReduceMax',
                            'ReduceSum', 'ArgMax', 'TopK'):
            return self._count(node.input[0]) / max(1.0, self._count(node.output[0])), False
        return float(OPERATIONS.get(node.op_type, 1)), False

    def _shape(self, name: str) -> List[int]:
        shape = self._shapes.get(name)
        if shape is None or 0 in shape:
            raise EngineError('the size of {} in the graph is not known; export the graph with '
                              'this package'.format(name))
        return shape

    def _count(self, name: str) -> float:
        product = 1.0
        for side in self._shapes.get(name, [1]):
            product *= max(1, side)
        return product
