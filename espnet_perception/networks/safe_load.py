# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Read weight files without running code that may hide in them, and write such files."""

import io
import os
import pickle
from typing import Any, Dict

from espnet_perception.errors import AbsentModelError, ModelError
import torch
from torch import Tensor

_SAFE_GLOBALS = {
    'collections': ('OrderedDict',),
    'torch._utils': ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter'),
    'torch': ('FloatStorage', 'HalfStorage', 'DoubleStorage', 'LongStorage', 'IntStorage',
              'BoolStorage', 'ByteStorage', 'Size'),
}


class _RestrictedUnpickler(pickle.Unpickler):
    """Unpickler for torch before 1.13, which has no ``weights_only``: tensors and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Allow the names that a state dict needs, refuse every other one."""
        if name not in _SAFE_GLOBALS.get(module, ()):
            raise pickle.UnpicklingError('it wants to call {}.{}'.format(module, name))
        return super().find_class(module, name)


class _RestrictedPickle:
    """What ``torch.load(pickle_module=...)`` uses of a pickle module."""

    Unpickler = _RestrictedUnpickler

    @staticmethod
    def load(stream: Any, **arguments: Any) -> Any:
        """Unpickle one object."""
        return _RestrictedUnpickler(stream, **arguments).load()


def load_state_dict(path: str) -> Dict[str, Tensor]:
    """
    Read the tensors of a checkpoint on the CPU.

    :param path: file written by ``torch.save`` of any version; a plain state dict, or a mapping
        that holds one under ``state_dict`` or ``model``; a ``module.`` prefix is taken off.
    :return: name to tensor, in the order of the file.
    :raises ModelError: no file, damaged, holds code, or holds no tensors.
    """
    if not os.path.isfile(path):
        raise AbsentModelError('no weight file at {}; give the path of a .pth file'.format(path))
    content = _read(path)
    for key in ('state_dict', 'model'):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content or not all(
            isinstance(value, Tensor) for value in content.values()):
        raise ModelError('{} holds no state dict (a mapping of names to tensors); save the '
                         'network with torch.save(network.state_dict(), path)'.format(path))
    return {_without_prefix(name): value for name, value in content.items()}


def save_state_dict(tensors: Dict[str, Tensor], path: str) -> None:
    """
    Write tensors so that ``load_state_dict`` reads them.

    :param tensors: name to tensor.
    :param path: file to write.
    :raises OSError: it cannot be written; torch itself would not say why.
    """
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    with open(path, 'wb') as stream:
        stream.write(buffer.getbuffer())
        stream.flush()
        os.fsync(stream.fileno())


def _read(path: str) -> Any:
    options: Dict[str, Any] = {'weights_only': True}
    if 'weights_only' not in torch.load.__code__.co_varnames:
        options = {'pickle_module': _RestrictedPickle}
    try:
        return torch.load(path, map_location='cpu', **options)
    except Exception as error:  # torch raises many kinds for a damaged file
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
        raise ModelError('{} is damaged, holds code, or is no PyTorch weight file ({}); fetch it '
                         'again'.format(path, first_line))


def _without_prefix(name: str) -> str:
    return name[len('module.'):] if name.startswith('module.') else name
