# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Images out of bags: ROS 2 (sqlite3, mcap; folders and bare files) and ROS 1.

    with open_bag('drive_1') as bag:
        topic = bag.choose_topic()
        for message in bag.messages(topic):
            message.stamp_ns, message.decode()

Only the two image types are ever deserialised, with definitions that are the same in every ROS
distribution, so bags full of foreign message types are no trouble.
"""

from contextlib import contextmanager
from pathlib import Path
import re
import struct
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from espnet_perception.errors import BagError, ImageError
from espnet_perception.evaluation.salvage import salvage_file, Salvaged
from espnet_perception.pipeline.decoding import decode_compressed, decode_image
import numpy as np
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag1 import ReaderError as ReaderError1
from rosbags.rosbag2 import Reader as Reader2
from rosbags.rosbag2 import ReaderError as ReaderError2
from rosbags.typesys import get_typestore, Stores

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)
STORAGE_SUFFIXES = ('.mcap', '.db3')
# Last parts of topic names that carry class ids or derived pictures, never a camera.
NOT_A_CAMERA = ('labels', 'mask', 'confidence', 'color_mask', 'overlay')
# What the foreign readers raise on damaged files besides their own errors.
DAMAGE = (ReaderError1, ReaderError2, ValueError, AssertionError, EOFError, struct.error,
          KeyError, IndexError, TypeError)


class Topic(NamedTuple):
    """
    A topic of a bag.

    :param name: full topic name.
    :param message_type: such as sensor_msgs/msg/Image.
    :param count: number of messages.
    """

    name: str
    message_type: str
    count: int


class BagMessage:
    """
    One image message of a bag, deserialised when it is first looked into.

    :param topic: where it was recorded.
    :param index: position among the messages of the topic, from 0.
    :param recorded_ns: time at which it was recorded, nanoseconds.
    :param raw: the serialised message.
    :param ros1: raw is in the ROS 1 format.
    """

    def __init__(self, topic: Topic, index: int, recorded_ns: int, raw: bytes,
                 ros1: bool) -> None:
        self.topic = topic
        self.index = index
        self.recorded_ns = recorded_ns
        self._raw = raw
        self._ros1 = ros1
        self._fields = None

    @property
    def fields(self) -> Any:
        """
        Return the deserialised message.

        :raises ImageError: the bytes are no such message.
        """
        if self._fields is None:
            store = _typestore(self._ros1)
            deserialise = store.deserialize_ros1 if self._ros1 else store.deserialize_cdr
            try:
                self._fields = deserialise(self._raw, self.topic.message_type)
            except Exception as error:  # the generated decoder raises whatever the bytes provoke
                raise ImageError('message {} of {} is damaged: {}'.format(
                    self.index, self.topic.name, ' '.join(str(error).split()) or 'not readable'))
        return self._fields

    @property
    def stamp_ns(self) -> int:
        """
        Return the camera's stamp in nanoseconds.

        :raises ImageError: the bytes are no such message.
        """
        stamp = self.fields.header.stamp
        return stamp.sec * 1_000_000_000 + stamp.nanosec

    def decode(self) -> np.ndarray:
        """
        Decode the pixels, with the same code as the node.

        :return: (H, W, 3) uint8, blue first.
        :raises ImageError: damaged or in an unknown encoding.
        """
        fields = self.fields
        if self.topic.message_type == COMPRESSED_IMAGE:
            return decode_compressed(fields.data)
        return decode_image(fields.encoding, fields.height, fields.width, fields.step,
                            bool(fields.is_bigendian), fields.data)

    def cdr(self, stamp_ns: int) -> bytes:
        """
        Return the message as ROS 2 sends it.

        :param stamp_ns: the stamp that it shall carry, nanoseconds.
        """
        raw = self._raw
        if self._ros1:
            raw = _typestore(False).ros1_to_cdr(raw, self.topic.message_type)
        if stamp_ns == self.stamp_ns:
            return bytes(raw)
        patched = bytearray(raw)
        order = '<' if patched[1] & 1 else '>'  # second byte of CDR: the byte order
        struct.pack_into(order + 'iI', patched, 4, *divmod(stamp_ns, 1_000_000_000))
        return bytes(patched)


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
        index = 0
        try:
            for source in self._sources:
                connections = [entry for entry in source.connections
                               if (entry.topic, entry.msgtype) == topic[:2]]
                if not connections:
                    continue
                for _, recorded_ns, raw in source.messages(connections):
                    yield BagMessage(topic, index, recorded_ns, raw, isinstance(source, Reader1))
                    index += 1
        except Exception as error:
            if not _is_damage(error):
                raise
            self._note('{} is damaged after image {} of {} on {}: {}'.format(
                self.path, index, topic.count, topic.name, _words(error)))

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
        sources, notes = _open_sources(location)
        yield Bag(location, sources, notes)
    finally:
        for source in sources:
            source.close()


def _open_sources(location: Path) -> Tuple[List[Any], List[str]]:
    if location.is_file() and location.suffix == '.bag':
        return [_open_ros1(location)], []
    if location.is_file() and location.suffix not in STORAGE_SUFFIXES:
        raise BagError('{} is not a bag; expected a folder with metadata.yaml, or a .mcap, .db3 '
                       'or .bag file'.format(location))
    reason = None
    if location.is_file() or (location / 'metadata.yaml').exists():
        reader, reason = _try_reader(location)
        if reader is not None:
            return [reader], []
    return _open_files(location, reason)


def _open_files(location: Path, reason: Optional[str]) -> Tuple[List[Any], List[str]]:
    """Open the storage files one by one: no metadata, or some of them damaged."""
    files = [location] if location.is_file() else _storage_files(location)
    if not files:
        raise BagError('{} cannot be read: {}'.format(
            location, reason or 'a folder with neither metadata.yaml nor .mcap nor .db3 files'))
    notes = [] if reason or location.is_file() else [
        '{} has no metadata.yaml; its files were read one by one'.format(location)]
    sources = []
    for file in files:
        reader, damage = _try_reader(file)
        if reader is None:
            reader = _salvage(file, damage, sources)
            notes.append('{} is damaged ({}); only what comes before the damage was read'.format(
                file, damage))
        sources.append(reader)
    return sources, notes


def _salvage(file: Path, damage: str, opened: Sequence[Any]) -> Salvaged:
    salvaged = salvage_file(file)
    if salvaged is None:
        for source in opened:
            source.close()
        raise BagError('{} is damaged and nothing in it can be read: {}'.format(file, damage))
    return salvaged


def _storage_files(folder: Path) -> List[Path]:
    files = [file for file in folder.iterdir() if file.suffix in STORAGE_SUFFIXES]
    return sorted(files, key=lambda file: [int(part) if part.isdigit() else part
                                           for part in re.split(r'(\d+)', file.name)])


def _try_reader(location: Path) -> Tuple[Optional[Reader2], Optional[str]]:
    try:
        reader = Reader2(location)
        reader.open()
        return reader, None
    except Exception as error:
        if not _is_damage(error) and not isinstance(error, OSError):
            raise
        return None, _words(error)


def _open_ros1(location: Path) -> Reader1:
    try:
        reader = Reader1(location)
        reader.open()
        return reader
    except Exception as error:
        if not _is_damage(error) and not isinstance(error, OSError):
            raise
        raise BagError("{} cannot be read: {} If it was cut off while recording, 'rosbag reindex' "
                       'mends it.'.format(location, _words(error)))


def _is_damage(error: Exception) -> bool:
    """Tell damage of a file from a mistake of ours; sqlite's errors come from two libraries."""
    return isinstance(error, DAMAGE) or type(error).__module__ in ('apsw', 'sqlite3', 'zlib',
                                                                   'backports.zstd', '_zstd')


def _words(error: Exception) -> str:
    return ' '.join(str(error).split()) or type(error).__name__


def _typestore(ros1: bool) -> Any:
    if ros1 not in _TYPESTORES:
        _TYPESTORES[ros1] = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE)
    return _TYPESTORES[ros1]


_TYPESTORES = {}
