# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every released weight file under one name that no other has, and how to know it again."""

import os
from typing import Any, Dict, NamedTuple

from espnet_perception.errors import ModelError, nearest_hint
from espnet_perception.model_card import file_sha256
from espnet_perception.releases import (
    FAMILIES,
    git_object_id,
    IMAGENET_RELEASES,
    Release,
    release_of,
    RELEASES,
)
from espnet_perception.user_folders import cache_folder

MISMATCH, PART = '.mismatch', '.part'


class ReleasedFile(NamedTuple):
    """
    A released file and what identifies its content.

    :param name: the name by which it is fetched and used.
    :param release: its facts.
    :param sha256: of the content; empty where it is not known.
    :param git_id: object id that the authors' repository has for the content; empty where the
        sha256 is known.
    """

    name: str
    release: Release
    sha256: str = ''
    git_id: str = ''

    @property
    def identity(self) -> str:
        """Say what the content is checked against, for people."""
        return 'sha256 ' + self.sha256 if self.sha256 else 'git object ' + self.git_id

    def is_genuine(self, path: str) -> bool:
        """
        Tell whether a file is this one, byte by byte.

        :param path: path of the file.
        :raises ModelError: it cannot be read.
        """
        if self.sha256:
            return file_sha256(path) == self.sha256
        return git_object_id(path) == self.git_id

    def path_in(self, folder: str) -> str:
        """
        Return where the file lies in a folder of fetched weights.

        :param folder: the folder; empty for the user's cache.
        """
        return os.path.join(folder or fetched_folder(), self.name + '.pth')

    def facts(self) -> Dict[str, Any]:
        """Return everything that is known of the file, fit for JSON; unknown facts are None."""
        release, family = self.release, FAMILIES[self.release.network]
        return {
            'name': self.name, 'task': family.task, 'network': release.network,
            'dataset': release.dataset, 'classes': release.classes,
            'input_width': release.width, 'input_height': release.height,
            'reported': dict(release.reported), 'reported_on': release.split or None,
            'licence': family.licence, 'url': release.url, 'sha256': self.sha256 or None,
            'git_id': self.git_id or None, 'size_bytes': release.size_bytes,
        }


def _catalogue() -> Dict[str, ReleasedFile]:
    files = [ReleasedFile(release.name, release, sha256=sha256)
             for sha256, release in RELEASES.items()]
    files += [ReleasedFile(release.name, release, git_id=git_id)
              for git_id, release in IMAGENET_RELEASES.items()]
    return {file.name: file for file in files}


CATALOGUE = _catalogue()


def fetched_folder() -> str:
    """Return the folder of fetched weights in the user's cache."""
    return cache_folder('weights')


def released_file(name: str) -> ReleasedFile:
    """
    Return a released file by its name.

    :param name: a key of CATALOGUE.
    :raises ModelError: no release has this name; the nearest is named.
    """
    if name not in CATALOGUE:
        raise ModelError("unknown released weights '{}'{} `espnet-perception weights list` shows "
                         'all names'.format(name, nearest_hint(name, tuple(CATALOGUE))))
    return CATALOGUE[name]


def name_of_content(path: str) -> str:
    """
    Return the name of the release whose content a file has, whatever the file is called.

    :param path: path of the file.
    :return: a key of CATALOGUE; empty where it is no released file.
    :raises ModelError: the file cannot be read.
    """
    release = release_of(path, file_sha256(path))
    return release.name if release else ''


def fetched_path(name: str) -> str:
    """
    Return the path of fetched weights, checked.

    :param name: any name.
    :return: path in the user's cache; empty where no such weights were fetched.
    :raises ModelError: the file there is not the released one.
    """
    file = CATALOGUE.get(name)
    path = file.path_in('') if file else ''
    if not os.path.isfile(path):
        return ''
    if not file.is_genuine(path):
        raise ModelError('{} is damaged: its content has not the {} of the release; run '
                         '`espnet-perception weights fetch {}`'.format(path, file.identity, name))
    return path
