# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Energy per frame is the machine's energy over the frames of the same time."""

from espnet_perception.telemetry.energy import Energy
from espnet_perception.telemetry.frame_energy import FrameLedger
import pytest

SECOND = 10 ** 9


def steady(start_ns, end_ns):
    """Return the energy of a machine that always draws 10 W."""
    return Energy((end_ns - start_ns) / 1e5, end_ns - start_ns, end_ns - start_ns)


def ledger_of(*reports, node='camera'):
    """Return a ledger of 10 s; each report is a stamp in seconds and a count of frames."""
    ledger = FrameLedger(10 * SECOND)
    for seconds, frames in reports:
        ledger.note(node, int(seconds * SECOND), frames)
    return ledger


def report(ledger, energy=steady, now_s=100):
    """Return the report of the only node."""
    cost, = ledger.report(int(now_s * SECOND), energy)
    return cost


def test_energy_per_frame():
    cost = report(ledger_of((90, 100), (95, 150), (100, 200)))
    assert (cost.node, cost.frames, cost.window_s) == ('camera', 100, 10.0)
    assert cost.energy_per_frame_mj == pytest.approx(1000.0)


def test_the_window_moves_on():
    cost = report(ledger_of((80, 0), (91, 1000), (100, 1010)))
    assert (cost.frames, cost.window_s) == (10, 9.0)


@pytest.mark.parametrize('reports', [
    [(100, 50)], [(95, 50), (100, 50)], [(95, 500), (100, 3)]])
def test_without_frames_there_is_no_energy_per_frame(reports):
    assert report(ledger_of(*reports)).energy_per_frame_mj is None


def test_a_node_that_starts_anew_is_counted_anew():
    cost = report(ledger_of((90, 500), (95, 3), (100, 13)))
    assert (cost.frames, cost.window_s) == (10, 5.0)


def test_a_clock_that_steps_back_begins_a_new_window():
    ledger = ledger_of((500, 100), (501, 110), (2, 120), (4, 140))
    assert report(ledger, now_s=4).frames == 20


@pytest.mark.parametrize('energy', [
    lambda start_ns, end_ns: None,
    lambda start_ns, end_ns: Energy(1.0, (end_ns - start_ns) // 2, end_ns - start_ns)])
def test_without_power_or_with_half_of_it_nothing_is_said(energy):
    cost = report(ledger_of((95, 50), (100, 100)), energy)
    assert (cost.frames, cost.energy_per_frame_mj) == (50, None)


def test_small_gaps_are_filled_with_the_mean():
    def gappy(start_ns, end_ns):
        return Energy(9500.0, int(.95 * (end_ns - start_ns)), end_ns - start_ns, 2000.0)
    cost = report(ledger_of((99, 0), (100, 10)), gappy)
    assert cost.energy_per_frame_mj == pytest.approx(1000.0)
    assert cost.idle_mw == 2000.0


def test_a_node_that_is_gone_is_forgotten():
    ledger = ledger_of((60, 50), node='gone')
    ledger.note('here', 100 * SECOND, 1)
    assert [cost.node for cost in ledger.report(100 * SECOND, steady)] == ['here']
