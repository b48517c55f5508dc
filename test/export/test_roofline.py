# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The roofline estimate: operations and values of a graph small enough to count by hand."""

from espnet_perception.errors import SettingsError
from espnet_perception.export.devices import device_limits, device_names
from espnet_perception.export.roofline import costs, layers_of, Limits
import onnx
from onnx import helper, TensorProto
import pytest


def graph():
    """Return 3x3 convolution of 8 to 16 channels on 10x6, activation, reshape."""
    weight = helper.make_tensor('w', TensorProto.FLOAT, [16, 8, 3, 3], [0.0] * 1152)
    shape = helper.make_tensor('s', TensorProto.INT64, [2], [16, 60])
    nodes = [helper.make_node('Conv', ['x', 'w'], ['c'], name='conv', pads=[1, 1, 1, 1]),
             helper.make_node('Relu', ['c'], ['r'], name='relu'),
             helper.make_node('Reshape', ['r', 's'], ['y'], name='reshape')]
    return helper.make_model(helper.make_graph(
        nodes, 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, [1, 8, 6, 10])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, [16, 60])], [weight, shape]))


def test_counted_by_hand():
    """One layer: the activation belongs to the convolution, the reshape costs nothing."""
    layer, = layers_of(onnx.shape_inference.infer_shapes(graph()))
    assert layer.operations == 2 * 16 * 60 * 8 * 9 + 16 * 60
    assert layer.values == 8 * 60 + 16 * 60 + 16 * 8 * 9
    assert layer.matrix


def test_the_longer_time_counts():
    """Memory or arithmetic, over the share that is reached, and the launch."""
    layers = layers_of(graph())
    slow_memory, = costs(layers, Limits('t', 1e12, 1e12, 1e3, 2.0, 0.5), 'fp16')
    assert slow_memory.seconds == pytest.approx(2 * 2 * layers[0].values / 1e3 + 2.0)
    assert slow_memory.bound == 'memory'
    slow_sums, = costs(layers, Limits('t', 1e2, 1e3, 1e12, 0.0), 'fp32')
    assert slow_sums.seconds == pytest.approx(layers[0].operations / 1e3)
    assert slow_sums.bound == 'arithmetic'


def test_devices():
    """The peaks are those that the makers print; what a device has not is refused."""
    assert device_limits('tx2', 'fp16').plain == pytest.approx(1.33e12, rel=0.01)
    assert device_limits('nano', 'fp16').plain == pytest.approx(472e9, rel=0.01)
    assert device_limits('agx_orin', 'int8').matrix == pytest.approx(171e12 / 2, rel=0.01)
    assert all(device_limits(name, 'fp16').bandwidth > 1e9 for name in device_names())
    with pytest.raises(SettingsError, match='TX2 does not compute in int8: compute capability'):
        device_limits('tx2', 'int8')
    with pytest.raises(SettingsError, match="unknown device 'tx3'"):
        device_limits('tx3', 'fp16')
