# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What every perception node shares: parameters, pipeline, intake, services and diagnostics."""

from typing import Any, Dict, List

from diagnostic_msgs.msg import DiagnosticArray
from espnet_msgs.msg import Legend
from espnet_perception.errors import PerceptionError, SettingsError
from espnet_perception.model_card import CARD_FILE
from espnet_perception.nodes import conversions, qos
from espnet_perception.nodes.autostart import Autostart
from espnet_perception.nodes.diagnostics import (
    collect,
    Context,
    FramesTask,
    InputTask,
    LatencyTask,
    ModelTask,
    Task,
)
from espnet_perception.nodes.intake import Intake, Steps
from espnet_perception.nodes.managed_node import ManagedNode
from espnet_perception.nodes.monitor import FrameMonitor
from espnet_perception.nodes.parameters import Parameters
from espnet_perception.nodes.progress import ProgressLog
from espnet_perception.settings import NodeSettings
from espnet_perception.telemetry.hardware import hardware_id
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger


class PerceptionNode(ManagedNode, Steps):
    """
    A managed node that runs one pipeline on the frames of one camera.

    A node derives from it and fills in ``open_pipeline``, ``create_outputs`` and the steps
    ``infer``, ``publish`` and ``publish_extras``.

    :param name: name of the node.
    :param settings_type: what the node has beside NodeSettings; ``model`` is among it.
    :param pipeline_type: settings of its pipeline.
    """

    def __init__(self, name: str, settings_type: Any, pipeline_type: Any) -> None:
        ManagedNode.__init__(self, name)
        self.pipeline: Any = None
        self.frame_id = ''
        self.outdated = False  # what is latched has to be published again
        self._settings_type, self._pipeline_type = settings_type, pipeline_type
        self._outputs: Dict[str, Any] = {}
        self.parameters = Parameters(self, (settings_type, NodeSettings, pipeline_type))
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
    def settings(self) -> NodeSettings:
        """Present settings that every node has."""
        return self.parameters.get(NodeSettings)

    @property
    def own_settings(self) -> Any:
        """Present settings that only this node has."""
        return self.parameters.get(self._settings_type)

    def open_pipeline(self, model: str, engine: str, settings: Any) -> Any:
        """
        Return an open pipeline.

        :param model: name or path of the model.
        :param engine: name of the engine.
        :param settings: settings of the pipeline.
        """
        raise NotImplementedError

    def create_outputs(self) -> None:
        """Create the publishers with ``add_output``."""
        raise NotImplementedError

    def tasks(self) -> List[Task]:
        """Return further rows of the diagnostics."""
        return []

    def announce(self) -> None:
        """Publish what the class ids mean; the model or the camera's frame_id has changed."""
        card, now_ns = self.pipeline.card, self.now_ns()
        self.send('legend', conversions.to_legend(card, now_ns, self.frame_id))
        if conversions.LabelInfo is not None:
            self.send('label_info', conversions.to_label_info(card, now_ns, self.frame_id,
                                                              self.pipeline.threshold))

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
        self.add_output('legend', Legend, latched=True)
        if conversions.LabelInfo is not None:
            self.add_output('label_info', conversions.LabelInfo, latched=True)
        self.add_output('overlay', Image)
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

    def overlay_wanted(self) -> bool:
        """Return whether the picture for people is switched on and somebody subscribes to it."""
        return self.settings.publish_overlay and self.wanted('overlay')

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
        model, engine = self.own_settings.model, self.settings.engine
        if not model:
            raise SettingsError("parameter 'model' is empty and this node has no default; give "
                                'model:= the path of a directory with {} or of a released .pth '
                                "file, or a name of 'espnet-perception weights list'".format(
                                    CARD_FILE))
        with ProgressLog(self.get_logger().info, 'loading {} for engine {}'.format(model, engine)):
            return self.open_pipeline(model, engine, self.parameters.get(self._pipeline_type))

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
                       InputTask(self._seen)] + self.tasks()
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
