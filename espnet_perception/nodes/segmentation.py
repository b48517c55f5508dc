# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The node ``segmentation``: camera images in, the class of every pixel out."""

from typing import Any, Dict, List, Optional

from espnet_perception.frame import Frame
from espnet_perception.nodes import conversions, qos
from espnet_perception.nodes.perception_node import PerceptionNode
from espnet_perception.nodes.running import run
from espnet_perception.pipeline import BuildListener, create_segmenter, Segmenter
from espnet_perception.pipeline.overlay import colour_mask, overlay
from espnet_perception.pipeline.preprocess import resize_antialiased, resize_nearest
from espnet_perception.results import Segmentation
from espnet_perception.settings import SegmentationNodeSettings, SegmenterSettings
import numpy as np
from sensor_msgs.msg import CameraInfo, Image


class SegmentationNode(PerceptionNode):
    """Publishes mask, confidence, legend, and on demand overlay and colour mask."""

    def __init__(self) -> None:
        PerceptionNode.__init__(self, 'segmentation', SegmentationNodeSettings, SegmenterSettings)
        self._camera_info: Optional[CameraInfo] = None
        self.create_subscription(CameraInfo, 'camera_info', self._on_camera_info,
                                 qos.newest_frame(), qos_overriding_options=qos.overridable())

    def open_pipeline(self, model: str, engine: str, settings: SegmenterSettings,
                      listener: BuildListener) -> Segmenter:
        """Open a segmenter."""
        return create_segmenter(model, engine, settings, listener)

    def create_outputs(self) -> None:
        """Create one publisher per output."""
        for topic in ('mask', 'confidence', 'color_mask'):
            self.add_output(topic, Image)
        self.add_output('camera_info', CameraInfo)

    def settings_changed(self, values: Dict[str, Any]) -> None:
        """Let new settings take effect with the next frame."""
        PerceptionNode.settings_changed(self, values)
        if 'confidence_threshold' in values and self.pipeline is not None:
            self.pipeline.set_confidence_threshold(values['confidence_threshold'])
            self.outdated = True

    def infer(self, frame: Frame) -> Segmentation:
        """Label the frame."""
        return self.pipeline.segment(frame.image_bgr)

    def publish(self, frame: Frame, result: Segmentation) -> None:
        """Publish the mask."""
        self.send('mask', conversions.to_image(frame, self._sized(result.labels, result)))

    def publish_extras(self, frame: Frame, result: Segmentation) -> None:
        """Publish what somebody subscribes to, and the camera of a resized mask."""
        self.note_frame_id(frame.frame_id)
        settings, palette = self.own_settings, self.pipeline.card.palette
        if settings.publish_confidence and result.confidence is not None \
                and self.wanted('confidence'):
            confidence = self._sized(result.confidence, result)
            self.send('confidence', conversions.to_image(frame, confidence))
        if settings.publish_color_mask and self.wanted('color_mask'):
            colours = colour_mask(self._sized(result.labels, result), palette)
            self.send('color_mask', conversions.to_image(frame, colours))
        if self.overlay_wanted():
            labels = self._sized(result.labels, result)
            blended = overlay(resize_antialiased(frame.image_bgr, labels.shape), labels, palette,
                              settings.overlay_opacity)
            self.send('overlay', conversions.to_image(frame, blended))
        if settings.mask_size == 'network' and self._camera_info is not None:
            self.send('camera_info', conversions.scale_camera_info(
                self._camera_info, frame, result.network_labels.shape))

    def _sized(self, plane: np.ndarray, result: Segmentation) -> np.ndarray:
        """Return labels or confidence at the size that is published."""
        if self.own_settings.mask_size == 'image':
            return plane
        return resize_nearest(plane, result.network_labels.shape)

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._camera_info = message


def main(args: Optional[List[str]] = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line, with --ros-args; None takes that of the process.
    :return: exit status.
    """
    return run(SegmentationNode, args)
