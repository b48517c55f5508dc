# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Sizes of images as they are given on the command line."""

from typing import Tuple

from espnet_perception.errors import SettingsError

LARGEST_SIDE = 8192


def parse_size(text: str) -> Tuple[int, int]:
    """
    Return (width, height) in pixels of a text such as 1024x512.

    :param text: what was given for --size.
    :raises SettingsError: it is not of this form, or out of range.
    """
    sides = text.lower().split('x')
    if len(sides) != 2 or not all(side.isdigit() and 1 <= int(side) <= LARGEST_SIDE
                                  for side in sides):
        raise SettingsError("--size is '{}', expected WIDTHxHEIGHT such as 1024x512, each of 1 to "
                            '{}'.format(text, LARGEST_SIDE))
    return int(sides[0]), int(sides[1])
