# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Check models as they lie on the disk: is the content right, and does it fit its network."""

import os
from typing import List, NamedTuple

from espnet_perception.errors import AbsentModelError, PerceptionError
from espnet_perception.pipeline.models import find_model, Model, model_directories
from espnet_perception.weights.catalogue import CATALOGUE, name_of_content

OK, DAMAGED, MISSING = 'ok', 'damaged', 'missing'


class Verdict(NamedTuple):
    """
    What was found of one model.

    :param model: name or path as it was asked for.
    :param state: OK, DAMAGED or MISSING.
    :param remark: what it is, or the sentence that says what is wrong.
    """

    model: str
    state: str
    remark: str


def every_model() -> List[str]:
    """Return every model of this machine: the model directories and the fetched weights."""
    fetched = [name for name, file in CATALOGUE.items() if os.path.exists(file.path_in(''))]
    return list({os.path.realpath(one): one for one in model_directories()}.values()) + fetched


def verify(model: str) -> Verdict:
    """
    Check one model: the sum of its weights, that they load, and that every shape fits.

    :param model: what find_model takes.
    """
    try:
        found = find_model(model)
        found.network()
    except PerceptionError as error:
        state = MISSING if isinstance(error, AbsentModelError) else DAMAGED
        return Verdict(model, state, str(error))
    return Verdict(model, OK, _remark(found, model))


def _remark(found: Model, asked: str) -> str:
    if not found.upstream:
        return 'sha256 as in its card'
    name = name_of_content(found.weights_path)
    if not name:
        return 'loads; none of the released files has its sha256 ' + found.card.sha256
    return 'as released' if name == asked else 'released as ' + name
