# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What runs on the robot, and its tests, as paths below the repository; read by Python 3.6 too."""

import os
from typing import List, Optional

import rules

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

OF_GRAPHS = ('engines', 'export', 'pipeline')
# PyTorch 1.10 takes some ten seconds for each of their many graphs.
MANY_EXPORTS = ('test_formats.py', 'test_language.py', 'test_networks.py', 'test_trt_operators.py')


def code() -> List[str]:
    """Return the files and folders of the package that run on the robot."""
    return [os.path.join('espnet_perception', name) for name in rules.ROBOT]


def tests(graphs: Optional[bool] = None) -> List[str]:
    """
    Return the test folders and files of these, as far as there are any.

    :param graphs: only those that make and run graphs, or only the others; None for all.
    """
    names = ['test_' + name if name.endswith('.py') else name for name in rules.ROBOT
             if graphs is None or (name in OF_GRAPHS) == graphs]
    paths = [os.path.join('test', name) for name in names]
    return [path for path in paths if os.path.exists(os.path.join(REPOSITORY, path))]


def slow_tests() -> List[str]:
    """Return the test files that a quick run leaves out."""
    return [os.path.join('test', 'export', name) for name in MANY_EXPORTS]
