# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Images out of bags: ROS 2 (sqlite3, mcap; folders and bare files) and ROS 1.

    with open_bag('drive_1') as bag:
        topic = bag.choose_topic()
        for message in bag.messages(topic):
            message.stamp_ns, message.decode()
"""

from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List, Sequence, Tuple

from espnet_perception.errors import BagError
from espnet_perception.evaluation.bag_files import is_damage, open_sources, words
from espnet_perception.evaluation.messages import BagMessage, IMAGE_TYPES, Topic
from rosbags.rosbag1 import Reader as Reader1

# Last parts of topic names that carry class ids or derived pictures, never a camera.
NOT_A_CAMERA = ('labels', 'mask', 'confidence', 'color_mask', 'overlay')


class Bag:
    """
    An open bag; made by ``open_bag``.

    :param path: where it lies.
    :param sources: open readers, in the order of recording.
    :param notes: sentences on what could not be read.
    """

    def __init__(self, path: Path, sources: Sequence[Any], notes: List[str]) -> None:
        self.path = path
        self.notes = notes
        self._sources = sources

    @property
    def name(self) -> str:
        """Name of the bag: that of its folder, or of its file without the suffix."""
        return self.path.resolve().name if self.path.is_dir() else self.path.stem

    @property
    def topics(self) -> List[Topic]:
        """All topics, by name."""
        found = {}
        for source in self._sources:
            for connection in source.connections:
                key = (connection.topic, connection.msgtype)
                found[key] = found.get(key, 0) + connection.msgcount
        return [Topic(name, message_type, count)
                for (name, message_type), count in sorted(found.items())]

    def choose_topic(self, name: str = '', exclude: Sequence[str] = ()) -> Topic:
        """
        Choose the topic with the camera's images.

        :param name: its name; empty: the only one there is.
        :param exclude: topics that are not meant.
        :raises BagError: no such topic, no images, or more than one topic with images.
        """
        images = [topic for topic in self.topics if topic.message_type in IMAGE_TYPES]
        if name:
            return self._named(name, images)
        cameras = [topic for topic in images if topic.count and topic.name not in exclude
                   and topic.name.rsplit('/', 1)[-1] not in NOT_A_CAMERA]
        names = [topic.name for topic in cameras]
        cameras = [topic for topic in cameras  # the same camera, raw and compressed: take raw
                   if not (topic.name.endswith('/compressed') and topic.name[:-11] in names)]
        if not cameras:
            raise BagError('{} holds no camera images; its topics are: {}'.format(
                self.path, self._listed(self.topics)))
        if len(cameras) > 1:
            raise BagError('{} holds more than one topic with images; choose one with --topic: {}'
                           .format(self.path, self._listed(cameras)))
        return cameras[0]

    def messages(self, topic: Topic) -> Iterator[BagMessage]:
        """
        Read the messages of an image topic in the order of recording.

        Damage ends the reading with a note in ``notes``.

        :param topic: the topic.
        """
        for index, (recorded_ns, raw, ros1) in enumerate(self._read(topic)):
            yield BagMessage(topic, index, recorded_ns, raw, ros1)

    def raw(self, topic: Topic) -> Iterator[Tuple[int, bytes]]:
        """
        Read the messages of any topic of a ROS 2 bag in the order of recording.

        Damage ends the reading with a note in ``notes``.

        :param topic: the topic.
        :return: time of recording in nanoseconds and serialised message of each.
        """
        for recorded_ns, raw, _ros1 in self._read(topic):
            yield recorded_ns, raw

    def definition(self, topic: Topic) -> str:
        """
        Return the definition of the messages of a topic, as the bag holds it; else empty.

        :param topic: the topic.
        """
        for source in self._sources:
            for connection in self._connections(source, topic):
                text = getattr(getattr(connection, 'msgdef', None), 'data', '')
                if text:
                    return text
        return ''

    def _read(self, topic: Topic) -> Iterator[Tuple[int, bytes, bool]]:
        """Yield time of recording, serialised message, and whether that is of ROS 1."""
        count = 0
        try:
            for source in self._sources:
                connections = self._connections(source, topic)
                if not connections:
                    continue
                for _, recorded_ns, raw in source.messages(connections):
                    yield recorded_ns, raw, isinstance(source, Reader1)
                    count += 1
        except Exception as error:
            if not is_damage(error):
                raise
            self._note('{} is damaged after {} {} of {} on {}: {}'.format(
                self.path, 'image' if topic.message_type in IMAGE_TYPES else 'message', count,
                topic.count, topic.name, words(error)))

    @staticmethod
    def _connections(source: Any, topic: Topic) -> List[Any]:
        return [entry for entry in source.connections
                if (entry.topic, entry.msgtype) == topic[:2]]

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _named(self, name: str, images: Sequence[Topic]) -> Topic:
        wanted = name if name.startswith('/') else '/' + name
        for topic in images:
            if topic.name in (name, wanted):
                if not topic.count:
                    raise BagError('{} of {} holds no messages'.format(topic.name, self.path))
                return topic
        for topic in self.topics:
            if topic.name in (name, wanted):
                raise BagError('{} of {} is a {}, expected {}'.format(
                    topic.name, self.path, topic.message_type, ' or '.join(IMAGE_TYPES)))
        raise BagError("{} has no topic '{}'; its topics are: {}".format(
            self.path, name, self._listed(self.topics)))

    @staticmethod
    def _listed(topics: Sequence[Topic]) -> str:
        return ', '.join('{} ({}, {} messages)'.format(*topic) for topic in topics) or 'none'


@contextmanager
def open_bag(path: str) -> Iterator[Bag]:
    """
    Open a bag for reading.

    :param path: a ROS 2 bag (folder, .mcap or .db3 file) or a ROS 1 .bag file. Of a truncated
        mcap or sqlite3 file what comes before the damage is read; ``Bag.notes`` says so.
    :return: context manager that gives a ``Bag``.
    :raises BagError: not a bag, or nothing in it can be read.
    """
    location = Path(path)
    if not location.exists():
        raise BagError('there is no bag at {}; give a folder with metadata.yaml, or a .mcap, .db3 '
                       'or .bag file'.format(location))
    sources, notes = [], []
    try:
        sources, notes = open_sources(location)
        yield Bag(location, sources, notes)
    finally:
        for source in sources:
            source.close()
