# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The ROS side of a live replay: plays images to a running node and collects what it answers.

Everything lives in an rclpy context of its own, so that a program may open one player after the
other.
"""

from collections import deque
from itertools import count
import os
import queue
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from diagnostic_msgs.msg import DiagnosticArray
from espnet_msgs.msg import ClassScores, Legend, PowerReading
from espnet_perception.errors import PerceptionError
from espnet_perception.nodes import conversions, qos
from espnet_perception.telemetry.clock import monotonic_ns
import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CompressedImage, Image

ERROR = 2
NUMBERS = count()  # of the players of this process
POLL_S = 0.02
# Answers wait here while the program is busy with one of them.
DEPTH = 50
# A mask whose confidence has not come after that time goes without it.
CONFIDENCE_PATIENCE_NS = 300 * 10 ** 6


class Returned(NamedTuple):
    """
    What came back for a frame.

    :param stamp_ns: its stamp, that of the frame.
    :param received_ns: monotonic time of its arrival.
    :param labels: (H, W) uint8 class ids; None of a classification node.
    :param confidence: mean confidence or highest probability, 0..1; None where it is not known.
    :param ranking: class ids (k,) int32 and their scores (k,) float32, best first, of a
        classification node; else None.
    """

    stamp_ns: int
    received_ns: int
    labels: Optional[np.ndarray] = None
    confidence: Optional[float] = None
    ranking: Optional[Tuple[np.ndarray, np.ndarray]] = None


class BagPlayer:
    """
    Plays images to a node and collects its masks or classes, legend and diagnostics.

    :param node_name: full name of the node, as /segmentation.
    :param diagnostics_topic: where its diagnostics are.
    :param with_confidence: collect the confidence of every mask as well.
    """

    def __init__(self, node_name: str, diagnostics_topic: str = '/diagnostics',
                 with_confidence: bool = False) -> None:
        self.node_name = '/' + node_name.strip('/')
        self.legend = None  # type: Optional[Tuple[Any, ...]]
        self._context = Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('bag_player_{}_{}'.format(os.getpid(), next(NUMBERS)),
                                       context=self._context)
        self._answers = queue.Queue()  # type: queue.Queue
        self._with_confidence = with_confidence
        self._waiting = None  # type: Optional[Returned]  # for its confidence
        self._news = threading.Condition()
        self._diagnostics = {}  # type: Dict[str, Tuple[int, str, Dict[str, str]]]
        self._diagnostics_count = 0
        self._publisher = None  # type: Any
        self._powers = deque()  # type: deque
        self._subscribe(diagnostics_topic, with_confidence)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name='player', daemon=True)
        self._thread.start()

    def wait_until_ready(self, compressed: bool, timeout_s: float,
                         check: Callable[[], None] = lambda: None) -> None:
        """
        Wait until the node is active and every connection with it stands.

        :param compressed: images of the bag are compressed.
        :param timeout_s: longest wait.
        :param check: called now and then; raises when waiting has become useless.
        :raises PerceptionError: not ready in time, or the node says why it never will be.
        """
        deadline_ns = monotonic_ns() + int(timeout_s * 1e9)
        while True:
            missing = self._missing(compressed)
            if not missing:
                return
            if monotonic_ns() > deadline_ns:
                raise PerceptionError('{} was not ready within {:g} s: {}'.format(
                    self.node_name, timeout_s, missing))
            check()
            time.sleep(POLL_S)

    def publish(self, cdr: bytes) -> None:
        """
        Send one image.

        :param cdr: the serialised message.
        """
        self._publisher.publish(cdr)

    def next_answer(self, timeout_s: float) -> Optional[Returned]:
        """
        Wait for the next mask or classes.

        :param timeout_s: longest wait.
        :return: what came; None when none came in time.
        """
        try:
            return self._answers.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            with self._news:
                waiting = self._waiting
                if waiting and monotonic_ns() - waiting.received_ns > CONFIDENCE_PATIENCE_NS:
                    self._waiting = None
                    return waiting
            return None

    def values(self, task: str, timeout_s: float = 0.0) -> Dict[str, str]:
        """
        Return the values of one task of the node's diagnostics.

        :param task: as frames.
        :param timeout_s: longest wait for new diagnostics; 0 takes the latest.
        :return: value by key; empty where there are none yet.
        :raises PerceptionError: no new ones in time.
        """
        with self._news:
            seen = self._diagnostics_count
            if timeout_s and not self._news.wait_for(
                    lambda: self._diagnostics_count > seen, timeout_s):
                raise PerceptionError('no diagnostics of {} within {:g} s; has it ended?'.format(
                    self.node_name, timeout_s))
            return dict(self._status(task)[2])

    def follow_power(self) -> str:
        """
        Listen to a power node, if there is one.

        :return: the topic that is listened to; empty where nobody publishes power.
        """
        kind = 'espnet_msgs/msg/PowerReading'
        for topic, kinds in sorted(self._node.get_topic_names_and_types()):
            if kind in kinds and self._node.count_publishers(topic):
                self._node.create_subscription(PowerReading, topic, self._on_power,
                                               qos.reliable(DEPTH))
                return topic
        return ''

    def powers(self) -> List[Tuple[int, float, Optional[float], Tuple[str, ...]]]:
        """
        Return what the power node has told since the last call, in order.

        :return: monotonic time of arrival in nanoseconds, then as ``from_power_reading``.
        """
        return [self._powers.popleft() for _number in range(len(self._powers))]

    def close(self) -> None:
        """Leave ROS. Closing twice is fine."""
        if not self._context.ok():
            return
        self._executor.shutdown()
        self._context.try_shutdown()
        self._thread.join(timeout=5.0)
        self._node.destroy_node()

    def __enter__(self) -> 'BagPlayer':
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.close()

    def _subscribe(self, diagnostics_topic: str, with_confidence: bool) -> None:
        create = self._node.create_subscription
        # Which node it is shows in which of these topics it publishes on.
        self._subscriptions = [
            create(Image, self.node_name + '/mask', self._on_mask, qos.reliable(DEPTH)),
            create(ClassScores, self.node_name + '/classes', self._on_classes,
                   qos.reliable(DEPTH))]
        if with_confidence:
            create(Image, self.node_name + '/confidence', self._on_confidence,
                   qos.reliable(DEPTH))
        create(Legend, self.node_name + '/legend', self._on_legend, qos.latched())
        create(DiagnosticArray, diagnostics_topic, self._on_diagnostics, qos.reliable(DEPTH))

    def _missing(self, compressed: bool) -> str:
        """Say what is not there yet, and take the steps that can be taken."""
        with self._news:
            level, sentence, values = self._status('model')
            topic = self._status('input')[2].get('topic', '')
        if level == ERROR:
            raise PerceptionError('{}: {}'.format(self.node_name, sentence))
        if values.get('lifecycle state') != 'active' or not topic:
            return 'it is {}'.format(values.get('lifecycle state', 'not there or silent'))
        if self.legend is None:
            return 'no legend came'
        if not any(_publisher_count(self._node, one) for one in self._subscriptions):
            return 'nobody publishes {0}/mask or {0}/classes'.format(self.node_name)
        if self._publisher is None:
            kind = CompressedImage if compressed else Image
            self._publisher = self._node.create_publisher(kind, topic, qos.reliable(10))
        if not self._publisher.get_subscription_count():
            return 'it does not listen on {} for {}'.format(
                topic, 'CompressedImage' if compressed else 'Image')
        return ''

    def _status(self, task: str) -> Tuple[int, str, Dict[str, str]]:
        return self._diagnostics.get('{}: {}'.format(self.node_name[1:], task), (0, '', {}))

    def _on_mask(self, message: Image) -> None:
        received_ns = monotonic_ns()
        stamp_ns, labels = conversions.to_labels(message)
        returned = Returned(stamp_ns, received_ns, labels)
        if not self._with_confidence:
            self._answers.put(returned)
            return
        with self._news:
            if self._waiting:
                self._answers.put(self._waiting)
            self._waiting = returned

    def _on_classes(self, message: ClassScores) -> None:
        received_ns = monotonic_ns()
        stamp_ns, ids, scores = conversions.from_class_scores(message)
        highest = float(scores[0]) if scores.size else None
        self._answers.put(Returned(stamp_ns, received_ns, None, highest, (ids, scores)))

    def _on_confidence(self, message: Image) -> None:
        """Let the mask of the same frame go; the node publishes the mask first."""
        stamp_ns, confidence = conversions.to_labels(message)
        with self._news:
            waiting = self._waiting
            if waiting and waiting.stamp_ns == stamp_ns:
                self._answers.put(waiting._replace(confidence=float(confidence.mean()) / 255))
                self._waiting = None

    def _on_power(self, message: PowerReading) -> None:
        self._powers.append((monotonic_ns(),) + conversions.from_power_reading(message))

    def _on_legend(self, message: Legend) -> None:
        self.legend = conversions.from_legend(message)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        statuses = conversions.from_diagnostics(message)
        if '{}: frames'.format(self.node_name[1:]) not in statuses:
            return  # another node's
        with self._news:
            self._diagnostics.update(statuses)
            self._diagnostics_count += 1
            self._news.notify_all()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass


def _publisher_count(node: Any, subscription: Any) -> int:
    """Return how many publishers a subscription is connected with."""
    if hasattr(subscription, 'get_publisher_count'):
        return subscription.get_publisher_count()
    return node.count_publishers(subscription.topic_name)  # Humble and Iron
