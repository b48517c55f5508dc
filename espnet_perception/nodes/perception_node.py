# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the nodes of cameras share: pipeline, intake, services and diagnostics of frames."""

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional

from espnet_msgs.msg import Legend
from espnet_perception.errors import PerceptionError, SettingsError
from espnet_perception.model_card import CARD_FILE
from espnet_perception.nodes import conversions
from espnet_perception.nodes.diagnostics import (
    Context,
    FramesTask,
    InputTask,
    LatencyTask,
    ModelTask,
    Task,
)
from espnet_perception.nodes.intake import Intake, Steps
from espnet_perception.nodes.monitor import FrameMonitor
from espnet_perception.nodes.progress import ProgressLog
from espnet_perception.nodes.reporting_node import ReportingNode
from espnet_perception.pipeline import BuildListener
from espnet_perception.settings import NodeSettings
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger


class PerceptionNode(ReportingNode, Steps):
    """
    A managed node that runs one pipeline on the frames of one camera.

    A node derives from it and fills in ``open_pipeline``, ``create_outputs`` and the steps
    ``infer``, ``publish`` and ``publish_extras``.

    :param name: name of the node.
    :param settings_type: what the node has beside NodeSettings; ``model`` is among it.
    :param pipeline_type: settings of its pipeline.
    """

    def __init__(self, name: str, settings_type: Any, pipeline_type: Any) -> None:
        ReportingNode.__init__(self, name, (NodeSettings, settings_type, pipeline_type))
        self.pipeline: Any = None
        self.progress: Optional[ProgressLog] = None  # of what is being loaded
        self.frame_id = ''
        self.outdated = False  # what is latched has to be published again
        self._settings_type, self._pipeline_type = settings_type, pipeline_type
        self.parameters.on_change(self.settings_changed)
        self.monitor = FrameMonitor(self.settings.latency_window)
        self.intake = Intake(self, self, self.monitor)
        self.settings_changed(self.settings._asdict())
        self.create_service(SetBool, '~/enable', self._on_enable)
        self.create_service(Trigger, '~/reload', self._on_reload,
                            callback_group=self.slow_group)
        self.report_and_start()

    @property
    def own_settings(self) -> Any:
        """Present settings that only this node has."""
        return self.parameters.get(self._settings_type)

    def open_pipeline(self, model: str, engine: str, settings: Any,
                      listener: BuildListener) -> Any:
        """
        Return an open pipeline.

        :param model: name or path of the model.
        :param engine: name of the engine.
        :param settings: settings of the pipeline.
        :param listener: who is told what is going on.
        """
        raise NotImplementedError

    def create_outputs(self) -> None:
        """Create the publishers with ``add_output``."""
        raise NotImplementedError

    def tasks(self) -> List[Task]:
        """Return the rows of the diagnostics; a node may add to them."""
        return [FramesTask(self.seen, self.monitor, self.intake.stamps),
                LatencyTask(self.seen, self.monitor), ModelTask(self.seen), InputTask(self.seen)]

    def look(self, now_ns: int) -> Context:
        """Return what there is to see of the model and the camera."""
        topic, pipeline, progress = self.intake.topic, self.pipeline, self.progress
        return Context(now_ns, self.state, self.settings, self.failure,
                       pipeline.describe() if pipeline else {}, topic,
                       self.count_publishers(topic) if topic else 0, self.intake.age_s(now_ns),
                       progress.now() if progress else None)

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
        self.refuse_wrong_parameters()
        self.pipeline = self._load()
        self.add_output('legend', Legend, latched=True)
        if conversions.LabelInfo is not None:
            self.add_output('label_info', conversions.LabelInfo, latched=True)
        self.add_output('overlay', Image)
        self.create_outputs()

    def activate(self) -> None:
        """Say what the model's classes are, and listen to the camera."""
        with self._reporting('warming up'):
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
        self.remove_outputs()
        pipeline, self.pipeline = self.pipeline, None
        if pipeline is not None:
            pipeline.close()

    def overlay_wanted(self) -> bool:
        """Return whether the picture for people is switched on and somebody subscribes to it."""
        return self.settings.publish_overlay and self.wanted('overlay')

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
        with self._reporting('loading {} for engine {}'.format(model, engine)) as progress:
            listener = BuildListener(self.get_logger().warning, stage=progress.stage)
            return self.open_pipeline(model, engine, self.parameters.get(self._pipeline_type),
                                      listener)

    @contextmanager
    def _reporting(self, what: str) -> Iterator[ProgressLog]:
        """Let log and diagnostics tell what is going on."""
        with ProgressLog(self.get_logger().info, what) as progress:
            self.progress = progress
            try:
                yield progress
            finally:
                self.progress = None

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
