# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Configurations are the product of what is asked for; a baseline differs in what is wanted."""

from benchmarks import OPENVINO, TORCH
from espnet_perception.benchmark.plan import (
    check_baseline,
    check_different,
    every,
    parse_baseline,
    reference_of,
    Settings,
    Subject,
)
from espnet_perception.errors import SettingsError
import pytest


def test_everything_is_combined():
    found = every([(Subject('a'), 'a', (96, 64)), (Subject('b'), 'b', (32, 32))],
                  ['torch', 'openvino'], ['fp32', 'fp16'], [1, 2])
    assert len(found) == len({one.key for one in found}) == 2 * 2 * 2 * 2
    assert found[0].key == 'a torch fp32 96x64 threads=1'


def test_what_is_asked_for_twice_is_refused():
    check_different([TORCH, OPENVINO])
    with pytest.raises(SettingsError, match='tiny torch fp32 96x64 threads=1. is asked for twice'):
        check_different([TORCH, OPENVINO, TORCH])


def test_a_reference_is_alike_but_for_what_is_wanted():
    fast = OPENVINO._replace(threads=2)
    everyone = [TORCH, OPENVINO, fast]
    assert reference_of(OPENVINO, {'engine': 'torch'}, everyone) == TORCH
    assert reference_of(TORCH, {'engine': 'torch'}, everyone) == TORCH
    assert reference_of(fast, {'engine': 'torch'}, everyone) is None
    assert reference_of(fast, {'threads': 1}, everyone) == OPENVINO
    assert reference_of(fast, {}, everyone) is None


def test_a_baseline_is_read():
    assert parse_baseline('engine=torch,threads=2') == {'engine': 'torch', 'threads': 2}
    assert parse_baseline('') == {}


@pytest.mark.parametrize('text, said', [
    ('torch', "--baseline is 'torch', expected KEY=VALUE"),
    ('engin=torch', "unknown key of --baseline 'engin'; did you mean 'engine'"),
    ('threads=two', "--baseline has threads 'two', expected a whole number"),
])
def test_a_wrong_baseline_is_refused(text, said):
    with pytest.raises(SettingsError, match=said):
        parse_baseline(text)


def test_a_baseline_that_nothing_has_is_refused():
    check_baseline({'engine': 'torch'}, [TORCH, OPENVINO])
    with pytest.raises(SettingsError, match="unknown engine in --baseline 'tensorrt'; .*valid: "
                                            'openvino, torch'):
        check_baseline({'engine': 'tensorrt'}, [TORCH, OPENVINO])


def test_iterations_are_spread_over_the_rounds():
    assert Settings().per_turn * Settings().rounds == 100
    assert Settings(iterations=11, rounds=10).per_turn == 2
