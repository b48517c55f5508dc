# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Find a model by name, directory or upstream file, and open it in an engine."""

import os
from typing import Any, List, NamedTuple

from espnet_perception import model_card
from espnet_perception.engines import choose_engine, Engine, engine_class, EngineOptions, ENGINES
from espnet_perception.errors import ModelError, unknown_key_sentence
from espnet_perception.model_card import ModelCard

MODELS_VARIABLE = 'ESPNET_PERCEPTION_MODELS'


class Model(NamedTuple):
    """
    A model that was found and whose weights fit its card.

    :param card: its facts.
    :param weights_path: path of the weight file.
    :param upstream: the file is an authors' checkpoint, not a state dict of ours.
    """

    card: ModelCard
    weights_path: str
    upstream: bool

    def network(self) -> Any:
        """Return the network with its weights in evaluation mode (a torch module)."""
        from espnet_perception.networks import create_network
        from espnet_perception.networks.safe_load import load_state_dict
        from espnet_perception.networks.upstream import load_exactly, load_upstream
        if self.upstream:
            return load_upstream(self.weights_path)[0]
        network = create_network(self.card.network, **self.card.arguments)
        load_exactly(network, load_state_dict(self.weights_path), self.weights_path)
        return network.eval()


def find_model(model: str) -> Model:
    """
    Find a model.

    :param model: name of a directory in models/, path of a model directory, or path of an
        upstream .pth file.
    :return: the model; its weights have the sha256 of the card.
    :raises ModelError: nothing there, or card and weights do not fit.
    """
    model = os.path.expanduser(str(model))
    if os.path.isfile(model):
        from espnet_perception.networks.upstream import load_upstream
        return Model(load_upstream(model)[1], model, upstream=True)
    directory = _model_directory(model)
    card = model_card.load(directory)
    return Model(card, model_card.check_weights(card, directory), upstream=False)


def model_folders() -> List[str]:
    """
    Return the folders in which models are looked up by name.

    The folders of the ESPNET_PERCEPTION_MODELS variable, then models/ of the source tree, then
    the share folder of every installed prefix.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = [folder for folder in os.environ.get(MODELS_VARIABLE, '').split(os.pathsep)
               if folder]
    folders.append(os.path.join(os.path.dirname(package), 'models'))
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    folders.extend(os.path.join(prefix, 'share', 'espnet_perception', 'models')
                   for prefix in prefixes if prefix)
    return folders


def open_engine(model: Model, name: str, options: EngineOptions, cache_dir: str) -> Engine:
    """
    Open a model in an engine; export it first where the engine needs that.

    :param model: the model.
    :param name: a key of ENGINES, or auto.
    :param options: how to open it.
    :param cache_dir: folder of exported graphs; empty for the user's.
    :return: the open engine.
    :raises EngineError: engine unknown, absent, or it refused the model.
    :raises ModelError: the weights are damaged, or the exported graph cannot be written.
    """
    name = choose_engine(name)
    artefact = (_onnx_path(model, options, cache_dir) if ENGINES[name].artefact == 'onnx'
                else _deployed_network(model, options))
    return engine_class(name)(artefact, options)


def _onnx_path(model: Model, options: EngineOptions, cache_dir: str) -> str:
    from espnet_perception.export.onnx import cached_onnx, GraphKey
    key = GraphKey(model.card.sha256, (options.height, options.width), options.product)
    return cached_onnx(key, model.card, model.network, cache_dir)


def _deployed_network(model: Model, options: EngineOptions) -> Any:
    from espnet_perception.networks.deploy import DeployedNetwork
    card = model.card
    return DeployedNetwork(model.network(), card.mean, card.std, card.channel_order,
                           options.product, card.input_type)


def _model_directory(model: str) -> str:
    if os.path.isdir(model):
        return model
    names: List[str] = []
    for folder in model_folders():
        candidate = os.path.join(folder, model)
        if os.path.isfile(os.path.join(candidate, model_card.CARD_FILE)):
            return candidate
        if os.path.isdir(folder):
            names.extend(sorted(name for name in os.listdir(folder) if os.path.isfile(
                os.path.join(folder, name, model_card.CARD_FILE))))
    if os.sep in model or not names:
        raise ModelError("no model at '{}'; give a directory with {}, an upstream .pth file, or "
                         'a name in models/'.format(model, model_card.CARD_FILE))
    raise ModelError(unknown_key_sentence('model', model, sorted(set(names))))
