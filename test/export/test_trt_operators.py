# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Which graphs the ONNX parser of TensorRT 8.2 takes."""

import re

from espnet_perception.export.formats import write_model
from espnet_perception.export.metadata import GraphFacts, PIXELS, PLANES
from espnet_perception.export.trt_operators import ATTRIBUTE_CHECKS, CONSTANT, misfits, OPERATORS
from espnet_perception.model_card import ModelCard
from espnet_perception.networks import create_network, IMAGE_NETWORKS
from espnet_perception.networks.comparison import MODULES
import numpy as np
import onnx
from onnx import helper, TensorProto
import pytest

SMALL = {'width': 0.5, 'classes': 9}
FIRST = {'p': 1, 'q': 1, 'classes': 9}
CASES = [('espnetv2', SMALL), ('espnetv2', dict(SMALL, fusion=False, shortcut=False,
                                                grouped_reduction=False)),
         ('espnetv2_seg', SMALL), ('espnetv2_seg_paper', SMALL), ('espnet_a', FIRST),
         ('espnet_b', FIRST), ('espnet_c', FIRST), ('espnet', FIRST),
         ('espnet', dict(FIRST, variant='train')), ('shufflenetv2_seg', {'classes': 9})]
CASES += [('espnet_c_comparison', dict(FIRST, module=name)) for name in MODULES]
SIZES = {'espnetv2': (33, 47)}  # a classifier takes any size; the rest pool to odd ones
FLOAT = TensorProto.FLOAT


def card_of(name, arguments):
    task = 'classification' if name == 'espnetv2' else 'segmentation'
    return ModelCard(name, task, name, arguments, ('a',) * 9, ((0, 0, 0),) * 9, 64, 48, '', '')


def exported(folder, name, arguments, **form):
    """Return the graph of a network with fresh weights."""
    path = str(folder / 'graph.onnx')
    facts = GraphFacts(SIZES.get(name, (80, 112)), **form)
    write_model(create_network(name, **arguments).eval(), card_of(name, arguments), facts,
                ('onnx', path))
    return onnx.load(path)


def test_every_network_is_tried():
    assert {name for name, _ in CASES} == set(IMAGE_NETWORKS)


@pytest.mark.parametrize('name, arguments', CASES)
def test_every_network_fits(tmp_path, name, arguments):
    """Every node, type and attribute of the graph that TensorRT is given."""
    product = 'logits' if name == 'espnetv2' else 'labels+confidence'
    model = exported(tmp_path, name, arguments, takes=PIXELS, product=product, bytes_known=False)
    assert len(model.graph.node) > 40
    assert misfits(model) == []


def test_planes_fit(tmp_path):
    """The graph without pre- and postprocessing, for two images at once."""
    assert misfits(exported(tmp_path, 'espnetv2_seg', SMALL, takes=PLANES, batch=2)) == []


def test_bytes_do_not(tmp_path):
    """With uint8 input and labels: input, casts and output are named."""
    sentences = misfits(exported(tmp_path, 'espnet_a', FIRST, takes=PIXELS, product='labels'))
    text = '\n'.join(sentences)
    assert "input 'image_bgr' is uint8, expected float32; export with --for-tensorrt" in text
    assert 'Transpose) takes uint8' in text and "output 'labels' is uint8" in text
    assert '(Cast) casts to uint8, expected one of' in text


def one_node(kind, inputs, constants=(), outputs=('y',), opset=13, shape=(1, 4, 8, 8),
             **attributes):
    graph = helper.make_graph(
        [helper.make_node(kind, list(inputs), list(outputs), name='it', **attributes)], 'test',
        [helper.make_tensor_value_info('x', FLOAT, shape)],
        [helper.make_tensor_value_info('y', FLOAT, None)],
        [helper.make_tensor(name, element, np.shape(values), np.ravel(values))
         for name, element, values in constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])


SIZE = ('size', TensorProto.INT64, [1, 4, 16, 16])
NEGATIVE = [
    (one_node('Mod', 'xx', fmod=1), r"node 'it' \(Mod\) is an operator that it does not know"),
    (one_node('Resize', ['x', '', '', 'size'], [SIZE], mode='cubic'),
     r"node 'it' \(Resize\) has mode 'cubic', expected one of nearest, linear"),
    (one_node('Resize', ['x', '', '', 'size'], [SIZE], mode='linear',
              coordinate_transformation_mode='tf_crop_and_resize'),
     r"\(Resize\) has coordinate_transformation_mode 'tf_crop_and_resize'"),
    (one_node('Conv', 'xx'), r"\(Conv\) computes its input 1 \('x'\), expected a constant"),
    (one_node('Conv', 'xw', [('w', FLOAT, np.ones((4, 4, 3)))], shape=(1, 4, 8)),
     r'\(Conv\) works on 3 dimensions, expected 4 or 5'),
    (one_node('MaxPool', 'x', outputs='yi', kernel_shape=[2, 2]), r'\(MaxPool\) gives indices'),
    (one_node('Cast', 'x', to=TensorProto.UINT8), r'\(Cast\) casts to uint8'),
    (one_node('And', 'xx'), r"\(And\) takes float in 'x', expected one of bool"),
    (one_node('Relu', 'x', opset=14), "the opset 'ai.onnx' 14 is not known .* 13 at most"),
    (one_node('Relu', 'x', shape=(1,) * 9), r'\(Relu\) has 9 dimensions'),
]


@pytest.mark.parametrize('model, sentence', NEGATIVE)
def test_what_does_not_fit_is_named(model, sentence):
    """Node, operator and reason."""
    found = misfits(model)
    assert any(re.search(sentence, one) for one in found), found


def test_the_tables_agree():
    """Every limit belongs to an operator of the table."""
    assert set(CONSTANT) | set(ATTRIBUTE_CHECKS) <= set(OPERATORS)
