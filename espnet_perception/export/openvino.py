# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""From an ONNX graph to OpenVINO's own files."""

import os
from typing import Dict
import uuid

import openvino

SECTION = 'espnet_perception'  # of the runtime information inside the file


def convert(onnx_path: str, texts: Dict[str, str], path: str) -> None:
    """
    Write a graph as NAME.xml and NAME.bin; constants keep their type.

    The weights take their place first, so that a description never stands without them.

    :param onnx_path: file of the graph.
    :param texts: name to JSON text, written into the description.
    :param path: the description, NAME.xml.
    :raises OSError: it cannot be written.
    """
    model = openvino.convert_model(onnx_path)
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
