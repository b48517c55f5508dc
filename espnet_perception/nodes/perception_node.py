# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What every perception node shares: parameters, pipeline, intake, services and diagnostics."""

from typing import Any, Dict, Sequence

from diagnostic_msgs.msg import DiagnosticArray
from espnet_perception.errors import PerceptionError, SettingsError
from espnet_perception.nodes import conversions, qos
from espnet_perception.nodes.autostart import Autostart
from espnet_perception.nodes.diagnostics import (
    collect,
    Context,
    FramesTask,
    InputTask,
    LatencyTask,
    ModelTask,
)
from espnet_perception.nodes.intake import Intake, Steps
from espnet_perception.nodes.managed_node import ManagedNode
from espnet_perception.nodes.monitor import FrameMonitor
from espnet_perception.nodes.parameters import Parameters
from espnet_perception.nodes.progress import ProgressLog
from espnet_perception.telemetry.hardware import hardware_id
from std_srvs.srv import SetBool, Trigger


class PerceptionNode(ManagedNode, Steps):
    """
    A managed node that runs one pipeline on the frames of one camera.

    A node derives from it and fills in ``open_pipeline``, ``create_outputs``, ``announce`` and
    the steps ``infer``, ``publish`` and ``publish_extras``.

    :param name: name of the node.
    :param settings_type: settings of the node itself.
    :param other_types: more settings classes whose fields become parameters.
    """

    def __init__(self, name: str, settings_type: Any, other_types: Sequence[Any]) -> None:
        ManagedNode.__init__(self, name)
        self.pipeline: Any = None
        self.frame_id = ''
        self.outdated = False  # what is latched has to be published again
        self._settings_type = settings_type
        self._outputs: Dict[str, Any] = {}
        self.parameters = Parameters(self, (settings_type,) + tuple(other_types))
        self.parameters.on_change(self.settings_changed)
        self.monitor = FrameMonitor(self.settings.latency_window)
        self.intake = Intake(self, self, self.monitor)
        self.settings_changed(self.settings._asdict())
        self.create_service(SetBool, '~/enable', self._on_enable)
        self.create_service(Trigger, '~/reload', self._on_reload,
                            callback_group=self.slow_group)
        self._create_diagnostics()
        for sentence in self.parameters.unknown:
            self.get_logger().warning(sentence + '; the parameter is ignored')
        if self.settings.autostart:
            Autostart(self, self.slow_group)

    @property
    def settings(self) -> Any:
        """Present settings of the node itself."""
        return self.parameters.get(self._settings_type)

    def open_pipeline(self) -> Any:
        """Return a pipeline for the present settings."""
        raise NotImplementedError

    def create_outputs(self) -> None:
        """Create the publishers with ``add_output``."""
        raise NotImplementedError

    def announce(self) -> None:
        """Publish what is latched; called when the model or the camera's frame_id changes."""
        raise NotImplementedError

    def settings_changed(self, values: Dict[str, Any]) -> None:
        """
        Let new settings take effect.

        :param values: setting name to new value.
        :raises SettingsError: a value cannot be used now.
        """
        if 'max_rate_hz' in values:
            self.intake.rate_limit.highest_hz = values['max_rate_hz']

    def configure(self) -> None:
        """Open the pipeline and create the publishers."""
        if self.parameters.problems:
            raise SettingsError('; '.join(self.parameters.problems.values()))
        self.pipeline = self._load()
        self.create_outputs()

    def activate(self) -> None:
        """Say what the model's classes are, and listen to the camera."""
        self.pipeline.warm_up()
        self.announce()
        self.intake.start(self.settings.image_transport)
        self.get_logger().info('active: {} on {}'.format(
            ', '.join('{} {}'.format(key, value) for key, value
                      in sorted(self.pipeline.describe().items())), self.intake.topic))

    def deactivate(self) -> None:
        """Stop listening."""
        self.intake.stop()

    def release(self) -> None:
        """Stop listening, free the engine and take the publishers away."""
        self.intake.stop()
        outputs, self._outputs = self._outputs, {}
        for publisher in outputs.values():
            self.destroy_lifecycle_publisher(publisher)
        pipeline, self.pipeline = self.pipeline, None
        if pipeline is not None:
            pipeline.close()

    def add_output(self, topic: str, message_type: Any, latched: bool = False) -> None:
        """
        Create a publisher.

        :param topic: name below the node's own name, as mask for ~/mask.
        :param message_type: type of its messages.
        :param latched: late subscribers get the last message.
        """
        self._outputs[topic] = self.create_lifecycle_publisher(
            message_type, '~/' + topic, qos.latched() if latched else qos.reliable(),
            qos_overriding_options=qos.overridable())

    def send(self, topic: str, message: Any) -> None:
        """
        Publish.

        :param topic: as given to ``add_output``.
        :param message: the message.
        """
        self._outputs[topic].publish(message)

    def wanted(self, topic: str) -> bool:
        """
        Return whether somebody subscribes to an output.

        :param topic: as given to ``add_output``.
        """
        return self._outputs[topic].get_subscription_count() > 0

    def now_ns(self) -> int:
        """Node clock in nanoseconds."""
        return self.get_clock().now().nanoseconds

    def note_frame_id(self, frame_id: str) -> None:
        """
        Announce anew when frames come from another frame of reference, or a setting changed.

        :param frame_id: that of the frame in work.
        """
        if frame_id != self.frame_id or self.outdated:
            self.frame_id, self.outdated = frame_id, False
            self.announce()

    def _load(self) -> Any:
        what = 'loading {} for engine {}'.format(self.settings.model, self.settings.engine)
        with ProgressLog(self.get_logger().info, what):
            return self.open_pipeline()

    def _on_enable(self, request: Any, response: Any) -> Any:
        self.intake.enabled = conversions.asked(request)
        return conversions.answer(response, True, 'frames are {}'.format(
            'processed' if self.intake.enabled else 'ignored'))

    def _on_reload(self, _request: Any, response: Any) -> Any:
        """Load the model again; the old one works on until the new one is ready."""
        if self.pipeline is None:
            return conversions.answer(response, False, 'nothing to reload: configure the node')
        with self.slow_lock:
            try:
                fresh = self._load()
                fresh.warm_up()
            except PerceptionError as error:
                self.get_logger().error('cannot reload, the old model stays: {}'.format(error))
                return conversions.answer(response, False, str(error))
            with self.intake.lock:
                old, self.pipeline = self.pipeline, fresh
            old.close()
            self.announce()
        return conversions.answer(response, True, 'loaded ' + fresh.card.name)

    def _create_diagnostics(self) -> None:
        self._hardware_id = hardware_id()
        self._seen_now: Any = None
        self._tasks = [FramesTask(self._seen, self.monitor, self.intake.stamps),
                       LatencyTask(self._seen, self.monitor), ModelTask(self._seen),
                       InputTask(self._seen)]
        self._diagnostics_publisher = self.create_publisher(
            DiagnosticArray, '/diagnostics', qos.reliable(10))
        self.create_timer(self.settings.diagnostics_period_s, self._on_diagnostics)

    def _seen(self) -> Context:
        return self._seen_now

    def _on_diagnostics(self) -> None:
        now_ns, topic, pipeline = self.now_ns(), self.intake.topic, self.pipeline
        self._seen_now = Context(
            now_ns, self.state, self.settings, self.failure,
            pipeline.describe() if pipeline else {}, topic,
            self.count_publishers(topic) if topic else 0, self.intake.age_s(now_ns))
        self._diagnostics_publisher.publish(conversions.to_diagnostics(
            now_ns, self._hardware_id,
            collect(self.get_fully_qualified_name().lstrip('/'), self._tasks)))
