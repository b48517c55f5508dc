# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Model directories from weight files under the authors' tensor names."""

import json
import os

from espnet_perception import model_card
from espnet_perception.errors import ModelError, OutputError, SettingsError
from espnet_perception.label_sets import CITYSCAPES, CITYSCAPES_BACKGROUND, LabelSet
from espnet_perception.networks.safe_load import load_state_dict
from espnet_perception.networks.upstream import load_upstream
from espnet_perception.pipeline.models import find_model
from espnet_perception.releases import git_object_id, IMAGENET_RELEASES
from espnet_perception.weights import importing
from espnet_perception.weights.importing import import_weights, ImportOptions
import pytest
import torch

NAME = 'espnetv2_s_0.5_city_512x256'
AS_IT_IS = ImportOptions()


@pytest.fixture
def released(shared_dir):
    """Path of a released file."""
    return str(shared_dir / 'reference/checkpoints/edgenets' / (NAME + '.pth'))


@pytest.fixture
def seven(shared_dir, tmp_path):
    """Weight file of ESPNet-C with 7 classes, as somebody trained it with the authors' code."""
    tensors = load_state_dict(str(
        shared_dir / 'reference/checkpoints/espnet_v1/encoder_espnet_p_2_q_3.pth'))
    tensors['classifier.conv.weight'] = torch.rand(7, 256, 1, 1)
    torch.save(tensors, str(tmp_path / 'my seven.pth'))
    return str(tmp_path / 'my seven.pth')


def test_a_released_file(released, tmp_path):
    """The directory has the same tensors and facts, and is found as a model."""
    directory = import_weights(released, str(tmp_path / 'models'), AS_IT_IS)
    assert sorted(os.listdir(directory)) == ['MODEL_CARD.md', 'card.yaml', 'weights.pth']
    assert os.listdir(str(tmp_path / 'models')) == [NAME]
    model, (network, card) = find_model(directory), load_upstream(released)
    ours = model.network().state_dict()
    assert all(torch.equal(value, ours[key]) for key, value in network.state_dict().items())
    changed = {'origin', 'sha256', 'weights'}
    for field in set(card._fields) - changed:
        assert getattr(model.card, field) == getattr(card, field), field
    assert card.sha256 in model.card.origin and 'sacmehta/EdgeNets' in model.card.origin
    assert model.card.licence.startswith('MIT')


def test_the_page_tells_the_facts(released, tmp_path):
    """Licence, origin, figures with their source, every class."""
    directory = import_weights(released, str(tmp_path), AS_IT_IS)
    with open(os.path.join(directory, 'MODEL_CARD.md')) as stream:
        page = stream.read()
    for text in ('# ' + NAME, '| licence | MIT', '47.3 (reported by the authors)',
                 'nothing was measured here', '| 18 | bicycle | 119, 11, 32 |'):
        assert text in page, text
    assert model_card.load(directory).sha256 in page


def test_a_file_of_ones_own(seven, tmp_path):
    """Names from a label set, size as given; no licence is claimed for it."""
    names = LabelSet('mine', tuple('abcdefg'), tuple((index, 0, 0) for index in range(7)))
    options = ImportOptions(name='seven', label_set=names, size=(640, 360))
    card = find_model(import_weights(seven, str(tmp_path / 'models'), options)).card
    assert card.arguments == {'p': 2, 'q': 3, 'classes': 7}
    assert (card.name, card.classes, card.palette) == ('seven', names.classes, names.palette)
    assert (card.input_width, card.input_height) == (640, 360)
    assert (card.licence, card.metrics, card.dataset) == ('', (), 'unknown')
    assert card.origin.startswith('none of the released files')


def test_an_imagenet_file(shared_dir, tmp_path):
    """A file saved under the released names of the classifiers, with its 1000 names."""
    order = json.loads(
        (shared_dir / 'reference/golden/classification_order_s0.5.json').read_text())
    torch.save({name: torch.rand(shape) for name, shape in order['order']},
               str(tmp_path / 'imagenet.pth'))
    model = find_model(import_weights(str(tmp_path / 'imagenet.pth'), str(tmp_path / 'models'),
                                      AS_IT_IS))
    assert (model.card.task, len(model.card.classes)) == ('classification', 1000)
    assert model.card.arguments == {'width': 0.5, 'classes': 1000}
    assert not model.card.multi_label
    options = ImportOptions(name='several', multi_label=True)
    assert model_card.load(import_weights(str(tmp_path / 'imagenet.pth'), str(tmp_path),
                                          options)).multi_label
    assert model.network().classifier.weight.shape == (1000, 1024)


def test_a_released_imagenet_file_brings_its_figures(shared_dir, tmp_path, monkeypatch):
    """It is known by the id of git; here the table has that of random weights."""
    order = json.loads(
        (shared_dir / 'reference/golden/classification_order_s0.5.json').read_text())
    path = str(tmp_path / 'download.pth')
    torch.save({name: torch.rand(shape) for name, shape in order['order']}, path)
    release = next(iter(IMAGENET_RELEASES.values()))
    monkeypatch.setitem(IMAGENET_RELEASES, git_object_id(path), release)
    directory = import_weights(path, str(tmp_path), AS_IT_IS)
    assert os.path.basename(directory) == 'espnetv2_s_0.5_imagenet_224x224'
    card = model_card.load(directory)
    assert [(row['name'], row['value']) for row in card.metrics] == [('top-1', 57.68),
                                                                     ('top-5', 79.85)]
    assert card.licence.startswith('MIT')


class Attack:
    """Pickles to a call of os.mkdir."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        """Ask the reader to create the folder."""
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize('spoil, sentence', [
    (lambda tensors, folder: {'0.weight': torch.zeros(3)}, 'is not a released checkpoint'),
    (lambda tensors, folder: dict(tensors, surplus=torch.zeros(3)), 'expected no such tensor'),
    (lambda tensors, folder: dict(tensors, surplus=Attack(folder)), 'is damaged, holds code'),
    (lambda tensors, folder: {'epoch': 3}, 'holds no state dict'),
])
def test_a_bad_file_leaves_nothing(released, tmp_path, spoil, sentence):
    """One sentence each; no directory is made, no code is run."""
    path, folder = str(tmp_path / 'bad.pth'), str(tmp_path / 'harm')
    torch.save(spoil(load_state_dict(released), folder), path)
    with pytest.raises(ModelError, match=sentence) as caught:
        import_weights(path, str(tmp_path), AS_IT_IS)
    assert '\n' not in str(caught.value)
    assert os.listdir(str(tmp_path)) == ['bad.pth']


def test_a_truncated_file_leaves_nothing(released, tmp_path):
    """As after a copy that was broken off."""
    with open(released, 'rb') as stream:
        (tmp_path / 'half.pth').write_bytes(stream.read(200000))
    with pytest.raises(ModelError, match='half.pth is damaged'):
        import_weights(str(tmp_path / 'half.pth'), str(tmp_path), AS_IT_IS)
    assert os.listdir(str(tmp_path)) == ['half.pth']


@pytest.mark.parametrize('options, sentence', [
    (ImportOptions(label_set=CITYSCAPES), "set 'cityscapes' has 19; give cityscapes20 or a "),
    (ImportOptions(multi_label=True), 'is for segmentation; only a classifier can be multi-label'),
    (ImportOptions(size=(8, 8)), 'input_width 8, expected an integer from 16'),
])
def test_what_does_not_fit_is_refused(released, tmp_path, options, sentence):
    """One sentence each, nothing is left behind."""
    with pytest.raises(ModelError, match=sentence):
        import_weights(released, str(tmp_path), options)
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize('name', ['../up', '.hidden', 'a b', 'a/b', '-rf'])
def test_names_that_are_no_directory_are_refused(released, tmp_path, name):
    """The name becomes a directory and an argument of commands."""
    with pytest.raises(SettingsError, match='cannot be the name of a model'):
        import_weights(released, str(tmp_path), ImportOptions(name=name))


def test_the_name_of_the_file_must_be_fit(seven, tmp_path):
    """A space is no part of a name; the sentence says what is."""
    with pytest.raises(SettingsError, match="'my seven' cannot be"):
        import_weights(seven, str(tmp_path), AS_IT_IS)


def test_a_model_is_replaced_only_where_that_is_asked_for(released, tmp_path):
    """And then as a whole."""
    directory = import_weights(released, str(tmp_path), AS_IT_IS)
    with pytest.raises(OutputError, match='there is a model at .*--force'):
        import_weights(released, str(tmp_path), ImportOptions(size=(512, 512)))
    assert model_card.load(directory).input_height == 256
    import_weights(released, str(tmp_path), ImportOptions(size=(512, 512), force=True))
    assert model_card.load(directory).input_height == 512
    assert os.listdir(str(tmp_path)) == [NAME]


def test_a_directory_that_is_no_model_is_never_replaced(released, tmp_path):
    """Not even with force."""
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / 'thesis.tex').write_text('years of work')
    with pytest.raises(OutputError, match='is there and is no model'):
        import_weights(released, str(tmp_path), ImportOptions(force=True))
    assert os.listdir(str(tmp_path / NAME)) == ['thesis.tex']


def test_a_full_disk_leaves_the_old_model(released, tmp_path, monkeypatch):
    """One sentence; the half-written directory is gone."""
    directory = import_weights(released, str(tmp_path), AS_IT_IS)

    def full(_card, _directory):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(importing.model_card, 'save', full)
    with pytest.raises(OutputError, match='cannot write the model .*No space left on device'):
        import_weights(released, str(tmp_path), ImportOptions(force=True))
    monkeypatch.undo()
    assert os.listdir(str(tmp_path)) == [NAME]
    find_model(directory).network()


def test_a_label_set_that_fits(released, tmp_path):
    """The one of 20 classes."""
    options = ImportOptions(name='city', label_set=CITYSCAPES_BACKGROUND)
    card = model_card.load(import_weights(released, str(tmp_path), options))
    assert card.classes[19] == 'background'
