# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Imports go down only, the core knows no ROS, and starting is cheap."""

import subprocess
import sys
from typing import List

import pytest
import rules
from source_tree import imports, module_of, PACKAGE, package_sources, parse, REPOSITORY, Source


def matches(module: str, allowed: str) -> bool:
    return module == allowed or module.startswith(allowed + '.')


def wrong_inner_imports(source: Source) -> List[str]:
    """Return the imports within the package that the table does not allow."""
    layer = module_of(source.path).split('.')[0]
    if not layer:
        return [f'{source.path}:{found.line} imports {found.module}'
                for found in imports(source) if matches(found.module, PACKAGE)]
    if layer not in rules.MAY_IMPORT:
        return [f'{source.path}: {layer} has no row in rules.MAY_IMPORT']
    allowed = rules.MAY_IMPORT[layer] + (layer, '__version__')
    return [f'{source.path}:{found.line} {layer} must not import {found.module}'
            for found in imports(source) if matches(found.module, PACKAGE)
            and not any(matches(found.module[len(PACKAGE) + 1:], one) for one in allowed)]


def wrong_outer_imports(source: Source) -> List[str]:
    """Return the imports of libraries that belong to somebody else."""
    module = module_of(source.path)
    wrong = []
    for found in imports(source):
        owners = rules.OWNERS_OF_LIBRARIES.get(found.module.split('.')[0])
        if owners is not None and not any(matches(module, owner) for owner in owners):
            wrong.append(f'{source.path}:{found.line} {found.module} belongs to '
                         + ', '.join(owners))
    return wrong


def test_layers():
    assert [wrong for source in package_sources() for wrong in wrong_inner_imports(source)] == []


def test_libraries():
    assert [wrong for source in package_sources() for wrong in wrong_outer_imports(source)] == []


def test_every_row_of_the_table_exists():
    layers = {module_of(source.path).split('.')[0] for source in package_sources()} - {''}
    assert layers == set(rules.MAY_IMPORT)


@pytest.mark.parametrize('path, text', [
    ('pipeline/x.py', 'from espnet_perception.nodes import qos'),
    ('pipeline/x.py', 'from espnet_perception import nodes'),
    ('pipeline/x.py', 'def f():\n    import espnet_perception.training.checkpoint'),
    ('pipeline/x.py', 'from ..cli import main'),
    ('errors.py', 'from espnet_perception import settings'),
    ('training/x.py', 'from espnet_perception.evaluation import replay'),
    ('__init__.py', 'from espnet_perception import errors'),
    ('novel/x.py', ''),
])
def test_a_wrong_inner_import_is_found(path, text):
    assert len(wrong_inner_imports(parse(path, text))) == 1


@pytest.mark.parametrize('path, text', [
    ('pipeline/x.py', 'from espnet_perception.pipeline import decoding'),
    ('engines/x.py', 'from . import base'),
    ('training/x.py', 'from espnet_perception.evaluation.metrics import confusion'),
    ('cli/x.py', 'from espnet_perception import __version__'),
])
def test_a_right_inner_import_passes(path, text):
    assert wrong_inner_imports(parse(path, text)) == []


@pytest.mark.parametrize('path, text', [
    ('pipeline/x.py', 'def f():\n    import rclpy.node'),
    ('evaluation/x.py', 'from sensor_msgs.msg import Image'),
    ('engines/base.py', 'import torch'),
    ('cli/x.py', 'import rosbags'),
])
def test_a_wrong_library_is_found(path, text):
    assert len(wrong_outer_imports(parse(path, text))) == 1


def modules_after(statement: str) -> List[str]:
    """Return the modules that are loaded after a statement in a fresh interpreter."""
    code = f'import sys; {statement}; print(*sys.modules)'
    return subprocess.run([sys.executable, '-c', code], cwd=REPOSITORY, check=True,
                          capture_output=True, text=True).stdout.split()


RUNTIMES = {'torch', 'onnxruntime', 'openvino', 'tensorrt'}
HEAVY = RUNTIMES | {'rclpy', 'cv2', 'matplotlib', 'rosbags'}


@pytest.mark.parametrize('module, unwanted', [
    ('espnet_perception', HEAVY),
    ('espnet_perception.cli.main', HEAVY),
    ('espnet_perception.engines', HEAVY),
    ('espnet_perception.pipeline', RUNTIMES | {'rclpy'}),
])
def test_start_is_cheap(module, unwanted):
    assert unwanted.intersection(modules_after(f'import {module}')) == set()


def test_a_heavy_start_is_seen():
    assert 'cv2' in modules_after('import cv2')
