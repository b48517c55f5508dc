# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The version stands in five places and is the same in all of them."""

from pathlib import Path
import re
from typing import Dict
import xml.etree.ElementTree as ElementTree

import espnet_perception
import pytest
from source_tree import REPOSITORY


def version_in_setup(text: str) -> str:
    return re.search(r"^    version='([^']+)',$", text, re.MULTILINE).group(1)


def version_in_manifest(text: str) -> str:
    return ElementTree.fromstring(text).find('version').text


def newest_in_changelog(text: str) -> str:
    return re.search(r'^## (\d+\.\d+\.\d+)\b', text, re.MULTILINE).group(1)


def versions(root: Path) -> Dict[str, str]:
    """Return the version that each file tells."""
    readers = {'package.xml': version_in_manifest, 'espnet_msgs/package.xml': version_in_manifest,
               'setup.py': version_in_setup, 'CHANGELOG.md': newest_in_changelog}
    return {name: reader((root / name).read_text(encoding='utf-8'))
            for name, reader in readers.items()}


def test_versions():
    found = versions(REPOSITORY)
    assert set(found.values()) == {espnet_perception.__version__}, found


@pytest.mark.parametrize('reader, text, expected', [
    (version_in_setup, "setup(\n    version='1.2.3',\n)", '1.2.3'),
    (version_in_manifest, '<package><version>1.2.4</version></package>', '1.2.4'),
    (newest_in_changelog, '# Changelog\n\n## 1.2.5 - 2026-01-01\n\n## 1.2.4\n', '1.2.5'),
])
def test_each_reader(reader, text, expected):
    assert reader(text) == expected
