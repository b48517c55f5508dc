# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The command node in its own process, over real DDS."""

import time

import pytest

LATCHED_DEPTH = 1


class CommandCase:
    """A command node, what goes in and what comes out."""

    def __init__(self, start_node, peer, name, **parameters):
        from diagnostic_msgs.msg import DiagnosticArray
        from espnet_msgs.msg import Command, Completions
        from rclpy.qos import DurabilityPolicy, QoSProfile
        from std_msgs.msg import Bool, String
        self.peer, self.name = peer, '/' + name
        self.node = start_node('__node:=' + name, node='command', diagnostics_period_s=0.2,
                               **parameters)
        latched = QoSProfile(depth=LATCHED_DEPTH, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.stops = peer.collect(Bool, self.name + '/stop', latched)
        self.commands = peer.collect(Command, self.name + '/command', 2000)
        self.completions = peer.collect(Completions, self.name + '/completions')
        self._arrays = peer.collect(DiagnosticArray, '/diagnostics')
        self._text = peer.node.create_publisher(String, self.name + '/text', 2000)
        self._partial = peer.publisher(String, self.name + '/partial')
        peer.wait_for(lambda: self._text.get_subscription_count(), 'text\n' + self.node.log())
        peer.wait_for(lambda: self.stops, 'stop\n' + self.node.log())

    def say(self, text, partial=False):
        """Send a text."""
        from std_msgs.msg import String
        (self._partial if partial else self._text).publish(String(data=text))

    def ask(self, text):
        """Send a text and return the command that answers it."""
        del self.commands[:]
        self.say(text)
        return self.peer.wait_for(
            lambda: [one for one in self.commands if one.text == text.replace('\0', ' ')][:1],
            'command for {!r}\n{}'.format(text[:60], self.node.log()))[0]

    def values(self, task, condition):
        """Wait for values of a row of the diagnostics for which a condition holds."""
        del self._arrays[:]

        def found():
            rows = [({entry.key: entry.value for entry in status.values}, status)
                    for array in self._arrays for status in array.status
                    if status.name == '{}: {}'.format(self.name[1:], task)]
            return [row for row in rows if condition(row[0])]
        return self.peer.wait_for(found, 'status of {}\n{}'.format(task, self.node.log()))[0]

    def reset(self):
        """Take the stop back."""
        from std_srvs.srv import Trigger
        return self.peer.call(Trigger, self.name + '/reset_stop')


@pytest.fixture(scope='module')
def case(start_node, peer, small_command_model):
    model, grammar = small_command_model
    made = CommandCase(start_node, peer, 'command', model=model, grammar=grammar)
    peer.wait_for(lambda: peer.state('/command') == 'active', 'activation\n' + made.node.log())
    return made


@pytest.fixture(scope='module')
def without_model(start_node, peer):
    return CommandCase(start_node, peer, 'mute', autostart=False, model='nowhere')


def test_a_command(case):
    answer = case.ask('please go to the GALLEY')
    assert answer.accepted and answer.reason == 'ok' and answer.intent == 'go'
    assert [(slot.role, slot.value, slot.start, slot.end) for slot in answer.slots] == [
        ('place', 'kitchen', 17, 23)]
    assert 0 < answer.slots[0].confidence <= 1 and 0 < answer.confidence <= 1
    assert len(answer.alternatives) == len(answer.alternative_confidences) == 3
    assert answer.model == 'four_intents' and answer.header.stamp.sec > 0
    assert answer.header.frame_id == '' and 0 < answer.latency_ms < 5000
    assert answer.perplexity > 1


@pytest.mark.parametrize('text, reason', [
    ('', 'unknown_words'), ('\u53bb\u53a8\u623f', 'unknown_words'),
    ('go\u0007there', 'missing_slot'),
    ('go to the sauna', 'unlisted_value')])
def test_refusals(case, text, reason):
    answer = case.ask(text)
    assert not answer.accepted and answer.reason == reason


def test_ten_thousand_words(case):
    del case.commands[:]
    case.say('word ' * 10000)
    answer = case.peer.wait_for(lambda: case.commands, 'answer')[0]
    assert answer.reason == 'too_long' and len(answer.text) == 2000


def test_stop_is_latched_until_it_is_reset(case):
    assert not case.stops[-1].data
    answer = case.ask("don't stop")
    assert answer.accepted and answer.reason == 'stop' and answer.intent == 'stop'
    case.peer.wait_for(lambda: case.stops[-1].data, 'stop')
    case.ask('go to the kitchen')
    assert case.stops[-1].data  # no text takes it back
    _, status = case.values('texts', lambda values: values['stop latched'] == '1')
    assert status.level == b'\x01' and 'reset_stop' in status.message
    assert case.reset().message == 'the stop is taken back'
    case.peer.wait_for(lambda: not case.stops[-1].data, 'reset')
    assert case.reset().message == 'there was no stop'


def test_text_that_is_still_being_written(case):
    del case.completions[:], case.commands[:]
    case.say('bring me the c', partial=True)
    offered = case.peer.wait_for(lambda: case.completions, 'completions')[0]
    assert offered.prefix == 'bring me the c' and offered.words[0] == 'cup'
    assert list(offered.probabilities) == sorted(offered.probabilities, reverse=True)
    assert not case.commands
    case.say('bring me the cu STOP', partial=True)
    case.peer.wait_for(lambda: case.stops[-1].data, 'stop')
    case.reset()
    case.peer.wait_for(lambda: not case.stops[-1].data, 'reset')


def test_a_flood_is_counted_and_stop_gets_through(case):
    before, _ = case.values('texts', lambda values: True)
    del case.commands[:]
    for number in range(1000):
        case.say('bring me the cup from the hall' if number != 500 else 'stop')
    case.peer.wait_for(lambda: case.stops[-1].data, 'stop')
    total = int(before['texts since startup']) + 1000
    values, _ = case.values('texts', lambda values: int(values['texts since startup']) == total)
    names = [name for name in values if name.endswith(' since startup')
             and name.split()[0] in ('ok', 'stop', 'stale', 'ood_perplexity', 'low_confidence',
                                     'small_margin')]

    def settled(found):
        grown = sum(int(found[name]) - int(before[name]) for name in names)
        dropped = int(found['texts dropped by the node since startup']) - int(
            before['texts dropped by the node since startup'])
        return grown + dropped == 1000 and dropped > 0
    case.values('texts', settled)
    assert case.reset().success
    assert case.ask('go to the hall').accepted


def test_a_stop_at_the_end_of_a_thousand_texts_in_a_second(case):
    """In time: a text is too old to move the robot after two seconds."""
    began = time.monotonic()
    for number in range(1000):
        case.say('bring me the cup from the hall' if number < 999 else 'stop')
        time.sleep(max(0.0, began + 0.001 * (number + 1) - time.monotonic()))
    said = time.monotonic()
    case.peer.wait_for(lambda: case.stops[-1].data, 'stop')
    assert time.monotonic() - said < 2.0
    assert case.reset().success
    case.peer.wait_for(lambda: not case.stops[-1].data, 'reset')


def test_the_shipped_model_is_the_default(start_node, peer):
    shipped = CommandCase(start_node, peer, 'shipped')
    peer.wait_for(lambda: peer.state('/shipped') == 'active', 'active\n' + shipped.node.log())
    answer = shipped.ask('please bring me the cup from the kitchen')
    assert answer.accepted and answer.model == 'eru_commands'
    assert {slot.role: slot.value for slot in answer.slots} == {
        'object': 'cup', 'place': 'kitchen'}


def test_diagnostics(case):
    case.ask('go to the hall')
    model, status = case.values('model', lambda values: 'sha256' in values)
    assert len(model['sha256']) == 64 and model['lifecycle state'] == 'active'
    assert status.level == b'\x00'
    latency, _ = case.values('latency', lambda values: 'intent p95 (ms)' in values)
    assert {'stop p99 (ms)', 'completion p95 (ms)', 'text to command p95 (ms)'} <= set(latency)


def test_without_a_model_stop_works_and_commands_are_refused(without_model):
    assert without_model.ask('go to the kitchen').reason == 'not_ready'
    assert without_model.ask('STOOOP').reason == 'stop'
    without_model.peer.wait_for(lambda: without_model.stops[-1].data, 'stop')
    assert not without_model.peer.change_state('/mute', 'configure')
    assert "no command model at 'nowhere'" in without_model.node.log()
    assert without_model.ask('halt').accepted


def test_a_broken_grammar_leaves_the_last_resort(start_node, peer, tmp_path):
    (tmp_path / 'broken.yaml').write_text('intents: [')
    broken = CommandCase(start_node, peer, 'broken', grammar=tmp_path, autostart=False)
    assert broken.ask('please stop').reason == 'stop'
    assert 'only stop and halt stop' in broken.node.log()


def test_the_life_cycle(case):
    assert case.peer.change_state('/command', 'deactivate')
    assert case.ask('go to the hall').reason == 'not_ready'
    assert case.ask('stop').reason == 'stop'
    case.reset()
    assert case.peer.change_state('/command', 'cleanup')
    assert case.peer.change_state('/command', 'configure')
    assert case.peer.change_state('/command', 'activate')
    assert case.ask('go to the hall').accepted
    assert case.node.stop() == 0
