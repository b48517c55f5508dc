# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Find a model by name, directory or upstream file, and open it in an engine."""

import os
from typing import Any, List, NamedTuple

from espnet_perception import model_card
from espnet_perception.engines import choose_engine, Engine, engine_class, EngineOptions, ENGINES
from espnet_perception.errors import AbsentModelError, ModelError, nearest_hint
from espnet_perception.model_card import ModelCard
from espnet_perception.user_folders import data_folder
from espnet_perception.weights.catalogue import CATALOGUE, fetched_path

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
        path of a model directory, or path of an upstream .pth file.
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
