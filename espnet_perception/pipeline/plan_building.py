# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Build a TensorRT engine ahead, and keep it only where its labels are those of fp32.

Where they are not, the layers that suffer most are kept in fp32, one group more with each build;
what still differs then is refused, and that is remembered.
"""

from typing import Any, Dict, NamedTuple, Sequence

from espnet_perception.engines import (
    BuildListener,
    Engine,
    engine_class,
    EngineOptions,
    LOGGED,
    present_engines,
)
from espnet_perception.errors import EngineError
from espnet_perception.pipeline.agreement import Agreement, compare, require
from espnet_perception.pipeline.models import Model, open_engine, plan_source
import numpy as np

LEAST_SHARES = {'fp32': 0.99, 'fp16': 0.99, 'int8': 0.985}


class Wish(NamedTuple):
    """
    What is to be built.

    :param model: the model.
    :param options: how the engine is to be opened.
    :param cache_dir: folder of graphs and plans; empty for the user's.
    :param images: (h, w, 3) BGR of the graph's size, to compare labels and to calibrate int8; none
        leaves the labels unchecked.
    :param again: build it even where there is one, or where it was refused before.
    """

    model: Model
    options: EngineOptions
    cache_dir: str = ''
    images: Sequence[np.ndarray] = ()
    again: bool = False


def build_ahead(wish: Wish, listener: BuildListener = LOGGED) -> str:
    """
    Build an engine, or find the one that was built.

    :param wish: what is to be built.
    :param listener: who is told of builds and of figures.
    :return: path of the plan.
    :raises EngineError: TensorRT, GPU or precision do not fit, or too many labels differ.
    :raises ModelError: the weights are damaged, or the graph cannot be written.
    """
    from espnet_perception.engines.plan_file import forget_plan, read_header, write_refusal
    from espnet_perception.engines.tensorrt_build import cached_plan, PlanSite
    source = plan_source(wish.model, wish.options, wish.cache_dir)
    site = PlanSite(source, wish.options, wish.cache_dir)
    if wish.again:
        forget_plan(site.path)
    if not wish.images:
        return cached_plan(source, wish.options, wish.cache_dir, listener)
    found = site.find(listener)
    if found and not wish.again and 'agreement' in read_header(found):
        return found
    site.refuse_again()
    try:
        best = _try_recipes(wish, site, found if found == site.path else '', listener)
    finally:
        site.remove_trial()
    try:
        require(best, LEAST_SHARES[wish.options.precision])
    except EngineError as error:
        forget_plan(site.path)
        write_refusal(site.path, str(error))
        raise
    return site.path


def _try_recipes(wish: Wish, site: Any, found: str, listener: BuildListener) -> Agreement:
    """
    Build with more and more layers in fp32 until the labels are right, and keep that plan.

    :param wish: what is to be built.
    :param site: a tensorrt_build.PlanSite.
    :param found: path of a plan whose labels nobody has compared yet; empty for none.
    :param listener: who is told.
    :return: the best agreement.
    """
    from espnet_perception.engines.tensorrt_build import Recipe
    from espnet_perception.engines.tensorrt_precision import GROUPS
    precision, best = wish.options.precision, Agreement(0.0, 0.0, 0)
    with _reference(wish) as reference:
        for kept in range(1 if precision == 'fp32' else 1 + len(GROUPS)):
            plan = site.trial if kept or not found else found
            if kept:
                listener.say('too many labels differ; next: {} in fp32'.format(
                    ', '.join(group.name for group in GROUPS[:kept])))
            if plan == site.trial:
                site.build(Recipe(precision, kept, wish.images), plan, listener)
            listener.stage('comparing labels with fp32', None)
            with engine_class('tensorrt')(plan, wish.options) as candidate:
                agreement = compare(reference, candidate, wish.images)
            figures = dict(agreement._asdict(), reference=reference.name)
            listener.say(sentence(figures))
            best = max(best, agreement)
            if agreement.share >= LEAST_SHARES[precision]:
                site.accept(plan, figures)
                break
    return best


def sentence(figures: Dict[str, Any]) -> str:
    """
    Say how far an engine agrees with fp32.

    :param figures: the fields of an Agreement, and reference, the engine that computed in fp32.
    """
    return ('{share:.3%} of the labels are those of {reference} in fp32, {worst:.3%} in the worst '
            'of {images} images').format(**figures)


def _reference(wish: Wish) -> Engine:
    """Open the engine that is right: one of the CPU in fp32, or where none is TensorRT's."""
    others = [name for name in present_engines(graph_only=True) if name != 'tensorrt']
    plain = wish.options._replace(precision='fp32', cuda_graph=False)
    if others:
        return open_engine(wish.model, others[0], plain._replace(device='auto'), wish.cache_dir)
    return open_engine(wish.model, 'tensorrt', plain, wish.cache_dir)
