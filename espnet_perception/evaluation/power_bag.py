# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages of the power node out of bags: what the robot drew while it was recorded."""

import math
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from espnet_perception.evaluation.bags import Bag
from espnet_perception.evaluation.messages import Topic
from espnet_perception.evaluation.power_trace import power_figures, PowerRow
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

POWER_READING = 'espnet_msgs/msg/PowerReading'
PARTS = ('PowerReading', 'PowerRail', 'FrameEnergy')


class RecordedPower(NamedTuple):
    """
    What the power node said while the bag was recorded.

    :param topic: where.
    :param rows: what the machine drew, over time.
    :param rails: names of the rails that its total is the sum of.
    :param frame_energies_mj: millijoules for a frame of each node, the mean of what was told.
    """

    topic: str
    rows: List[PowerRow]
    rails: Tuple[str, ...]
    frame_energies_mj: Dict[str, float]

    def figures(self) -> Dict[str, Any]:
        """Return plain values for the report."""
        return dict(power_figures(self.rows) or {}, topic=self.topic, rails=list(self.rails),
                    frame_energies_mj=self.frame_energies_mj)


def power_topic(bag: Bag) -> Optional[Topic]:
    """
    Return the topic of the power node; None where the bag has none.

    :param bag: the open bag.
    """
    return next((topic for topic in bag.topics
                 if topic.message_type == POWER_READING and topic.count), None)


def recorded_power(bag: Bag) -> Optional[RecordedPower]:
    """
    Read what the power node said; damage and unknown definitions become notes of the bag.

    :param bag: the open bag.
    :return: None where it holds no such topic, or none that can be read.
    """
    topic = power_topic(bag)
    if topic is None:
        return None
    rows, rails = [], ()  # type: List[PowerRow], Tuple[str, ...]
    costs = {}  # type: Dict[str, List[float]]
    before_ns = None  # type: Optional[int]
    for recorded_ns, message in _messages(bag, topic):
        elapsed_s = message.period_s if before_ns is None else (recorded_ns - before_ns) / 1e9
        before_ns = recorded_ns
        known = not math.isnan(message.total_mw)
        measured_s = min(message.period_s, elapsed_s) if known else 0.0
        rows.append(PowerRow(recorded_ns, elapsed_s, measured_s,
                             message.total_mw * measured_s if known else 0.0))
        rails = tuple(message.total_rails) or rails
        for cost in message.frame_energies:
            if not math.isnan(cost.energy_per_frame_mj):
                costs.setdefault(cost.node, []).append(cost.energy_per_frame_mj)
    if not rows:
        return None
    return RecordedPower(topic.name, rows, rails,
                         {node: sum(values) / len(values) for node, values in costs.items()})


def _messages(bag: Bag, topic: Topic) -> Iterator[Tuple[int, Any]]:
    store = get_typestore(Stores.ROS2_HUMBLE)
    text = bag.definition(topic) or _own_definition()
    if not text:
        bag.notes.append('{} holds no definition of its messages, as bags of Humble do, so power '
                         'is not shown; source the workspace with espnet_msgs'.format(topic.name))
        return
    store.register({name: fields for name, fields in get_types_from_msg(
        text, POWER_READING).items() if name not in store.fielddefs})
    for recorded_ns, raw in bag.raw(topic):
        try:
            yield recorded_ns, store.deserialize_cdr(raw, POWER_READING)
        except Exception as error:  # the generated decoder raises whatever the bytes provoke
            bag.notes.append('{} cannot be read: {}; power is shown up to there'.format(
                topic.name, ' '.join(str(error).split()) or 'damaged message'))
            return


def _own_definition() -> str:
    """Return the definition as bags hold it, out of espnet_msgs; empty where that is absent."""
    folders = [Path(__file__).resolve().parents[2] / 'espnet_msgs']
    folders += [Path(prefix) / 'share/espnet_msgs'
                for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if prefix]
    for folder in folders:
        paths = [folder / 'msg' / (name + '.msg') for name in PARTS]
        if all(path.is_file() for path in paths):
            texts = [path.read_text(encoding='utf-8') for path in paths]
            return texts[0] + ''.join(
                '\n{}\nMSG: espnet_msgs/{}\n{}'.format('=' * 80, name, text)
                for name, text in zip(PARTS[1:], texts[1:]))
    return ''
