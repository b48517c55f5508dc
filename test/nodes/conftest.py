# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Nodes in processes of their own, and a peer that talks to them over real DDS."""

import os
import signal
import subprocess
import sys
import time

import pytest

# Before any message package is imported: it looks at this once.
os.environ['ROS_PYTHON_CHECK_FIELDS'] = '1'
# Before any participant is made: tests of several checkouts may run at the same time.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

DEADLINE_S = 60.0
RUN_NODE = 'from espnet_perception.nodes.{} import main; raise SystemExit(main())'


@pytest.fixture(scope='session')
def ros():
    """Skip where ROS or our messages are absent; return the domain of this test session."""
    pytest.importorskip('rclpy', reason='needs ROS 2: run `make setup` or source ROS 2')
    pytest.importorskip('espnet_msgs.msg', reason='needs a sourced workspace with espnet_msgs')
    return 1 + os.getpid() % 100


class NodeProcess:
    """A node in a process of its own."""

    def __init__(self, log_path, domain, repository, arguments):
        environment = dict(os.environ, ROS_DOMAIN_ID=str(domain), OMP_NUM_THREADS='1',
                           PYTHONPATH=os.pathsep.join([str(repository),
                                                       os.environ.get('PYTHONPATH', '')]))
        self.log_path = log_path
        with open(log_path, 'w') as log:
            self.process = subprocess.Popen(
                [sys.executable, '-c'] + arguments, stdout=log,
                stderr=subprocess.STDOUT, env=environment)

    def log(self):
        """Everything that the node has logged."""
        return self.log_path.read_text()

    def stop(self, *signals):
        """Send signals (SIGINT if none is given) and return the exit status."""
        for number in signals or (signal.SIGINT,):
            if self.process.poll() is None:
                self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


@pytest.fixture(scope='module')
def start_program(ros, repository, tmp_path_factory):
    """Start programs that end with the module; given are the text and its arguments."""
    running = []

    def start(*arguments):
        log_path = tmp_path_factory.mktemp('node') / 'log.txt'
        running.append(NodeProcess(log_path, ros, repository, list(arguments)))
        return running[-1]

    yield start
    for node in running:
        if node.process.poll() is None:
            node.stop()


@pytest.fixture(scope='module')
def start_node(start_program):
    """Start nodes that end with the module; parameters are given as keywords."""
    def start(*remaps, node='segmentation', **parameters):
        arguments = [RUN_NODE.format(node), '--ros-args']
        arguments += [part for remap in remaps for part in ('-r', remap)]
        for name, value in parameters.items():
            arguments += ['-p', f'{name}:={value}']
        return start_program(*arguments)
    return start


class Peer:
    """A ROS node in the test process: publishes, collects, calls, and waits for conditions."""

    def __init__(self, domain):
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node('peer', context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)

    def close(self):
        """Leave the graph."""
        import rclpy
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def wait_for(self, condition, what, deadline_s=DEADLINE_S):
        """Spin until the condition returns something true, and return that."""
        end_s = time.monotonic() + deadline_s
        while time.monotonic() < end_s:
            value = condition()
            if value:
                return value
            self._executor.spin_once(timeout_sec=0.05)
        raise AssertionError(f'no {what} within {deadline_s:g} s')

    def collect(self, message_type, topic, qos=10):
        """Subscribe and return the growing list of messages."""
        messages = []
        self.node.create_subscription(message_type, topic, messages.append, qos)
        return messages

    def publisher(self, message_type, topic):
        """Return a publisher that somebody has subscribed to."""
        publisher = self.node.create_publisher(message_type, topic, 10)
        self.wait_for(lambda: publisher.get_subscription_count() > 0, f'subscriber of {topic}')
        return publisher

    def call(self, service_type, name, **fields):
        """Call a service and return its response."""
        client = self.node.create_client(service_type, name)
        self.wait_for(client.service_is_ready, f'service {name}')
        future = client.call_async(service_type.Request(**fields))
        response = self.wait_for(lambda: future.done() and future.result(), f'answer of {name}')
        self.node.destroy_client(client)
        return response

    def state(self, node_name):
        """Return the label of a node's lifecycle state."""
        from lifecycle_msgs.srv import GetState
        return self.call(GetState, f'{node_name}/get_state').current_state.label

    def change_state(self, node_name, label):
        """Ask for a transition and return whether it was done."""
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState
        transition = Transition(id=getattr(Transition, f'TRANSITION_{label.upper()}'))
        return self.call(ChangeState, f'{node_name}/change_state', transition=transition).success

    def set_parameter(self, node_name, name, value):
        """Set a parameter and return (successful, reason)."""
        from rcl_interfaces.srv import SetParameters
        from rclpy.parameter import Parameter
        response = self.call(SetParameters, f'{node_name}/set_parameters',
                             parameters=[Parameter(name, value=value).to_parameter_msg()])
        return response.results[0].successful, response.results[0].reason


@pytest.fixture(scope='module')
def peer(ros):
    """Return a peer on the domain of the nodes."""
    made = Peer(ros)
    yield made
    made.close()
