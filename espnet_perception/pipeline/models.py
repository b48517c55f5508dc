# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Find a model by name, directory or upstream file, and open it in an engine."""

import os
from typing import Any, List, NamedTuple, Optional

from espnet_perception import model_card
from espnet_perception.engines import (
    BuildListener,
    choose_engine,
    Engine,
    engine_class,
    EngineOptions,
    ENGINES,
    LOGGED,
)
from espnet_perception.errors import AbsentModelError, EngineError, ModelError, nearest_hint
from espnet_perception.export.metadata import GraphFacts, PIXELS, read_onnx, read_openvino
from espnet_perception.model_card import ModelCard
from espnet_perception.user_folders import data_folder
from espnet_perception.weights.catalogue import CATALOGUE, fetched_path

MODELS_VARIABLE = 'ESPNET_PERCEPTION_MODELS'
GRAPH_READERS = {'.onnx': read_onnx, '.xml': read_openvino}
OPENVINO_SUFFIX = '.xml'


class Model(NamedTuple):
    """
    A model that was found and whose weights fit its card.

    :param card: its facts.
    :param weights_path: path of the weight file.
    :param upstream: the file is an authors' checkpoint, not a state dict of ours.
    :param graph: the file is an exported graph, and this is what it takes and gives.
    """

    card: ModelCard
    weights_path: str
    upstream: bool
    graph: Optional[GraphFacts] = None

    def network(self) -> Any:
        """
        Return the network with its weights in evaluation mode (a torch module).

        :raises ModelError: the weights are damaged, or there is an exported graph alone.
        """
        if self.graph is not None:
            raise ModelError('{} is an exported graph, which has no network any more; give the '
                             'model that it was made from'.format(self.weights_path))
        from espnet_perception.networks import create_network
        from espnet_perception.networks.safe_load import load_state_dict
        from espnet_perception.networks.upstream import class_count, load_exactly, load_upstream
        if self.upstream:
            return load_upstream(self.weights_path)[0]
        network = create_network(self.card.network, **self.card.arguments)
        tensors = load_state_dict(self.weights_path)
        try:
            load_exactly(network, tensors, self.weights_path)
        except ModelError:
            found = class_count(self.card.network, tensors)
            if found in (None, len(self.card.classes)):
                raise
            raise ModelError('{} has {} classes, its card says {}; give the weights of this card'
                             .format(self.weights_path, found, len(self.card.classes)))
        return network.eval()


def find_model(model: str) -> Model:
    """
    Find a model.

    :param model: name of a directory in models/, name of released weights that were fetched,
        path of a model directory, path of an upstream .pth file, or path of an .onnx or .xml
        file that was exported with --labels (neither network nor PyTorch is needed to run it).
    :return: the model; its weights have the sha256 of the card.
    :raises AbsentModelError: nothing there.
    :raises ModelError: damaged, or card and weights do not fit.
    """
    model = os.path.expanduser(str(model))
    is_file = os.path.isfile(model)
    directory = '' if is_file else _model_directory(model)
    if directory:
        card = model_card.load(directory)
        return Model(card, model_card.check_weights(card, directory), upstream=False)
    path = model if is_file else fetched_path(model)
    if not path:
        raise AbsentModelError(_absence(model))
    read = GRAPH_READERS.get(os.path.splitext(path)[1])
    if read is not None:
        card, facts = read(path)
        return Model(card, path, upstream=False, graph=facts)
    from espnet_perception.networks.upstream import load_upstream
    return Model(load_upstream(path)[1], path, upstream=True)


def model_folders() -> List[str]:
    """
    Return the folders in which models are looked up by name.

    The folders of the ESPNET_PERCEPTION_MODELS variable, then the user's own folder, then models/
    of the source tree, then the share folder of every installed prefix.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = _chosen_folders() + [data_folder('models'),
                                   os.path.join(os.path.dirname(package), 'models')]
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    folders.extend(os.path.join(prefix, 'share', 'espnet_perception', 'models')
                   for prefix in prefixes if prefix)
    return folders


def own_models_folder() -> str:
    """Return the folder for new models: the first of the variable, or the user's own."""
    return (_chosen_folders() or [data_folder('models')])[0]


def model_directories() -> List[str]:
    """Return every model directory in the folders of models; of one name the first is used."""
    directories = []
    for folder in model_folders():
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        directories.extend(os.path.join(folder, name) for name in names if os.path.isfile(
            os.path.join(folder, name, model_card.CARD_FILE)) and not name.startswith('.'))
    return directories


def open_engine(model: Model, name: str, options: EngineOptions, cache_dir: str,
                listener: BuildListener = LOGGED) -> Engine:
    """
    Open a model in an engine; export it first where the engine needs that.

    :param model: the model.
    :param name: a key of ENGINES, or auto.
    :param options: how to open it.
    :param cache_dir: folder of exported graphs; empty for the user's.
    :param listener: who is told what is going on.
    :return: the open engine.
    :raises EngineError: engine unknown, absent, or it refused the model.
    :raises ModelError: the weights are damaged, or the exported graph cannot be written.
    """
    name = choose_engine(_for_the_file(model, name), graph_only=model.graph is not None)
    artefact = ENGINES[name].artefact
    if artefact == 'network':
        return engine_class(name)(_deployed_network(model, options), options)
    if artefact == 'plan' and options.builder == 'torch2trt':
        from espnet_perception.engines.tensorrt_torch2trt import Torch2TrtEngine
        return Torch2TrtEngine(lambda: _deployed_network(model, options, for_torch2trt=True),
                               options, (model.card.sha256, cache_dir), listener)
    listener.stage('exporting the graph', None)
    path = _onnx_path(model, options, cache_dir, bytes_known=artefact == 'onnx')
    if artefact == 'plan':
        from espnet_perception.engines.tensorrt_build import cached_plan
        path = cached_plan(path, options, cache_dir, listener)
    listener.stage('opening the graph in ' + name, None)
    return engine_class(name)(path, options)


def _for_the_file(model: Model, name: str) -> str:
    """Return the engine for a file that only one runtime reads; it may have been left open."""
    if not model.weights_path.endswith(OPENVINO_SUFFIX):
        return name
    if name not in ('auto', 'openvino'):
        raise EngineError("{} is a file of OpenVINO, and the engine is '{}'; use openvino, or "
                          'export the model with --format onnx'.format(model.weights_path, name))
    return 'openvino'


def plan_source(model: Model, options: EngineOptions, cache_dir: str = '') -> str:
    """
    Return the path of the ONNX file from which a TensorRT engine is built.

    :param model: the model.
    :param options: how the engine is to be opened.
    :param cache_dir: folder of exported graphs; empty for the user's.
    :raises EngineError: the model is an exported graph of another form.
    :raises ModelError: the weights are damaged, or the graph cannot be written.
    """
    return _onnx_path(model, options, cache_dir, bytes_known=False)


def _onnx_path(model: Model, options: EngineOptions, cache_dir: str, bytes_known: bool) -> str:
    if model.graph is not None:
        _check_graph(model, options, bytes_known)
        return model.weights_path
    from espnet_perception.export.onnx import cached_onnx, GraphKey
    key = GraphKey(model.card.sha256, (options.height, options.width), options.product,
                   bytes_known)
    return cached_onnx(key, model.card, model.network, cache_dir)


def _check_graph(model: Model, options: EngineOptions, bytes_known: bool) -> None:
    """Refuse an exported graph that does not do what is asked for."""
    graph, again = model.graph, '; export the model again with '
    reason = ''
    if graph.takes != PIXELS:
        reason = 'takes {}, expected {}'.format(graph.takes, PIXELS) + again + '--labels'
    elif graph.batch != 1:
        reason = 'takes {} images at once, expected 1'.format(graph.batch) + again + '--batch 1'
    elif tuple(graph.size) != (options.height, options.width):
        reason = 'is for {1}x{0} pixels'.format(*graph.size) + ', asked for was {0}x{1}'.format(
            options.width, options.height) + again + '--size {}x{}'.format(
                options.width, options.height)
    elif options.product not in (graph.product, graph.product.split('+')[0]):
        reason = 'gives {}, asked for was {}'.format(graph.product, options.product) + (
            again + '--confidence, or ask for no confidence'
            if options.product == 'labels+confidence' else '; give the model it was made from')
    elif graph.precision == 'int8' and not bytes_known:
        reason = 'is in int8 for CPUs; give TensorRT the model it was made from'
    elif graph.bytes_known and not bytes_known:
        reason = 'takes and gives uint8, which TensorRT does not' + again + '--for-tensorrt'
    if reason:
        raise EngineError('{} {}'.format(model.weights_path, reason))


def _deployed_network(model: Model, options: EngineOptions, for_torch2trt: bool = False) -> Any:
    """Return network, pre- and postprocessing; for torch2trt of convolutions wherever it can."""
    from espnet_perception.networks.deploy import DeployedNetwork, HalfPrecision
    card, network = model.card, model.network()
    if for_torch2trt:
        from espnet_perception.networks.fused import fold
        network = fold(network)
    elif options.precision == 'fp16':
        network = HalfPrecision(network)
    return DeployedNetwork(network, card.mean, card.std, card.channel_order,
                           options.product, card.input_type)


def _chosen_folders() -> List[str]:
    return [folder for folder in os.environ.get(MODELS_VARIABLE, '').split(os.pathsep) if folder]


def _model_directory(model: str) -> str:
    """Return the directory of a model by its path or name; empty where there is none."""
    if os.path.isdir(model):
        return model
    candidates = (os.path.join(folder, model) for folder in model_folders())
    return next((candidate for candidate in candidates if os.path.isfile(
        os.path.join(candidate, model_card.CARD_FILE))), '')


def _absence(model: str) -> str:
    if model in CATALOGUE:
        return ("the released weights '{0}' are not on this machine; run `espnet-perception "
                'weights fetch {0}`'.format(model))
    names = sorted({os.path.basename(directory) for directory in model_directories()})
    if os.sep in model or not names:
        return ("no model at '{}'; give a directory with {}, an upstream .pth file, a name in "
                'models/, or fetched weights'.format(model, model_card.CARD_FILE))
    return "unknown model '{}'{} valid: {}, and whatever `espnet-perception weights list` shows" \
        .format(model, nearest_hint(model, names + list(CATALOGUE)), ', '.join(names))
