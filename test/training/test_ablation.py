# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the ablation: its rows against the paper, its resuming, its statistics."""

import json
import os
import signal

from espnet_perception.errors import DatasetError, SettingsError
from espnet_perception.networks import create_network
from espnet_perception.networks.counting import count
from espnet_perception.networks.papers import agree, PAPER_SIZE
from espnet_perception.training import ablation, ablation_report, classification, schedules
from espnet_perception.training.ablation import Result
from espnet_perception.training.ablation_plan import Experiment, plan, ROWS, settings_of
import pytest

HERE = Experiment('camvid', epochs=1, patches=24, size=32, batch_size=8, threads=1)


@pytest.fixture
def here(tiny_camvid):
    """Return an experiment of seconds."""
    return HERE._replace(folder=os.fspath(tiny_camvid))


@pytest.mark.parametrize('name', ROWS)
def test_a_row_is_the_network_that_the_paper_prints(name):
    printed = ablation_report._printed(ROWS[name].place, 1.0)
    counts = count(create_network('espnetv2', **dict(ROWS[name].design, width=1.0)), PAPER_SIZE)
    assert agree(printed.parameters, counts.parameters)
    assert agree(printed.multiply_adds, counts.multiply_adds)


def test_with_90_epochs_and_its_batch_the_schedules_are_those_of_the_paper():
    as_printed = Experiment('camvid', epochs=90, batch_size=512)
    rates = {name: schedules.rates(schedules.of_settings(settings_of(as_printed, name, 1, 'x')))
             for name in ROWS}
    assert rates['R1'] == rates['R2'] == rates['R3'] == pytest.approx(
        [0.1] * 30 + [0.01] * 30 + [0.001] * 30)
    assert rates['R4'] == rates['P'] and rates['R4'][28:32] == pytest.approx(
        [0.2, 0.1, 0.05, 0.04])
    section_4_1 = schedules.Schedule('cyclic', 0.5, 300, lowest=0.1,
                                     milestones=schedules.PAPER_MILESTONES)
    assert rates['R5'] == pytest.approx(schedules.rates(section_4_1))


def test_all_rows_of_a_seed_come_before_the_next_seed():
    assert plan(['R2', 'R1'], 2) == [('R1', 1), ('R2', 1), ('R1', 2), ('R2', 2)]
    with pytest.raises(SettingsError, match="unknown row 'R6'.*R5"):
        plan(['R6'], 1)
    with pytest.raises(SettingsError, match='0 seeds are nothing to run'):
        plan(['R1'], 0)


def test_an_interrupted_ablation_goes_on_and_keeps_what_is_done(here, tmp_path, monkeypatch):
    runs, said = plan(['R1', 'R4'], 1), []
    original, steps = classification.note_step, []

    def stopping(progress, *others):
        original(progress, *others)
        steps.append(progress['step'])
        if len(steps) == 4:  # in the second run
            os.kill(os.getpid(), signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(classification, 'note_step', stopping)
        first = list(ablation.run(here, runs, str(tmp_path), said.append))
    assert steps == [1, 2, 3, 1] and [result.row for result in first] == ['R1']
    assert said[0].startswith('0 of 2 runs are done; the others see 48 images, about')
    assert said[-1] == 'stopped in R4, seed 1; the same command goes on'
    counted = []
    with monkeypatch.context() as patch:
        patch.setattr(classification, 'note_step', lambda progress, *others: (
            original(progress, *others), counted.append(progress['step'])))
        both = list(ablation.run(here, runs, str(tmp_path), said.append))
    assert counted == [2, 3] and both[0] == first[0]
    assert [result.row for result in both] == ['R1', 'R4']
    assert all(0 <= result.top1 <= 1 for result in both)
    assert list(ablation.run(here, runs, str(tmp_path), said.append)) == both
    content = json.loads((tmp_path / 'results.json').read_text())
    assert content['experiment']['patches'] == 24 and len(content['runs']) == 2


def test_results_of_another_experiment_do_not_mix(here, tmp_path):
    ablation._write(str(tmp_path), here, [Result('R1', 1, 0.5, 3.0)])
    with pytest.raises(SettingsError, match=r'results.json holds results with epochs 1, asked '
                                            r'for is 2'):
        list(ablation.run(here._replace(epochs=2), plan(['R1'], 1), str(tmp_path), print))
    (tmp_path / 'results.json').write_text('{"experiment": ')
    with pytest.raises(SettingsError, match=r'cannot read .*results\.json'):
        list(ablation.run(here, plan(['R1'], 1), str(tmp_path), print))


@pytest.mark.parametrize('changes, message', [
    ({'dataset': 'synthetc'}, "data set of the ablation 'synthetc'.*synthetic"),
    ({'width': 0.7}, 'width is 0.7, expected one of 0.5, 1.0'),
    ({'epochs': 0}, 'epochs is 0, expected at least 1')])
def test_what_cannot_be_run_is_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        HERE._replace(**changes).check()


def results_of(**tops):
    return [Result(row, seed, top1, 1.0) for row, values in tops.items()
            for seed, top1 in enumerate(values, 1)]


def test_means_and_differences_are_those_of_the_seeds():
    results = results_of(R1=[0.50, 0.52, 0.54], R2=[0.60, 0.61, 0.65])
    assert ablation_report.summary(results, 'R1') == pytest.approx((52.0, 2.0, 3))
    apart = ablation_report.difference(results, 'R2', 'R1')
    assert apart == pytest.approx((10.0, 1.0, 3, 2.6457513))
    assert apart.verdict == 'helps'
    assert ablation_report.difference(results, 'R1', 'R2').verdict == 'harms'
    assert ablation_report.difference(results, 'R3', 'R2') is None


def test_a_difference_within_the_spread_or_of_one_seed_is_no_finding():
    near = results_of(R1=[0.50, 0.54], R2=[0.51, 0.55])
    assert ablation_report.difference(near, 'R2', 'R1').verdict == 'within the spread of the seeds'
    single = results_of(R1=[0.50], R2=[0.61])
    assert ablation_report.difference(single, 'R2', 'R1').verdict == 'one seed cannot tell'


def test_the_tables_show_the_paper_beside_the_runs(tmp_path):
    results = results_of(R1=[0.5, 0.52], R2=[0.6, 0.61], R4=[0.7, 0.72], P=[0.69, 0.7])
    text = '\n'.join(ablation_report.lines(Experiment(), results))
    assert '51.00 +- 1.41' in text and '58.94 top-1, s=1.0' in text
    assert '57.14 top-1, s=0.5' in text and '1,241,332' in text  # grouped reduction at s = 0.5
    assert '+9.50 +- 0.71 points (R2 - R1, 2 seeds): helps; paper +1.13' in text
    assert 'grouped instead of dense' in text and 'paper +0.56' in text
    path = tmp_path / 'ablation.png'
    ablation_report.draw(str(path), Experiment(), results)
    assert path.read_bytes()[:4] == b'\x89PNG' and len(os.listdir(tmp_path)) == 1


def test_the_data_set_is_opened_before_anything_is_trained(here, tmp_path):
    with pytest.raises(DatasetError, match='cannot read the list of split'):
        list(ablation.run(here._replace(folder='/nowhere'), plan(['R1'], 1), str(tmp_path), print))
