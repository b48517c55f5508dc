# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""From camera messages to results: the newest frame wins, and a worker thread does the work."""

import threading
import traceback
from typing import Any, Optional

from espnet_perception.errors import ImageError, PerceptionError
from espnet_perception.frame import Frame
from espnet_perception.nodes import conversions, qos
from espnet_perception.nodes.frame_mailbox import Worker
from espnet_perception.nodes.monitor import FrameMonitor, Moments
from espnet_perception.nodes.rate_limit import RateLimit
from espnet_perception.nodes.stamps import StampTracker
from espnet_perception.telemetry.clock import monotonic_ns
from rclpy.node import Node

WARN_EVERY_S = 5.0
INPUT_TOPICS = {'raw': 'image', 'compressed': 'image/compressed'}


class Steps:
    """What a node does with a frame; it inherits from this and fills in all three."""

    def infer(self, frame: Frame) -> Any:
        """
        Return the pipeline's result, which has ``times``.

        :param frame: the frame.
        """
        raise NotImplementedError

    def publish(self, frame: Frame, result: Any) -> None:
        """
        Publish the main output at once.

        :param frame: the frame.
        :param result: what ``infer`` returned.
        """
        raise NotImplementedError

    def publish_extras(self, frame: Frame, result: Any) -> None:
        """
        Publish what may come a little later.

        :param frame: the frame.
        :param result: what ``infer`` returned.
        """
        raise NotImplementedError


class Intake:
    """
    Listens to the camera while it is started.

    :param node: the node; its clock tells how old a frame is.
    :param steps: what is done with each frame.
    :param monitor: counts.
    """

    def __init__(self, node: Node, steps: Steps, monitor: FrameMonitor) -> None:
        self.stamps = StampTracker()
        self.rate_limit = RateLimit()
        self.enabled = True
        self._newest_ns = 0
        self.lock = threading.Lock()  # held while a frame is in work
        self._node = node
        self._steps = steps
        self._monitor = monitor
        self._worker = None
        self._subscription = None

    @property
    def topic(self) -> str:
        """Return the resolved name of the topic; empty where nobody listens."""
        return self._subscription.topic_name if self._subscription else ''

    def start(self, transport: str) -> None:
        """
        Subscribe.

        :param transport: raw or compressed.
        """
        self.stamps.restart()
        self._newest_ns = self._now_ns()
        self._worker = Worker('frames', self._on_item)
        self._worker.start()
        self._subscription = self._node.create_subscription(
            conversions.IMAGE_TYPES[transport], INPUT_TOPICS[transport], self._on_image,
            qos.newest_frame(), qos_overriding_options=qos.overridable())

    def stop(self) -> None:
        """
        Unsubscribe and finish the frame in work. Stopping twice is fine.

        :raises PerceptionError: the frame in work is not finished in time.
        """
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._node.destroy_subscription(subscription)
        worker, self._worker = self._worker, None
        if worker is not None:
            self._monitor.count('dropped', worker.stop())

    def age_s(self, now_ns: int) -> Optional[float]:
        """
        Return how long ago the newest frame arrived or, if none has, the intake was started.

        :param now_ns: node clock; it may have jumped back, or have been 0 until now.
        :return: seconds; None where nobody listens.
        """
        if self._subscription is None:
            return None
        self._newest_ns = self._newest_ns or now_ns
        return max(0, now_ns - self._newest_ns) / 1e9

    def _on_image(self, message: Any) -> None:
        """Leave the newest message to the worker; the executor never waits for the network."""
        received_ns = monotonic_ns()
        worker = self._worker
        if worker is None:
            return
        self._monitor.count('received')
        self._newest_ns = self._now_ns()
        if not self.stamps.add(conversions.stamp_ns(message)):
            self._node.get_logger().warning(
                'the stamp of a frame is not later than that of the frame before; the frame is '
                'used, check the clock of the camera', throttle_duration_sec=WARN_EVERY_S)
        if not self.enabled or not self.rate_limit.allows(received_ns):
            self._monitor.count('skipped')
        elif worker.mailbox.put((message, received_ns)):
            self._monitor.count('dropped')

    def _on_item(self, item: Any) -> None:
        """Work on one message; whatever goes wrong, the next one gets its turn."""
        log = self._node.get_logger()
        try:
            with self.lock:
                self._work(*item)
            self._monitor.count('published')
        except ImageError as error:
            self._monitor.count('rejected')
            self._monitor.last_rejection = str(error)
            log.warning('frame rejected: {}'.format(error), throttle_duration_sec=WARN_EVERY_S)
        except PerceptionError as error:
            self._monitor.count('failed')
            log.error('frame failed: {}'.format(error), throttle_duration_sec=WARN_EVERY_S)
        except Exception:
            self._monitor.count('failed')
            log.error('frame failed unexpectedly:\n' + traceback.format_exc(),
                      throttle_duration_sec=WARN_EVERY_S)

    def _work(self, message: Any, received_ns: int) -> None:
        taken_ns = monotonic_ns()
        frame = conversions.to_frame(message)
        decoded_ns = monotonic_ns()
        result = self._steps.infer(frame)
        inferred_ns = monotonic_ns()
        self._steps.publish(frame, result)
        moments = Moments(received_ns, taken_ns, decoded_ns, inferred_ns, monotonic_ns())
        stamp_age_ns = self._now_ns() - frame.stamp_ns
        self._steps.publish_extras(frame, result)
        self._monitor.add_moments(moments, result.times, stamp_age_ns)

    def _now_ns(self) -> int:
        return self._node.get_clock().now().nanoseconds
