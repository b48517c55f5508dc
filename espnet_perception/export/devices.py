# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The published limits of devices, read from devices.yaml."""

import os
from typing import Any, Dict, List

from espnet_perception.errors import SettingsError, unknown_key_sentence
from espnet_perception.export.roofline import Limits
import yaml

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'devices.yaml')


def device_names() -> List[str]:
    """Return the names of the devices."""
    return sorted(_table())


def device_limits(name: str, precision: str) -> Limits:
    """
    Return what a device can do at best.

    :param name: one of device_names.
    :param precision: fp32, fp16 or int8.
    :raises SettingsError: no such device, or it does not compute in this precision.
    """
    table = _table()
    if name not in table:
        raise SettingsError(unknown_key_sentence('device', name, ['here'] + sorted(table)))
    row = table[name]
    if precision not in row['plain_rates']:
        raise SettingsError('{} does not compute in {}: {}; it has {}'.format(
            row['title'], precision, row.get('refused', {}).get(precision, 'not in its table'),
            ' and '.join(row['plain_rates'])))
    clock = row['clock_mhz'] * 1e6
    plain = row['cores'] * 2 * clock * row['plain_rates'][precision]
    matrix = row.get('matrix_units', 0) * clock * row.get('matrix_operations', {}).get(
        precision, 0)
    return Limits(row['title'], plain, max(plain, matrix), row['bandwidth'] * 1e9,
                  row['launch_us'] * 1e-6, row['reached'])


def _table() -> Dict[str, Any]:
    with open(TABLE, encoding='utf-8') as stream:
        return yaml.safe_load(stream)
