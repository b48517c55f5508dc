# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What a fixed size makes constant is a constant, and nothing else changes."""

from espnet_perception.export.simplify import simplify
import numpy as np
import onnx
from onnx import helper, TensorProto
import pytest

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def graph_of(nodes, constants, inputs=(('x', (1, 3, 8, 6)),)):
    """Return a model whose output is y, of unknown shape."""
    graph = helper.make_graph(
        nodes, 'test', [helper.make_tensor_value_info(name, FLOAT, shape)
                        for name, shape in inputs],
        [helper.make_tensor_value_info('y', FLOAT, None)],
        [helper.make_tensor(name, kind, np.shape(values), np.ravel(values))
         for name, (kind, values) in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])


def kinds(model):
    return [node.op_type for node in model.graph.node]


def test_size_of_an_enlargement():
    """Shape, Slice, Cast and Concat before a Resize go; what follows is known as well."""
    chain = [
        helper.make_node('Shape', ['x'], ['sides']),
        helper.make_node('Slice', ['sides', 'zero', 'two'], ['front']),
        helper.make_node('Cast', ['target'], ['wide'], to=INT),
        helper.make_node('Concat', ['front', 'wide'], ['sizes'], axis=0),
        helper.make_node('Resize', ['x', '', '', 'sizes'], ['large'], mode='linear'),
        helper.make_node('Shape', ['large'], ['again']),
        helper.make_node('Gather', ['again', 'last'], ['width']),
        helper.make_node('Unsqueeze', ['width', 'zero'], ['row']),
        helper.make_node('Concat', ['row', 'minus'], ['shape'], axis=0),
        helper.make_node('Reshape', ['large', 'shape'], ['flat']),
        helper.make_node('Identity', ['flat'], ['same']),
        helper.make_node('Relu', ['same'], ['y'])]
    model = graph_of(chain, {'zero': (INT, [0]), 'two': (INT, [2]), 'last': (INT, 3),
                             'target': (TensorProto.INT32, [16, 12]), 'minus': (INT, [-1])})
    simple = simplify(model)
    onnx.checker.check_model(simple, full_check=True)
    assert kinds(simple) == ['Resize', 'Reshape', 'Relu']
    values = {one.name: onnx.numpy_helper.to_array(one).tolist()
              for one in simple.graph.initializer}
    assert values == {'sizes': [1, 3, 16, 12], 'shape': [12, -1]}
    assert [side.dim_value for side in simple.graph.output[0].type.tensor_type.shape.dim] \
        == [12, 48]


def test_weights_are_not_touched():
    """Arithmetic of floating-point constants stays: it would change the rounding."""
    model = graph_of([helper.make_node('Concat', ['a', 'b'], ['ab'], axis=0),
                      helper.make_node('Add', ['x', 'ab'], ['y'])],
                     {'a': (FLOAT, [1.0, 2.0]), 'b': (FLOAT, [3.0, 4.0, 5.0, 6.0])})
    assert kinds(simplify(model)) == ['Concat', 'Add']


@pytest.mark.parametrize('last', ['Identity', 'Constant'])
def test_the_output_keeps_its_name(last):
    """A node that makes the output stays, even if it is a constant or does nothing."""
    node = helper.make_node('Identity', ['x'], ['y']) if last == 'Identity' else helper.make_node(
        'Constant', [], ['y'], value=helper.make_tensor('v', FLOAT, [1], [2.0]))
    assert kinds(simplify(graph_of([node], {}))) == [last]


def test_unread_nodes_go():
    """Dead ends are dropped with their constants."""
    model = graph_of([helper.make_node('Add', ['x', 'a'], ['unread']),
                      helper.make_node('Relu', ['x'], ['y'])], {'a': (FLOAT, [1.0])})
    simple = simplify(model)
    assert kinds(simple) == ['Relu'] and not simple.graph.initializer
