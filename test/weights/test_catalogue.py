# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every released file has one name and is known again by its content."""

import json
import shutil
import subprocess

from espnet_perception.errors import AbsentModelError, ModelError
from espnet_perception.pipeline.models import find_model
from espnet_perception.releases import git_object_id, IMAGENET_RELEASES, RELEASES
from espnet_perception.weights.catalogue import (
    CATALOGUE,
    fetched_path,
    name_of_content,
    released_file,
)
from golden import checkpoints
import pytest

NAME = 'espnetv2_s_0.5_city_512x256'


@pytest.fixture
def fetched(shared_dir, tmp_path, monkeypatch):
    """One released file in the user's cache, as after fetching."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    path = tmp_path / 'espnet_perception' / 'weights' / (NAME + '.pth')
    path.parent.mkdir(parents=True)
    shutil.copy(str(shared_dir / 'reference/checkpoints/edgenets' / (NAME + '.pth')), str(path))
    return path


def test_no_two_files_share_a_name():
    """26 of segmentation and 5 of ImageNet; the two that the authors call alike differ."""
    assert len(CATALOGUE) == len(RELEASES) + len(IMAGENET_RELEASES) == 31
    names = {name: CATALOGUE[name].release.network for name in ('espnet_p_2_q_8',
                                                                'espnet_c_p_2_q_8')}
    assert names == {'espnet_p_2_q_8': 'espnet', 'espnet_c_p_2_q_8': 'espnet_c'}
    assert CATALOGUE['espnet_p_2_q_8'].release.file_name == \
        CATALOGUE['espnet_c_p_2_q_8'].release.file_name


def test_every_file_can_be_checked():
    """Each has a sha256 or the id of git, and an address of its own."""
    assert all(len(file.sha256) == 64 or len(file.git_id) == 40 for file in CATALOGUE.values())
    assert len({file.release.url for file in CATALOGUE.values()}) == len(CATALOGUE)


def test_facts_are_plain(shared_dir):
    """They go through JSON; size and class count are those of the files."""
    facts = {row['sha256']: row for row in json.loads(json.dumps(
        [file.facts() for file in CATALOGUE.values()]))}
    for sha256, row in checkpoints(shared_dir).items():
        assert facts[sha256]['size_bytes'] == row['size'], row['file']
        assert facts[sha256]['classes'] == row['classes'], row['file']


def test_every_released_file_is_known_by_its_content(shared_dir):
    """All 26, and by the id that git has for them."""
    for sha256, row in checkpoints(shared_dir).items():
        path = str(shared_dir / 'reference' / row['file'])
        assert name_of_content(path) == RELEASES[sha256].name
        assert git_object_id(path) == row['git_blob']


def test_the_id_of_git(tmp_path):
    """That of `git hash-object`."""
    (tmp_path / 'empty').write_bytes(b'')
    (tmp_path / 'hello').write_bytes(b'hello\n')
    assert git_object_id(str(tmp_path / 'empty')) == 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    assert git_object_id(str(tmp_path / 'hello')) == subprocess.check_output(
        ['git', 'hash-object', str(tmp_path / 'hello')], universal_newlines=True).strip()


def test_the_nearest_name_is_told():
    """One sentence that is not a page long."""
    sentence = "'espnet_p2_q8'; did you mean 'espnet_p_2_q_8'"
    with pytest.raises(ModelError, match=sentence) as caught:
        released_file('espnet_p2_q8')
    assert len(str(caught.value)) < 150


def test_fetched_weights_are_a_model(fetched):
    """Found by their name; the network has its weights."""
    model = find_model(NAME)
    assert (model.weights_path, model.card.name, model.upstream) == (str(fetched), NAME, True)
    assert model.card.sha256 == CATALOGUE[NAME].sha256
    assert sum(one.numel() for one in model.network().parameters()) == 80342


def test_a_model_directory_goes_before_fetched_weights(fetched, tiny_model_dir, tmp_path,
                                                       monkeypatch):
    """What the user made under that name is meant."""
    shutil.copytree(str(tiny_model_dir), str(tmp_path / 'mine' / NAME))
    monkeypatch.setenv('ESPNET_PERCEPTION_MODELS', str(tmp_path / 'mine'))
    assert find_model(NAME).card.network == 'espnetv2_seg'
    assert find_model(NAME).card.name == 'tiny'


def test_damaged_fetched_weights_are_not_used(fetched):
    """The sum is checked whenever they are opened."""
    with open(str(fetched), 'r+b') as stream:
        stream.seek(200000)
        stream.write(b'?')
    with pytest.raises(ModelError, match='is damaged.*`espnet-perception weights fetch ' + NAME):
        find_model(NAME)


def test_a_release_that_was_not_fetched(tmp_path, monkeypatch):
    """The sentence tells the command."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert fetched_path(NAME) == ''
    with pytest.raises(AbsentModelError, match='run `espnet-perception weights fetch ' + NAME):
        find_model(NAME)
    with pytest.raises(AbsentModelError, match="did you mean '{}'".format(NAME)):
        find_model(NAME[:-1])
