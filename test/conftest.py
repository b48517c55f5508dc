# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """Folder with reference data that is not part of the repository; skips where it is absent."""
    folder = Path(os.environ.get('ESPNET_SHARED', REPOSITORY.parent / 'shared'))
    if (folder / 'reference' / 'golden').is_dir():
        return folder
    reason = f'reference data not found at {folder}; set ESPNET_SHARED to its folder'
    if os.environ.get('ESPNET_REQUIRE_SHARED') == '1':
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope='session')
def repository() -> Path:
    """Root folder of the repository."""
    return REPOSITORY
