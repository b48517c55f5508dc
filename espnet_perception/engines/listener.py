# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Who is told while a model is opened: exporting, compiling and building can take minutes."""

import logging
from typing import Callable, NamedTuple, Optional

LOG = logging.getLogger(__name__)


class BuildListener(NamedTuple):
    """
    Who is told while an engine is opened; by default the log.

    :param say: takes a sentence that a person should read.
    :param tick: takes the seconds that a build has lasted, and those that earlier builds took or
        None; called by the thread that waits for the build, so that it may raise.
    :param stage: takes what is going on now, such as building engine, and the seconds that it is
        expected to take or None.
    """

    say: Callable[[str], None] = LOG.warning
    tick: Callable[[float, Optional[float]], None] = lambda passed_s, expected_s: None
    stage: Callable[[str, Optional[float]], None] = lambda what, expected_s: None


LOGGED = BuildListener()
