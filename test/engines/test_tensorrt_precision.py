# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Fewer bits only where the labels stay: layers kept in fp32, refusals, int8 (on stand-ins)."""

import os

from espnet_perception.engines import BuildListener, EngineOptions
from espnet_perception.errors import EngineError
from espnet_perception.pipeline.models import find_model, open_engine
from espnet_perception.pipeline.plan_building import build_ahead, Wish
import numpy as np
import pytest

SIZE = (64, 96)
IMAGES = [np.random.RandomState(seed).randint(0, 256, (*SIZE, 3)).astype(np.uint8)
          for seed in (1, 2)]


class Place:
    """A graph, a cache, and what is said."""

    def __init__(self, tensorrt, graph, cache):
        self.double, self.graph, self.cache = tensorrt, graph, str(cache)
        self.said, self.stages = [], []

    def build(self, precision='fp16', images=IMAGES, again=False):
        """Build ahead; return the path of the plan."""
        listener = BuildListener(self.said.append, stage=lambda what, expected_s:
                                 self.stages.append(what))
        return build_ahead(Wish(find_model(str(self.graph)), self.options(precision), self.cache,
                                images, again), listener)

    def engine(self, precision='fp16'):
        """Open an engine as a node does."""
        return open_engine(find_model(str(self.graph)), 'tensorrt', self.options(precision),
                           self.cache)

    def flags(self):
        """Return the flags of every build."""
        return [call[1] for call in self.double.calls if call[0] == 'build']

    def files(self, suffix):
        """Return the files of the cache."""
        return [name for name in os.listdir(self.cache) if name.endswith(suffix)]

    @staticmethod
    def options(precision):
        return EngineOptions(SIZE[1], SIZE[0], 'labels', precision=precision)


@pytest.fixture
def place(tensorrt, tiny_graph, tmp_path):
    """Return a place with an empty cache."""
    tensorrt.cuda.device.capability = (7, 2)
    return Place(tensorrt, tiny_graph, tmp_path)


def header_of(path):
    from espnet_perception.engines.plan_file import read_header
    return read_header(path)


@pytest.mark.parametrize('version', ['8.0.1.6', '8.2.1.8', '10.3.0'], indirect=True)
def test_the_layers_that_suffer_are_kept_in_fp32(place):
    """One group more, until the labels are those of fp32; a node then finds that plan."""
    place.double.weak = ('TOPK',)
    path = place.build()
    obey = 'STRICT_TYPES' if place.double.numbers < (8, 2) else 'OBEY_PRECISION_CONSTRAINTS'
    assert place.flags() == [['FP16'], sorted(['FP16', obey])]
    header = header_of(path)
    assert header['agreement']['share'] > 0.99 and header['agreement']['images'] == 2
    assert len(header['kept_in_fp32']) >= 1
    assert any('next: sums, softmax' in sentence for sentence in place.said)
    assert place.stages.count('building engine') == 2
    assert not place.files('.trial')
    with place.engine() as engine:
        facts = engine.describe()
    assert facts['layers_in_fp32'] == len(header['kept_in_fp32'])
    assert facts['agreement_with_fp32'] == header['agreement']['share']
    assert place.build() == path and len(place.flags()) == 2


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_layers_are_kept_as_asked(place):
    """Only what computes in floats; nothing, and no flag, without a group."""
    from espnet_perception.engines.tensorrt_precision import GROUPS, keep_in_fp32
    kept = []
    for count in range(len(GROUPS) + 1):
        network, config = place.double.INetworkDefinition(), place.double.IBuilderConfig()
        network._onnx = place.graph.read_bytes()
        kept.append(set(keep_in_fp32(network, config, count)))
        assert bool(config._flags) is bool(count)
        marked = {layer.name for layer in network._all() if layer.precision is not None}
        assert marked == kept[-1]
        assert not [layer for layer in network._all() if layer.precision is not None
                    and layer.type.name in ('CONSTANT', 'SHAPE', 'IDENTITY')]
    assert kept[0] == set() and kept[0] < kept[1] < kept[2] < kept[3]
    assert len(kept[3]) < network.num_layers


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_a_refused_engine_is_not_built_again(place):
    """Neither by a node that starts nor by the command, until somebody asks for it."""
    place.double.weak = ('CONVOLUTION',)
    with pytest.raises(EngineError, match=r'agrees with fp32 on \d+\.\d\d% of 2 image.*99.00%'):
        place.build()
    assert len(place.flags()) == 1 + 3
    assert not place.files('.plan') and not place.files('.trial')
    for attempt in (place.engine, place.build, lambda: place.build(images=())):
        with pytest.raises(EngineError, match=r'the fp16 engine of .*tiny.onnx was built and '
                                              r'refused before: .* on \d+\.\d\d% of 2 image.*; '
                                              r'or build it again with .* fp16 --again'):
            attempt()
    assert len(place.flags()) == 4
    place.engine('fp32').close()
    place.double.weak = ()
    place.build(again=True)
    place.engine().close()
    assert len(place.flags()) == 6 and not place.files('.refused')


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_what_a_node_built_is_compared_before_it_is_kept(place):
    """A plan that nobody compared is not built a second time; a wrong one does not stay."""
    place.double.weak = ('CONVOLUTION',)
    place.engine().close()
    with pytest.raises(EngineError, match='agrees with fp32'):
        place.build()
    assert len(place.flags()) == 1 + 3 and not place.files('.plan')


@pytest.mark.parametrize('version', ['8.2.1.8', '10.3.0'], indirect=True)
def test_int8(place):
    """Calibrated on the frames, through memory of the device; the ranges are kept."""
    path = place.build('int8')
    calibrated = [call for call in place.double.calls if call[0] == 'calibrate']
    assert calibrated == [('calibrate', pytest.approx([image.mean() for image in IMAGES]))]
    assert place.flags() == [['FP16', 'INT8']]
    ranges, = place.files('.calibration')
    with open(os.path.join(place.cache, ranges), 'rb') as stream:
        assert stream.read() == b'ranges of int8'
    assert header_of(path)['precision'] == 'int8'
    with place.engine('int8') as engine:
        assert engine.describe()['precision'] == 'int8'
        engine.infer(IMAGES[0])
    place.build('int8', again=True)
    assert place.double.calls.count(('calibrate', [])) == 1, 'the ranges were not used again'
    place.build('int8', IMAGES[:1], again=True)
    assert len(place.files('.calibration')) == 2, 'other frames give other ranges'


@pytest.mark.parametrize('version', ['8.2.1.8'], indirect=True)
def test_int8_that_fails(place):
    """Without frames; with a GPU that fails while it calibrates (the fixture counts memory)."""
    with pytest.raises(EngineError, match='takes frames to build one'):
        place.build('int8', images=())
    place.double.cuda.fails['cudaMemcpyAsync'] = 2
    with pytest.raises(EngineError, match='cudaMemcpyAsync failed: out of memory'):
        place.build('int8')
    assert not place.files('.plan') and not place.files('.refused')
