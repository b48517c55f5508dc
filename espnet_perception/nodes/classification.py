# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The node ``classification``: camera images in, what they show out."""

from typing import Any, Dict, List, Optional

from espnet_msgs.msg import ClassScores
from espnet_perception.frame import Frame
from espnet_perception.nodes import conversions
from espnet_perception.nodes.diagnostics import ClassesTask, Task
from espnet_perception.nodes.perception_node import PerceptionNode
from espnet_perception.nodes.running import run
from espnet_perception.pipeline import BuildListener, Classifier, create_classifier
from espnet_perception.pipeline.overlay import score_bars
from espnet_perception.results import Classification
from espnet_perception.settings import ClassificationNodeSettings, ClassifierSettings

CHANGEABLE = ('top_k', 'score_threshold', 'smoothing_frames')


class ClassificationNode(PerceptionNode):
    """Publishes the best classes of every frame, and on demand an overlay."""

    def __init__(self) -> None:
        self._latest: Optional[Classification] = None
        PerceptionNode.__init__(self, 'classification', ClassificationNodeSettings,
                                ClassifierSettings)

    def open_pipeline(self, model: str, engine: str, settings: ClassifierSettings,
                      listener: BuildListener) -> Classifier:
        """Open a classifier."""
        self._latest = None
        return create_classifier(model, engine, settings, listener)

    def create_outputs(self) -> None:
        """Create one publisher per output."""
        self.add_output('classes', ClassScores)
        if conversions.VisionClassification is not None:
            self.add_output('classification', conversions.VisionClassification)

    def tasks(self) -> List[Task]:
        """Return the rows of the diagnostics; one tells the best class."""
        return PerceptionNode.tasks(self) + [ClassesTask(lambda: self._latest)]

    def settings_changed(self, values: Dict[str, Any]) -> None:
        """Let new settings take effect with the next frame."""
        PerceptionNode.settings_changed(self, values)
        changed = {name: values[name] for name in CHANGEABLE if name in values}
        if changed and self.pipeline is not None:
            self.pipeline.change(changed)
            self.outdated = self.outdated or 'score_threshold' in changed

    def infer(self, frame: Frame) -> Classification:
        """Say what the frame shows."""
        return self.pipeline.follow(frame)

    def publish(self, frame: Frame, result: Classification) -> None:
        """Publish the best classes."""
        self._latest = result
        self.send('classes', conversions.to_class_scores(frame, self.pipeline.card.name, result))

    def publish_extras(self, frame: Frame, result: Classification) -> None:
        """Publish the classes for users of vision_msgs, and the overlay if somebody looks."""
        self.note_frame_id(frame.frame_id)
        if conversions.VisionClassification is not None:
            self.send('classification', conversions.to_classification(frame, result))
        if self.overlay_wanted():
            pictured = score_bars(frame.image_bgr, result.names, result.scores)
            self.send('overlay', conversions.to_image(frame, pictured))


def main(args: Optional[List[str]] = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line, with --ros-args; None takes that of the process.
    :return: exit status.
    """
    return run(ClassificationNode, args)
