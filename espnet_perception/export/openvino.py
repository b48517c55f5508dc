# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""From an ONNX graph to OpenVINO's own files."""

import os
from typing import Dict
import uuid

from espnet_perception.export.metadata import SECTION
import openvino


def convert(onnx_path: str, texts: Dict[str, str], path: str) -> None:
    """
    Write a graph as NAME.xml and NAME.bin; constants keep their type.

    The weights take their place first, so that a description never stands without them.

    :param onnx_path: file of the graph.
    :param texts: name to JSON text, written into the description.
    :param path: the description, NAME.xml.
    :raises OSError: it cannot be written.
    """
    write(openvino.convert_model(onnx_path), texts, path)


def write(model: openvino.Model, texts: Dict[str, str], path: str) -> None:
    """
    Write a model as NAME.xml and NAME.bin, with its metadata; see convert.

    :param model: it gets the metadata.
    :param texts: name to JSON text.
    :param path: the description, NAME.xml.
    :raises OSError: it cannot be written.
    """
    for name, text in texts.items():
        model.set_rt_info(text, [SECTION, name])
    stem = os.path.splitext(path)[0]
    part_stem = '{}.{}'.format(stem, uuid.uuid4().hex)
    try:
        openvino.save_model(model, part_stem + '.xml', compress_to_fp16=False)
        os.replace(part_stem + '.bin', stem + '.bin')
        os.replace(part_stem + '.xml', path)
    except RuntimeError as error:  # OpenVINO's own kind for a file that it cannot write
        raise OSError(str(error).strip().splitlines()[-1][:160])
    finally:
        for suffix in ('.xml', '.bin'):
            if os.path.exists(part_stem + suffix):
                os.remove(part_stem + suffix)


def stamp(source: str, texts: Dict[str, str], path: str) -> None:
    """
    Write a model that lies in a file with other metadata.

    :param source: NAME.xml; it may be the path itself.
    :param texts: name to JSON text.
    :param path: the description, NAME.xml.
    :raises OSError: it cannot be written.
    """
    core = openvino.Core()
    core.set_property({'ENABLE_MMAP': False})  # else the weights stay open while they are replaced
    write(core.read_model(source), texts, path)
