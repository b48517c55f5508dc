# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""One token of a language model as an ONNX graph, fed with its own state, beside torch."""

import os

from espnet_perception.errors import EngineError
from espnet_perception.export.language import (
    export_sequence,
    export_step,
    SCORES_OUTPUT,
    TOKEN_INPUT,
    TOKENS_INPUT,
)
from espnet_perception.networks import create_network
import numpy as np
import onnx
import pytest
import torch
from torch import nn

TINY = {'words': 11, 'embedding': 16, 'hidden': 32}
CASES = [('eru_lm', {}), ('eru_lm', {'axis': 'features'}), ('eru_lm', {'axis': 'time'}),
         ('eru_lm', {'rec_groups': 1, 'norm': 'none'}), ('lstm_lm', {}),
         ('pru_lm', {'groups': 2})]


def lively(name, arguments):
    """Return a tiny network in evaluation mode with statistics that an export could get wrong."""
    torch.manual_seed(7)
    network = create_network(name, **dict(TINY, **arguments))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.3, 1.5)
    return network.eval()


@pytest.mark.parametrize('length', [1, 2, 12])
@pytest.mark.parametrize('arguments', [{}, {'rec_groups': 1}, {'norm': 'none'}])
def test_a_whole_text_in_the_runtime_is_the_text_in_torch(tmp_path, arguments, length):
    """Any number of words through one graph: scores of each within 1e-5."""
    runtime = pytest.importorskip('onnxruntime')
    network, path = lively('eru_lm', arguments), str(tmp_path / 'sequence.onnx')
    export_sequence(network, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = runtime.InferenceSession(path, providers=['CPUExecutionProvider'])
    tokens = torch.randint(11, (length,))
    with torch.no_grad():
        expected = network(tokens.unsqueeze(1))[0][:, 0].numpy()
    scores, = session.run([SCORES_OUTPUT], {TOKENS_INPUT: tokens.numpy()})
    np.testing.assert_allclose(scores, expected, atol=1e-5)


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('name, arguments', CASES)
def test_a_text_in_the_runtime_is_the_text_in_torch(tmp_path, name, arguments, batch):
    """Twelve words, the state handed from step to step: scores of each within 1e-5."""
    runtime = pytest.importorskip('onnxruntime')
    network, path = lively(name, arguments), str(tmp_path / 'step.onnx')
    names = export_step(network, path, batch)
    graph = onnx.load(path)
    onnx.checker.check_model(graph, full_check=True)
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [('', 13)]
    assert {'Loop', 'If', 'Scan'}.isdisjoint(
        node.op_type for node in graph.graph.node)
    session = runtime.InferenceSession(path, providers=['CPUExecutionProvider'])
    assert [one.name for one in session.get_inputs()] == [TOKEN_INPUT] + names.state_in
    tokens = torch.randint(11, (12, batch))
    with torch.no_grad():
        expected = network(tokens)[0].numpy()
    state = {one.name: np.zeros(one.shape, np.float32) for one in session.get_inputs()[1:]}
    for token, scores in zip(tokens.numpy(), expected):
        found, *after = session.run([SCORES_OUTPUT] + names.state_out,
                                    dict(state, **{TOKEN_INPUT: token}))
        assert np.abs(found - scores).max() < 1e-5
        state = dict(zip(names.state_in, after))
    assert all(np.abs(part).max() > 0 for part in state.values())


def test_a_network_in_training_is_refused(tmp_path):
    """Its normalisation would take the statistics of a single token."""
    network = lively('eru_lm', {}).train()
    with pytest.raises(EngineError, match='in training; call eval'):
        export_step(network, str(tmp_path / 'step.onnx'))


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    """Neither a part nor a new file; the one that was there is intact."""
    path = tmp_path / 'step.onnx'
    path.write_bytes(b'before')

    def fail(*_, **__):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(torch.onnx, 'export', fail)
    with pytest.raises(OSError, match='No space left'):
        export_step(lively('eru_lm', {}), str(path))
    assert os.listdir(str(tmp_path)) == ['step.onnx'] and path.read_bytes() == b'before'
