# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Model cards: what they hold, and what they refuse."""

from espnet_perception import model_card
from espnet_perception.errors import ModelError
import pytest


@pytest.fixture
def values(tiny_model_dir):
    """Return the fields of a valid card."""
    return model_card.to_dict(model_card.load(str(tiny_model_dir)))


def test_round_trip(tiny_model_dir, tmp_path):
    """What is saved is loaded."""
    card = model_card.load(str(tiny_model_dir))
    model_card.save(card, str(tmp_path))
    assert model_card.load(str(tmp_path)) == card


@pytest.mark.parametrize('change, sentence', [
    ({'clases': []}, "unknown field of the model card 'clases'; did you mean 'classes'"),
    ({'task': 'detection'}, "task 'detection', expected one of segmentation"),
    ({'palette': [[1, 2, 3]]}, 'expected 5 colours'),
    ({'palette': 'red'}, 'expected a list of'),
    ({'palette': [[0, 0, 300]] * 5}, 'three values 0..255'),
    ({'classes': 'road'}, 'expected a list of class names'),
    ({'input_width': 8}, 'input_width 8, expected an integer from 16 to 8192'),
    ({'mean': [1.0]}, 'expected three numbers'),
    ({'weights': '../weights.pth'}, 'expected a file name without folders'),
    ({'channel_order': 'gbr'}, 'expected rgb or bgr'),
    ({'resize': 'any'}, 'expected one of pil_bilinear'),
    ({'arguments': [1]}, 'expected a mapping'),
    ({'arguments': {'classes': 6}}, 'classes 5, expected 6 names, one for each class of the'),
    ({'classes': list(range(256)), 'palette': [[0, 0, 0]] * 256, 'arguments': {}},
     "classes '256 names', expected at most 255 for segmentation"),
    ({'crop_ratio': 0.875}, 'crop_ratio 0.875, expected 0, for a cropped image cannot have'),
    ({'task': 'classification', 'crop_ratio': 1.5}, 'crop_ratio 1.5, expected 0 .no crop. or'),
    ({'task': 'classification', 'crop_ratio': 'yes'}, "crop_ratio 'yes', expected 0"),
    ({'multi_label': 'no'}, "multi_label 'no', expected true or false"),
])
def test_wrong_fields(values, change, sentence):
    """One sentence each."""
    values.update(change)
    with pytest.raises(ModelError, match=sentence):
        model_card.from_dict(values)


def test_missing_fields(values):
    """All that is missing is named."""
    del values['sha256'], values['network']
    with pytest.raises(ModelError, match='lacks network, sha256'):
        model_card.from_dict(values)


@pytest.mark.parametrize('content, sentence', [
    (None, 'cannot read the model card .*No such file'),
    ('a: [', 'is not valid YAML'),
    ('- 1', 'holds list, expected a mapping'),
    ('name: x', 'card.yaml: the model card lacks task'),
])
def test_unreadable_cards(tmp_path, content, sentence):
    """The path is in the sentence."""
    if content is not None:
        (tmp_path / 'card.yaml').write_text(content)
    with pytest.raises(ModelError, match=sentence):
        model_card.load(str(tmp_path))
