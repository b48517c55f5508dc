# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Names the machine, for the hardware_id of diagnostics and for benchmark records."""

import glob
import os
import platform
from typing import Any, Dict, Optional

SERIAL = 'proc/device-tree/serial-number'
GPUS = 'proc/driver/nvidia/gpus/*/information'
CPU = 'proc/cpuinfo'


def hardware_id(root: str = '/') -> str:
    """
    Return the serial number of the board, else the name of the GPU, else of the CPU.

    :param root: folder that holds proc/, another one in tests.
    """
    serial = read_text(os.path.join(root, SERIAL))
    if serial:
        return serial
    for path in sorted(glob.glob(os.path.join(root, GPUS))):
        name = _field(path, 'Model')
        if name:
            return name
    return _processor(root)


def machine() -> Dict[str, Any]:
    """Return name of the processor, its cores and the versions that matter."""
    return {'processor': _processor('/'), 'cores': os.cpu_count(), 'system': platform.platform(),
            'python': platform.python_version()}


def _processor(root: str) -> str:
    cpu = os.path.join(root, CPU)
    return (_field(cpu, 'model name') or _field(cpu, 'Hardware') or platform.processor()
            or platform.machine())


def _field(path: str, key: str) -> Optional[str]:
    """Return the value of the first 'key : value' line."""
    for line in (read_text(path) or '').splitlines():
        name, _colon, value = line.partition(':')
        if name.strip() == key and value.strip():
            return value.strip()
    return None


def read_text(path: str) -> Optional[str]:
    """
    Return the text of a file without the zero bytes of the device tree; None if absent.

    :param path: its path.
    """
    try:
        with open(path, encoding='utf-8', errors='replace') as stream:
            return stream.read().replace('\0', '').strip()
    except OSError:
        return None
