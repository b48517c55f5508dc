# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A node answers, and tells what it does, while an engine is built (a stand-in of TensorRT)."""

import pytest

NODE = '/segmentation'
PROGRAM = """
import os, sys, time
sys.path.insert(0, {doubles!r})
import pytest, tensorrt_double
def wait_for_the_test():
    while not os.path.exists({gate!r}):
        time.sleep(0.02)
with tensorrt_double.installed('8.2.1.8', pytest.MonkeyPatch()) as double:
    double.on_build = wait_for_the_test
    from espnet_perception.nodes.segmentation import main
    raise SystemExit(main(['--ros-args', '-p', 'model:=' + {model!r}, '-p', 'engine:=tensorrt',
                           '-p', 'precision:=fp16', '-p', 'cache_dir:=' + {cache!r}, '-p',
                           'diagnostics_period_s:=0.2']))
"""


@pytest.fixture(scope='module')
def gate(tmp_path_factory):
    """Return the file that lets the build end."""
    return tmp_path_factory.mktemp('gate') / 'open'


@pytest.fixture(scope='module')
def node(start_program, repository, tiny_model_dir, gate):
    """Return a node whose engine is built until the test lets it end."""
    return start_program(PROGRAM.format(
        doubles=str(repository / 'test' / 'engines'), gate=str(gate), model=str(tiny_model_dir),
        cache=str(gate.parent / 'cache')))


def test_a_node_lives_while_its_engine_is_built(peer, node, gate):
    """State, parameters and diagnostics are answered; afterwards the node is active."""
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
    arrays = peer.collect(DiagnosticArray, '/diagnostics')

    def model_row():
        rows = [status for array in arrays for status in array.status
                if status.name == 'segmentation: model']
        return rows[-1] if rows else None

    def building():
        row = model_row()
        return row is not None and row.message.startswith('building engine, ') and row
    row = peer.wait_for(building, 'diagnostics that say what is built')
    assert row.level == DiagnosticStatus.WARN
    values = {entry.key: entry.value for entry in row.values}
    assert values['loading'] == 'building engine' and float(values['loading time (s)']) >= 0
    assert peer.state(NODE) == 'configuring'
    assert peer.set_parameter(NODE, 'overlay_opacity', 0.3) == (True, '')
    seen = len(arrays)
    peer.wait_for(lambda: len(arrays) > seen + 2, 'diagnostics that go on')
    assert building()
    assert 'building a TensorRT 8.2.1.8 engine in fp16 for Recorded GPU' in node.log()
    gate.touch()
    peer.wait_for(lambda: peer.state(NODE) == 'active', 'active node')
    peer.wait_for(lambda: model_row().message == 'tiny in tensorrt', 'row of the loaded model')
    assert model_row().level == DiagnosticStatus.OK
