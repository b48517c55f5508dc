# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Reads what comes before the damage of a truncated mcap or sqlite3 file.

A recorder that lost its power or its disk leaves such files: the mcap lacks its footer, the
database some of its last pages.
"""

from pathlib import Path
import sqlite3
import struct
from typing import BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple
import zlib

import lz4.frame

try:
    from compression import zstd
except ImportError:  # Python < 3.14
    from backports import zstd

MCAP_MAGIC = b'\x89MCAP0\r\n'
SCHEMA, CHANNEL, MESSAGE, CHUNK = 3, 4, 5, 6


class SalvagedConnection(NamedTuple):
    """
    A topic of a damaged file; the names are those of the readers of whole files.

    :param id: id in the file.
    :param topic: topic name.
    :param msgtype: message type.
    :param msgcount: messages before the damage.
    """

    id: int  # noqa: A003
    topic: str
    msgtype: str
    msgcount: int


RawMessage = Tuple[SalvagedConnection, int, bytes]


class Salvaged:
    """
    A damaged file, readable up to the damage.

    :param path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections = []  # type: List[SalvagedConnection]

    def messages(self, connections: Sequence[SalvagedConnection]) -> Iterator[RawMessage]:
        """
        Read messages in the order of the file.

        :param connections: the topics wanted.
        :return: (connection, time of recording in ns, serialised message) triples.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Release the file; nothing is held open between calls."""

    def _count(self, topics: Dict[int, Tuple[str, str]], topic_ids: Iterator[int]) -> None:
        counts = dict.fromkeys(topics, 0)
        for topic_id in topic_ids:
            if topic_id in counts:
                counts[topic_id] += 1
        self.connections = [SalvagedConnection(topic_id, name, message_type, counts[topic_id])
                            for topic_id, (name, message_type) in topics.items()]


def salvage_file(path: Path) -> Optional[Salvaged]:
    """
    Open a damaged file.

    :param path: a .mcap or .db3 file.
    :return: the file up to its damage, or None where not even one message can be read.
    """
    salvaged = {'.mcap': SalvagedMcap, '.db3': SalvagedSqlite}[path.suffix](path)
    whole = any(connection.msgcount for connection in salvaged.connections)
    return salvaged if whole else None


class SalvagedSqlite(Salvaged):
    """
    A damaged sqlite3 bag.

    Rows are read in the order in which they were written, so those before the damage come out.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        rows = list(self._rows('SELECT id, name, type FROM topics'))
        topics = {topic_id: (name, message_type) for topic_id, name, message_type in rows}
        # the blob is read as well: its pages may be missing though the row is there
        self._count(topics, (topic_id for topic_id, _ in self._rows(
            'SELECT topic_id, data FROM messages ORDER BY id')))

    def messages(self, connections: Sequence[SalvagedConnection]) -> Iterator[RawMessage]:
        """
        Read messages in the order of the file.

        :param connections: the topics wanted.
        :return: (connection, time of recording in ns, serialised message) triples.
        """
        wanted = {connection.id: connection for connection in connections}
        for topic_id, recorded_ns, raw in self._rows(
                'SELECT topic_id, timestamp, data FROM messages ORDER BY id'):
            if topic_id in wanted:
                yield wanted[topic_id], recorded_ns, raw

    def _rows(self, query: str) -> Iterator[tuple]:
        """Yield the rows of a query up to the first that cannot be read."""
        try:
            database = sqlite3.connect('file:{}?immutable=1'.format(self.path), uri=True)
        except sqlite3.Error:
            return
        try:
            # Else sqlite refuses a file with fewer pages than its header says.
            database.execute('PRAGMA writable_schema=ON')
            yield from database.execute(query)
        except sqlite3.Error:
            return
        finally:
            database.close()


class SalvagedMcap(Salvaged):
    """A damaged mcap file, read record by record without its index."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._schemas = {}  # type: Dict[int, str]
        self._topics = {}  # type: Dict[int, Tuple[str, str]]
        message_ids = [struct.unpack_from('<H', content)[0] for content in self._contents()]
        self._count(self._topics, iter(message_ids))

    def messages(self, connections: Sequence[SalvagedConnection]) -> Iterator[RawMessage]:
        """
        Read messages in the order of the file.

        :param connections: the topics wanted.
        :return: (connection, time of recording in ns, serialised message) triples.
        """
        wanted = {connection.id: connection for connection in connections}
        for content in self._contents():
            channel_id, _, recorded_ns, _ = struct.unpack_from('<HIQQ', content)
            if channel_id in wanted:
                yield wanted[channel_id], recorded_ns, content[22:]

    def _contents(self) -> Iterator[bytes]:
        """Yield the content of every whole message record, noting channels on the way."""
        with open(self.path, 'rb') as stream:
            if stream.read(len(MCAP_MAGIC)) != MCAP_MAGIC:
                return
            for code, content in _records(stream, self.path.stat().st_size):
                inner = _unpack_chunk(content) if code == CHUNK else [(code, content)]
                for inner_code, inner_content in inner:
                    if inner_code == MESSAGE:
                        yield inner_content
                    else:
                        self._note(inner_code, inner_content)

    def _note(self, code: int, content: bytes) -> None:
        if code == SCHEMA:
            (schema_id,) = struct.unpack_from('<H', content)
            self._schemas[schema_id] = _string(content, 2)[0]
        elif code == CHANNEL:
            channel_id, schema_id = struct.unpack_from('<HH', content)
            self._topics[channel_id] = (_string(content, 4)[0], self._schemas.get(schema_id, ''))


def _records(stream: BinaryIO, size: int) -> Iterator[Tuple[int, bytes]]:
    """Yield (code, content) of the whole records of so many bytes, and of a torn last chunk."""
    while True:
        head = stream.read(9)
        if len(head) < 9:
            return
        code, length = struct.unpack('<BQ', head)
        torn = stream.tell() + length > size
        if not torn or code == CHUNK:
            yield code, stream.read(size if torn else length)
        if torn:
            return


def _unpack_chunk(content: bytes) -> List[Tuple[int, bytes]]:
    """Return the whole records of a chunk; none if it is damaged, or torn and compressed."""
    try:
        _, _, size, checksum = struct.unpack_from('<QQQI', content)
        compression, position = _string(content, 28)
        (packed_size,) = struct.unpack_from('<Q', content, position)
        packed = content[position + 8:]
        torn = len(packed) < packed_size
        if torn and compression:
            return []
        unpacked = {'': bytes, 'zstd': zstd.decompress,
                    'lz4': lz4.frame.decompress}[compression](packed)
    except (struct.error, KeyError, RuntimeError, ValueError, zstd.ZstdError):
        return []
    if not torn and (len(unpacked) != size or (checksum and zlib.crc32(unpacked) != checksum)):
        return []
    records, position = [], 0
    while position + 9 <= len(unpacked):
        code, length = struct.unpack_from('<BQ', unpacked, position)
        if position + 9 + length > len(unpacked):
            break
        records.append((code, unpacked[position + 9:position + 9 + length]))
        position += 9 + length
    return records


def _string(content: bytes, position: int) -> Tuple[str, int]:
    """Return the string at a position and the position behind it."""
    (length,) = struct.unpack_from('<I', content, position)
    end = position + 4 + length
    return content[position + 4:end].decode('utf-8', 'replace'), end
