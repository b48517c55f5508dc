# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A web site on this machine with one released file."""

import hashlib
import random

from espnet_perception.releases import Release
from espnet_perception.weights.catalogue import ReleasedFile
import pytest
from site_on_loopback import Site

CONTENT = bytes(random.Random(7).getrandbits(8) for _ in range(300000))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Reach the site itself."""
    for name in ('http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY',
                 'ALL_PROXY', 'ESPNET_PERCEPTION_MIRROR'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('no_proxy', '127.0.0.1')


@pytest.fixture
def content():
    """Content of the released file: 300000 bytes."""
    return CONTENT


@pytest.fixture
def file():
    """Return a released file that no author released."""
    release = Release('espnetv2_seg', 'tiny.pth', 'cityscapes', 64, 32, len(CONTENT))
    return ReleasedFile('tiny', release, sha256=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def site():
    """Serve the file as a mirror does."""
    one = Site()
    one.files['/tiny.pth'] = CONTENT
    yield one
    one.close()
