# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""docs/topics.md says what is true: parameters, topics, services, encodings, diagnostics."""

import re

from espnet_perception import settings
from espnet_perception.pipeline.decoding import ENCODINGS
from espnet_perception.results import Classification
import numpy as np
import pytest

NODES = {'segmentation': (settings.SegmentationNodeSettings, settings.SegmenterSettings),
         'classification': (settings.ClassificationNodeSettings, settings.ClassifierSettings)}
GROUPS = {'every node': settings.NodeSettings()._asdict(),
          'every pipeline': settings.PipelineSettings()._asdict(),
          'power': settings.PowerNodeSettings()._asdict(),
          'command': dict(settings.CommandNodeSettings()._asdict(),
                          **settings.CommanderSettings()._asdict())}
for _name, _types in NODES.items():
    GROUPS[_name] = {name: default for kind in _types for name, default in kind()._asdict().items()
                     if name not in settings.PipelineSettings._fields}


@pytest.fixture(scope='module')
def page(repository):
    """Text of the page."""
    return (repository / 'docs' / 'topics.md').read_text(encoding='utf-8')


def shown(value):
    """Return a default as YAML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if value == '' else str(value)


def expected_row(name, default):
    """Return the row of the table for one setting."""
    fact = settings.FACTS[name]
    limits = ', '.join(fact.choices)
    if fact.low is not None:
        limits = f'{fact.low:g} to {fact.high:g}'
    return '| `{}` | {} | {} | {} | {} |'.format(
        name, f'`{shown(default)}`', limits, 'no' if fact.read_only else 'yes', fact.description)


def section(page, title):
    """Return the text below a heading."""
    return re.split(r'\n#+ ', page.split(f'# {title}\n')[1])[0]


@pytest.mark.parametrize('title', sorted(GROUPS))
def test_the_table_of_parameters_is_that_of_the_settings(page, title):
    rows = [line for line in section(page, 'Parameters of ' + title).splitlines()
            if line.startswith('| `')]
    assert rows == [expected_row(name, default) for name, default in GROUPS[title].items()]


def test_every_encoding_is_listed(page):
    listed = set(re.findall(r'`([^`]+)`', section(page, 'Encodings')))
    assert set(ENCODINGS) <= listed


def test_every_key_of_the_diagnostics_is_listed(page):
    from espnet_perception.nodes import diagnostics, monitor, progress, stamps
    seen = diagnostics.Context(10 ** 9, 'active', settings.NodeSettings(), '',
                               {'network_width': 1}, '/image', 1, 0.5,
                               progress.Progress('building engine', 1.0, 2.0))
    counts, tracker = monitor.FrameMonitor(5), stamps.StampTracker()
    for stamp_ns in range(0, 10 ** 9, 10 ** 8):
        tracker.add(stamp_ns)
    result = Classification((3,), ('cat',), np.float32([0.5]), np.float32([0.5]), True, None)
    tasks = [diagnostics.FramesTask(lambda: seen, counts, tracker),
             diagnostics.ModelTask(lambda: seen), diagnostics.InputTask(lambda: seen),
             diagnostics.ClassesTask(lambda: result)]
    keys = {key for status in diagnostics.collect('n', tasks) for key, _value in status.values}
    listed = set(re.findall(r'`([^`]+)`', section(page, 'Diagnostics')))
    assert keys <= listed
    assert set(monitor.STAGES) <= listed


def test_every_key_of_the_diagnostics_of_power_is_listed(page):
    from espnet_perception.nodes import diagnostics, power_diagnostics
    from espnet_perception.telemetry import frame_energy, health, power, recorder, sensor
    rail = recorder.RailReport('NAME', 'test', 1.0, 1.0, 1.0, '', 1)
    report = recorder.PowerReport(0.0, 10 ** 9, 1, (rail,), rail, ('NAME',), 1.0)
    cost = frame_energy.FrameEnergy('NAME', 1, 1.0, 1.0, 1.0)
    state = sensor.BatteryState('Discharging', 50.0, 1.0, 1.0)
    seen = power_diagnostics.PowerContext(
        'active', '', settings.PowerNodeSettings(),
        power.Sensors((), (sensor.Missing('NAME', 'absent', 'here'),)),
        health.MachineHealth(report, [cost], {'NAME': 1.0}, {'NAME': state},
                             {'NAME': sensor.GpuState(1.0, 1.0)}, 'MAXN'))
    tasks = [task(lambda: seen) for task in power_diagnostics.TASKS]
    statuses = diagnostics.collect('n', tasks)
    listed = set(re.findall(r'`([^`]+)`', section(page, 'Diagnostics of power')))
    assert {status.name[len('n: '):] for status in statuses} <= listed
    keys = {key for status in statuses for key, _value in status.values}
    assert len(keys) >= 19
    assert keys <= listed


def test_every_key_of_the_diagnostics_of_command_is_listed(page):
    from espnet_perception.nodes import command_diagnostics, diagnostics
    seen = command_diagnostics.CommandContext(
        'active', '', dict.fromkeys(('model', 'task', 'sha256', 'words', 'intents', 'engine'), 1),
        True)
    monitor = command_diagnostics.CommandMonitor(5)
    tasks = [task(lambda: seen, monitor) for task in command_diagnostics.TASKS]
    tasks.append(diagnostics.ModelTask(lambda: seen))
    statuses = diagnostics.collect('n', tasks)
    listed = set(re.findall(r'`([^`]+)`', section(page, 'Diagnostics of command')))
    assert not [status.message for status in statuses if 'itself failed' in status.message]
    assert {status.name[len('n: '):] for status in statuses} <= listed
    assert {key for status in statuses for key, _value in status.values} <= listed
    assert set(command_diagnostics.STAGES) <= listed


def test_every_topic_and_service_of_command_is_listed(page, repository):
    nodes = repository / 'espnet_perception' / 'nodes'
    source = ''.join((nodes / name).read_text() for name in (
        'command.py', 'command_answers.py', 'command_inputs.py'))
    topics = set(re.findall(r"'((?:~/|/intents)\w*)'", source)) - {'~/reset_stop'}
    rows = re.findall(r'^\| `([~/]+\w+)`', section(page, 'Topics of command'), re.MULTILINE)
    assert len(topics) == 7 and topics == set(rows)
    assert '`~/reset_stop`' in section(page, 'Services of command')


def outputs_of(repository, name):
    """Return the topics that a file of a node publishes on."""
    source = (repository / 'espnet_perception' / 'nodes' / name).read_text()
    loop = re.search(r'for topic in \((.*?)\)', source)
    return re.findall(r"add_output\('(\w+)'", source) + (
        re.findall(r"'(\w+)'", loop.group(1)) if loop else [])


@pytest.mark.parametrize('title, name, count', [
    ('every node', 'perception_node.py', 3), ('segmentation', 'segmentation.py', 4),
    ('classification', 'classification.py', 2), ('power', 'power.py', 1)])
def test_every_output_is_listed_where_it_belongs(page, repository, title, name, count):
    outputs = outputs_of(repository, name)
    assert len(outputs) == count
    rows = re.findall(r'^\| `(~/\w+)`', section(page, 'Topics of ' + title), re.MULTILINE)
    assert sorted(rows) == sorted('~/' + output for output in outputs)


@pytest.mark.parametrize('title, name', [
    ('Services', 'perception_node.py'), ('Services of power', 'power.py')])
def test_every_service_is_listed(page, repository, title, name):
    source = (repository / 'espnet_perception' / 'nodes' / name).read_text()
    services = re.findall(r"create_service\(\w+, '(~/\w+)'", source)
    assert len(services) == 2
    for service in services:
        assert f'`{service}`' in section(page, title)
