# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Facts that travel inside an exported file: the card, the classes, the preprocessing, the graph.

They are read from an ONNX file without the package onnx and without PyTorch, so that such a file
is all that a robot needs beside one runtime.
"""

import io
import json
import sys
from typing import BinaryIO, Callable, Dict, NamedTuple, Tuple
from xml.etree import ElementTree

from espnet_perception import __version__, model_card
from espnet_perception.errors import ModelError
from espnet_perception.model_card import ModelCard

SECTION = 'espnet_perception'  # of the runtime information inside OpenVINO's files
METADATA_FIELD = 14  # of onnx.ModelProto
VARINT, EIGHT_BYTES, COUNTED, FOUR_BYTES = 0, 1, 2, 5  # wire types of protobuf
PIXELS, PLANES = 'pixels', 'planes'


class GraphFacts(NamedTuple):
    """
    What an exported graph takes and gives.

    :param size: (H, W) in pixels.
    :param batch: images at once.
    :param takes: PIXELS, (N, H, W, 3) BGR 0..255; or PLANES, (N, 3, H, W) normalised float32 in
        the channel order of the card.
    :param product: labels, labels+confidence or logits (class scores).
    :param bytes_known: pixels and labels are uint8; else float32 and int32, for TensorRT.
    :param precision: fp32, fp16 or int8, of the computation in between.
    """

    size: Tuple[int, int]
    batch: int = 1
    takes: str = PLANES
    product: str = 'logits'
    bytes_known: bool = True
    precision: str = 'fp32'


def describe(card: ModelCard, facts: GraphFacts) -> Dict[str, str]:
    """
    Return what is written into a file.

    :param card: of the model; its input size becomes that of the graph.
    :param facts: of the graph.
    :return: name to JSON text.
    """
    height, width = facts.size
    card = card._replace(input_width=width, input_height=height)
    sections = {
        'card': model_card.to_dict(card),
        'classes': list(card.classes),
        'preprocessing': {
            'resize': card.resize, 'crop_ratio': card.crop_ratio, 'width': width,
            'height': height, 'channel_order': 'bgr' if facts.takes == PIXELS
            else card.channel_order, 'mean': list(card.mean), 'std': list(card.std),
            'normalised_by': 'the graph' if facts.takes == PIXELS else 'the caller'},
        'graph': dict(facts._asdict(), size=list(facts.size)),
        'versions': versions(),
    }
    return {name: json.dumps(section) for name, section in sections.items()}


def versions() -> Dict[str, str]:
    """Return the versions of this package and of the libraries that are loaded for an export."""
    loaded = {name: getattr(sys.modules.get(name), '__version__', '')
              for name in ('torch', 'onnx', 'openvino')}
    found = {'espnet_perception': __version__, 'python': '{}.{}.{}'.format(*sys.version_info[:3])}
    found.update((name, str(version)) for name, version in loaded.items() if version)
    return found


def read_onnx(path: str) -> Tuple[ModelCard, GraphFacts]:
    """
    Read the facts of an exported ONNX file.

    :param path: the file.
    :raises ModelError: it cannot be read, is cut short, or was not exported by this package.
    """
    return _read(path, _metadata, 'ONNX')


def read_openvino(path: str) -> Tuple[ModelCard, GraphFacts]:
    """
    Read the facts of an exported OpenVINO file.

    :param path: the description, NAME.xml.
    :raises ModelError: it cannot be read, is cut short, or was not exported by this package.
    """
    return _read(path, _runtime_information, 'OpenVINO')


def _read(path: str, texts_of: Callable[[BinaryIO], Dict[str, str]], kind: str
          ) -> Tuple[ModelCard, GraphFacts]:
    try:
        with open(path, 'rb') as stream:
            texts = texts_of(stream)
        card = model_card.from_dict(json.loads(texts['card']))
        facts = json.loads(texts['graph'])
        return card, GraphFacts(**dict(facts, size=tuple(facts['size'])))
    except OSError as error:
        raise ModelError('cannot read {}: {}'.format(path, error.strerror or error))
    except EOFError:
        raise ModelError('{} is damaged or no {} file: it ends too early; export it again'
                         .format(path, kind))
    except (KeyError, TypeError, ValueError):
        raise ModelError('{} holds no card of this package; make it with `espnet-perception '
                         'export MODEL --labels`'.format(path))


def _runtime_information(stream: BinaryIO) -> Dict[str, str]:
    """Return what OpenVINO's description holds of this package; the layers are skipped."""
    inside, found = False, {}
    try:
        for event, element in ElementTree.iterparse(stream, ('start', 'end')):
            if element.tag == SECTION:
                if event == 'end':
                    return found
                inside = True
            elif inside and event == 'end':
                found[element.tag] = element.get('value', '')
            elif event == 'end':
                element.clear()
    except ElementTree.ParseError:
        raise EOFError
    return found


def _metadata(stream: BinaryIO) -> Dict[str, str]:
    """Return metadata_props of an ONNX file; the weights are skipped, not read."""
    stream.seek(0, 2)
    end = stream.tell()
    stream.seek(0)
    found = {}
    while stream.tell() < end:
        field, wire = divmod(_varint(stream), 8)
        if wire == COUNTED and field == METADATA_FIELD:
            entry = _entry(_exactly(stream, _varint(stream)))
            found[entry.get(1, '')] = entry.get(2, '')
        else:
            _skip(stream, wire, end)
    return found


def _entry(content: bytes) -> Dict[int, str]:
    """Return the strings of a StringStringEntryProto by field number: 1 key, 2 value."""
    stream, fields = io.BytesIO(content), {}
    while stream.tell() < len(content):
        field, _wire = divmod(_varint(stream), 8)
        fields[field] = _exactly(stream, _varint(stream)).decode('utf-8')
    return fields


def _skip(stream: BinaryIO, wire: int, end: int) -> None:
    if wire == VARINT:
        _varint(stream)
        return
    lengths = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
    length = _varint(stream) if wire == COUNTED else lengths.get(wire)
    if length is None or stream.tell() + length > end:
        raise EOFError
    stream.seek(length, 1)


def _varint(stream: BinaryIO) -> int:
    value = shift = 0
    while True:
        byte = _exactly(stream, 1)[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value
        if shift > 63:
            raise EOFError


def _exactly(stream: BinaryIO, count: int) -> bytes:
    content = stream.read(count)
    if len(content) != count:
        raise EOFError
    return content
