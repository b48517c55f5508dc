# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The sub-command replay, offline and against a real node in a process of its own."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from espnet_perception.cli.main import main
import pytest

TRUTH = ['--truth', '/camera/labels']


def lines_of(output, bag='drive'):
    """Return the records of a bag, as they are on disk."""
    text = (Path(output) / bag / 'frames.jsonl').read_text()
    return [json.loads(line) for line in text.splitlines()]


def outcome(output, bag='drive'):
    """Return what must not depend on how the bag was replayed."""
    return [(row['stamp_ns'], row['status'], row['crc32'], row['cells'])
            for row in lines_of(output, bag)]


def figures(output):
    """Return what report.json holds."""
    return json.loads((Path(output) / 'report.json').read_text())


@pytest.fixture(scope='module')
def offline(drive, city_model, tmp_path_factory):
    """Output of an offline replay."""
    output = tmp_path_factory.mktemp('offline')
    assert main(['replay', drive, '--model', city_model, '--output', str(output)] + TRUTH) == 0
    return output


def test_offline(offline):
    """Every frame is there, with its truth, and the report is written."""
    report = figures(offline)
    assert report['overall']['frames']['answered'] == 8
    assert report['overall']['frames']['with_truth'] == 8
    assert report['source']['mode'] == 'offline' and report['source']['model'] == 'city'
    assert report['overall']['metrics']['category_miou'] is not None
    assert (offline / 'report.html').stat().st_size > 50_000


def test_the_main_figures_are_printed(drive, city_model, tmp_path, capsys):
    """Frames, latency, metrics, and where the report is."""
    main(['replay', drive, '--model', city_model, '--frames', '2', '--output', str(tmp_path)]
         + TRUTH)
    text = capsys.readouterr().out
    for words in ('2 frames: 2 answered, 0 dropped, 0 rejected', 'total: median', 'mIoU ',
                  str(tmp_path / 'report.html')):
        assert words in text


def test_bags_of_one_name_do_not_mix(drive, city_model, tmp_path):
    """The second gets a folder of its own; the figures are of both."""
    main(['replay', drive, drive, '--model', city_model, '--frames', '2', '--output',
          str(tmp_path)])
    assert len(lines_of(tmp_path)) == len(lines_of(tmp_path, 'drive_2')) == 2
    assert figures(tmp_path)['overall']['frames']['total'] == 4


@pytest.mark.parametrize('arguments, sentence', [
    (['/nowhere'], 'there is no bag at /nowhere'),
    (['{drive}', '--topic', '/camera/imag'], "has no topic '/camera/imag'"),
    (['{drive}', '--topic', '/camera/image', '--truth', '/camera/image'],
     'are bgr8, expected mono8'),
    (['{drive}', '--model', '/nowhere'], '/nowhere'),
    (['{drive}', '--live', '--rate', 'fast'], "--rate is 'fast', expected a number above 0"),
    (['{drive}', '--live', '--rate', '-1'], "--rate is '-1'"),
    (['{drive}', '--cluster', '2', '--live'], '--cluster is for offline replay'),
    (['{drive}', '--cluster', '0'], '--cluster is 0, expected at least 1 worker'),
    (['{drive}', '{drive}', '--cluster', '2'], 'a bag is given twice'),
    (['{drive}', '--truth', '/camera/labels', '--truth-classes', 'kitti'], 'kitti'),
    (['{drive}', '--output', '/dev/null/out'], 'cannot write /dev/null/out'),
    (['{drive}', '--live', '--output', '/dev/null/out'], 'cannot write /dev/null/out')])
def test_what_cannot_be_done_is_one_sentence(drive, city_model, tmp_path, capfd, arguments,
                                             sentence):
    """Status 1, and one line that starts with the command."""
    arguments = [argument.format(drive=drive) for argument in arguments]
    defaults = [] if '--model' in arguments else ['--model', city_model]
    defaults += [] if '--output' in arguments else ['--output', str(tmp_path)]
    assert main(['replay'] + arguments + defaults) == 1
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert last.startswith('espnet-perception replay: ') and sentence in last


def test_live_outputs_equal_offline_outputs(ros, drive, city_model, offline, tmp_path, capsys):
    """The node's masks, over DDS, are bit for bit those of the pipeline; none is lost."""
    assert main(['replay', drive, '--live', '--rate', 'max', '--model', city_model, '--output',
                 str(tmp_path)] + TRUTH) == 0
    assert outcome(tmp_path) == outcome(offline)
    node = figures(tmp_path)['overall']['node']
    assert (node['sent'], node['received'], node['answers']) == (8, 8, 8)
    assert node['unaccounted'] == node['lost_to_node'] == node['lost_from_node'] == 0
    latency = figures(tmp_path)['overall']['node_latency_ms']
    assert latency['inference']['p99_ms'] > 0
    assert '8 sent, 0 lost on the way there' in capsys.readouterr().out


def start(arguments, repository, log_path):
    """Start the command in a process of its own."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(
        [str(repository), os.environ.get('PYTHONPATH', '')]))
    with open(log_path, 'w') as log:
        return subprocess.Popen(
            [sys.executable, '-m', 'espnet_perception.cli.main'] + arguments, stdout=log,
            stderr=log, env=environment, cwd=str(repository))


def wait_until(condition, what, deadline_s=60.0):
    """Wait for a condition with a deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def test_an_interrupted_live_replay_goes_on(ros, drive, city_model, offline, tmp_path,
                                            repository):
    """SIGINT after some frames; the same command ends with the results of an undisturbed one."""
    arguments = ['replay', drive, '--live', '--rate', '0.25', '--model', city_model, '--output',
                 str(tmp_path / 'out')] + TRUTH
    process = start(arguments, repository, tmp_path / 'log')
    frames = tmp_path / 'out' / 'drive' / 'frames.jsonl'
    wait_until(lambda: process.poll() is not None or
               (frames.exists() and frames.read_text().count('\n') >= 2), 'no frame came')
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, (tmp_path / 'log').read_text()
    done = len(lines_of(tmp_path / 'out'))
    assert 2 <= done < 8
    assert main(arguments) == 0
    assert outcome(tmp_path / 'out') == outcome(offline)
    report = figures(tmp_path / 'out')['overall']
    assert report['metrics'] == figures(offline)['overall']['metrics']
    assert report['node']['sessions'] == 2 and report['node']['answers'] == 8


def test_a_node_that_cannot_start_says_why(ros, drive, tiny_model_dir, tmp_path, capfd):
    """Its own sentence comes through."""
    assert main(['replay', drive, '--live', '--engine', 'torch', '--threads', '9999', '--model',
                 str(tiny_model_dir), '--output', str(tmp_path)]) == 1
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert 'cannot configure' in last and "setting 'threads' is 9999" in last


def test_attach_to_a_running_node(ros, drive, city_model, offline, tmp_path, repository):
    """It may belong to somebody else: it is used as it is, and left alone afterwards."""
    namespace = '/attach_{}'.format(os.getpid())
    program = 'from espnet_perception.nodes.segmentation import main; raise SystemExit(main())'
    node = subprocess.Popen(
        [sys.executable, '-c', program, '--ros-args', '-r', '__ns:=' + namespace, '-p',
         'model:="{}"'.format(city_model)], cwd=str(repository), stderr=subprocess.DEVNULL)
    try:
        assert main(['replay', drive, '--attach', namespace + '/segmentation', '--rate', 'max',
                     '--output', str(tmp_path)] + TRUTH) == 0
        assert node.poll() is None
    finally:
        node.send_signal(signal.SIGTERM)
        assert node.wait(30) == 0
    assert outcome(tmp_path) == outcome(offline)
    assert figures(tmp_path)['source']['model'] == 'city'
    assert not (tmp_path / 'node.log').exists()


def test_a_node_that_ends_ends_the_replay_at_once(ros, drive, city_model, tmp_path, repository):
    """Killed in the middle of it: one sentence within seconds, and the frames so far are kept."""
    process = start(['replay', drive, '--live', '--rate', '0.1', '--model', city_model,
                     '--output', str(tmp_path / 'out')] + TRUTH, repository, tmp_path / 'log')
    frames = tmp_path / 'out' / 'drive' / 'frames.jsonl'
    wait_until(lambda: process.poll() is not None or
               (frames.exists() and frames.read_text().count('\n') >= 1), 'no frame came')
    children = Path('/proc/{0}/task/{0}/children'.format(process.pid)).read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    assert children and process.wait(20) == 1
    assert 'the node ended with status -9' in (tmp_path / 'log').read_text().splitlines()[-1]
    assert 1 <= len(lines_of(tmp_path / 'out')) < 8


def test_power_of_the_machine_is_measured_offline(drive, city_model, tmp_path, capsys):
    """A made-up board draws 5389 mW; a machine without sensors says where it looked."""
    import fake_machines
    fake_machines.tx2(tmp_path / 'tx2')
    arguments = ['replay', drive, '--model', city_model, '--frames', '4']
    assert main(arguments + ['--power-root', str(tmp_path / 'tx2'), '--output',
                             str(tmp_path / 'out')]) == 0
    power = figures(tmp_path / 'out')['overall']['power']
    assert (power['mean_mw'], power['frames']) == (pytest.approx(5389), 4)
    assert power['energy_per_frame_mj'] == pytest.approx(5389 * power['elapsed_s'] / 4)
    assert (tmp_path / 'out/drive/power.png').stat().st_size > 10_000
    assert 'mJ per frame (sensors of this machine: VDD_IN)' in capsys.readouterr().out
    fake_machines.desktop(tmp_path / 'desktop')
    assert main(arguments + ['--power-root', str(tmp_path / 'desktop'), '--output',
                             str(tmp_path / 'none')]) == 0
    report = figures(tmp_path / 'none')
    assert report['overall']['power'] is None
    assert report['power'].startswith('no power sensor found: looked at INA3221: absent (')
    assert report['power'] in capsys.readouterr().out


def test_power_of_a_live_replay_is_that_of_the_power_node(ros, drive, city_model, tmp_path,
                                                          repository):
    """The node reads a made-up board; the replay itself has no sensor."""
    import fake_machines
    fake_machines.tx2(tmp_path / 'tx2')
    fake_machines.desktop(tmp_path / 'desktop')
    program = 'from espnet_perception.nodes.power import main; raise SystemExit(main())'
    name = 'power_{}'.format(os.getpid())
    node = subprocess.Popen(
        [sys.executable, '-c', program, '--ros-args', '-r', '__node:=' + name, '-p',
         'root:="{}"'.format(tmp_path / 'tx2')], cwd=str(repository), stderr=subprocess.DEVNULL)
    try:
        assert main(['replay', drive, '--live', '--rate', '1', '--model', city_model,
                     '--power-root', str(tmp_path / 'desktop'), '--output',
                     str(tmp_path / 'out')]) == 0
    finally:
        node.send_signal(signal.SIGTERM)
        assert node.wait(30) == 0
    report = figures(tmp_path / 'out')
    assert report['power'] == 'the power node on /{}/power: VDD_IN'.format(name)
    assert report['overall']['power']['mean_mw'] == pytest.approx(5389)
    assert report['overall']['power']['measured_s'] > 0.2
