# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The classification pipeline: exact preprocessing, probabilities, choice and smoothing."""

import json

from espnet_perception.engines import present_engines
from espnet_perception.errors import EngineError, ImageError, ModelError, SettingsError
from espnet_perception.frame import Frame
from espnet_perception.networks import create_network
from espnet_perception.pipeline import create_classifier, create_segmenter
from espnet_perception.pipeline.classifier import best_classes, probabilities
from espnet_perception.pipeline.smoothing import LONGEST_GAP_NS, Smoother
from espnet_perception.settings import ClassifierSettings
import numpy as np
from PIL import Image
import pytest
import torch

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def image_of(height, width, seed=1):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)


def imagenet_input(image_bgr, size):
    """Return the network's input as ImageNet is evaluated, computed step by step from the text."""
    picture = Image.fromarray(np.ascontiguousarray(image_bgr[:, :, ::-1]))
    shorter = int(size / 0.875)
    if picture.width <= picture.height:
        resized = (shorter, int(shorter * picture.height / picture.width))
    else:
        resized = (int(shorter * picture.width / picture.height), shorter)
    picture = picture.resize(resized, Image.BILINEAR)
    left = int(round((picture.width - size) / 2.0))
    top = int(round((picture.height - size) / 2.0))
    picture = picture.crop((left, top, left + size, top + size))
    pixels = np.asarray(picture, np.float32) / 255
    return ((pixels - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)[np.newaxis]


@pytest.fixture(scope='module')
def released(shared_dir, tmp_path_factory):
    """Path of the official fill under the released names of tensors, and its official scores."""
    reference = shared_dir / 'reference/golden'
    golden = np.load(reference / 'classification_fill_s0.5.npz')
    order = json.loads((reference / 'classification_order_s0.5.json').read_text())['order']
    tensors, index = {}, 0
    for name, shape in order:
        if not shape:
            continue
        uniform = np.random.RandomState(int(golden['seed_base']) + index).random_sample(
            int(np.prod(shape)))
        fan = np.prod(shape[1:])
        values = (2 * uniform - 1) * np.sqrt(3.75 / fan) if len(shape) > 1 else 0.1 + 0.8 * uniform
        tensors[name] = torch.from_numpy(values.astype(np.float32)).reshape(shape)
        index += 1
    path = tmp_path_factory.mktemp('released') / 'espnetv2_s_0.5.pth'
    torch.save(tensors, path)
    return path, golden


@pytest.mark.parametrize('engine', present_engines())
def test_a_released_file_gives_the_official_scores(released, engine):
    """Whole pipeline on a photo-sized image; the network itself is checked against the golden."""
    from espnet_perception.networks.upstream import load_upstream
    path, golden = released
    network, card = load_upstream(path)
    assert (card.crop_ratio, card.resize, card.input_width) == (0.875, 'pil_bilinear', 224)
    with torch.no_grad():
        scores = network(torch.from_numpy(golden['input_96x128'])).numpy()
        assert np.abs(scores - golden['logits_96x128']).max() < 1e-4
        image_bgr = image_of(310, 417)
        logits = network(torch.from_numpy(imagenet_input(image_bgr, 224)))[0].double().numpy()
    expected = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
    with create_classifier(path, engine, ClassifierSettings(threads=1)) as classifier:
        result = classifier.classify(image_bgr)
    kept = expected > -80  # smaller probabilities are no normal float32 numbers any more
    assert kept.sum() > 900
    assert np.abs(np.log(result.all_scores[kept].astype(float)) - expected[kept]).max() < 2e-4
    assert result.ids == tuple(np.argsort(-expected, kind='stable')[:5])
    assert result.names == tuple(card.classes[class_id] for class_id in result.ids)


@pytest.mark.parametrize('size', [(256, 256), (480, 640), (641, 479), (300, 1000), (97, 31)])
def test_shorter_side_and_centre_are_those_of_imagenet(tiny_classifier_dir, size):
    """Every pixel that reaches the engine equals the one computed step by step."""
    seen = []
    with create_classifier(tiny_classifier_dir, 'torch') as classifier:
        classifier._engine = Recorder(classifier._engine, seen)
        classifier.classify(image_of(*size))
    pixels = (seen[0][:, :, ::-1].astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
    np.testing.assert_allclose(pixels.transpose(2, 0, 1)[np.newaxis],
                               imagenet_input(image_of(*size), 64), atol=1e-6)


class Recorder:
    """An engine that notes what it is given."""

    def __init__(self, engine, seen):
        self._engine, self._seen = engine, seen

    def infer(self, image_bgr):
        """Note the pixels and run the engine."""
        self._seen.append(image_bgr)
        return self._engine.infer(image_bgr)

    def close(self):
        """Close the engine."""
        self._engine.close()


def test_a_model_that_was_trained_by_stretching_is_fed_so(make_classifier_dir):
    """Without a crop ratio the whole image is in the input, and another size may be asked for."""
    directory, seen = make_classifier_dir(), []
    settings = ClassifierSettings(network_width=50, network_height=37)
    with create_classifier(directory, 'torch', settings) as classifier:
        facts = classifier.describe()
        classifier._engine = Recorder(classifier._engine, seen)
        classifier.classify(image_of(80, 100))
    expected = np.asarray(Image.fromarray(image_of(80, 100)).resize(
        (50, 37), Image.BILINEAR))
    assert np.array_equal(seen[0], expected)
    assert (facts['network_width'], facts['network_height']) == (50, 37)
    assert (facts['task'], facts['labels_per_image']) == ('classification', 'one')


def test_probabilities():
    """Softmax and sigmoid by hand, and where a naive exponential is infinite."""
    logits = np.float32([np.log(1), np.log(3), np.log(6)])
    np.testing.assert_allclose(probabilities(logits, False), [0.1, 0.3, 0.6], rtol=1e-6)
    np.testing.assert_allclose(probabilities(logits, True), [1 / 2, 3 / 4, 6 / 7], rtol=1e-6)
    large = np.float32([-2000, 0, 2000])
    assert probabilities(large, False).tolist() == [0, 0, 1]
    assert probabilities(large, True).tolist() == [0, 0.5, 1]
    assert probabilities(large, True).dtype == np.float32
    with pytest.raises(EngineError, match='gave 2 scores of 3 that are no finite numbers'):
        probabilities(np.float32([np.nan, 1, np.inf]), False)


@pytest.mark.parametrize('top_k, threshold, expected', [
    (3, 0.0, [2, 1, 3]),
    (0, 0.0, [2, 1, 3, 0, 4]),
    (9, 0.2, [2, 1, 3]),
    (1, 0.5, []),
])
def test_the_best_classes(top_k, threshold, expected):
    """At most k, none below the threshold, the lower id first among equals."""
    scores = np.float32([0.1, 0.2, 0.4, 0.2, 0.1])
    assert best_classes(scores, top_k, threshold).tolist() == expected


def test_a_result_holds_together(tiny_classifier_dir):
    """Ids, names and scores are parallel; all scores add up to 1."""
    with create_classifier(tiny_classifier_dir, settings=ClassifierSettings(top_k=3)) as opened:
        result = opened.classify(image_of(100, 120))
        assert result.all_scores.shape == (7,)
        assert result.all_scores.sum() == pytest.approx(1, abs=1e-6)
        assert result.scores.tolist() == sorted(result.all_scores.tolist(), reverse=True)[:3]
        assert [opened.card.classes[class_id] for class_id in result.ids] == list(result.names)
        assert not result.multi_label
        assert result.times.total_ns == sum(result.times)
        opened.change({'score_threshold': float(result.scores[1]), 'top_k': 0})
        assert opened.classify(image_of(100, 120)).ids == result.ids[:2]
        with pytest.raises(SettingsError, match="'top_k' is -1, expected 0 to 65535"):
            opened.change({'top_k': -1})
        with pytest.raises(ImageError, match=r'expected \(H, W, 3\) uint8'):
            opened.classify(np.zeros((4, 4), np.uint8))


def test_several_labels(make_classifier_dir):
    """A sigmoid each: the same order as softmax, another sum."""
    directory = make_classifier_dir(multi_label=True)
    with create_classifier(directory, 'torch') as opened:
        result = opened.classify(image_of(64, 64))
        assert opened.describe()['labels_per_image'] == 'several'
    assert result.multi_label
    assert result.all_scores.sum() != pytest.approx(1, abs=1e-3)


def test_a_model_of_another_task_is_refused(tiny_model_dir, tiny_classifier_dir):
    """Both ways."""
    with pytest.raises(ModelError, match="'tiny' is for segmentation, expected one for classif"):
        create_classifier(tiny_model_dir, 'torch')
    with pytest.raises(ModelError, match="'scenes' is for classification, expected one for segm"):
        create_segmenter(tiny_classifier_dir, 'torch')


def smoothed(frames, *rows):
    """Return what a smoother gives for rows of (stamp in s, frame_id, probabilities)."""
    smoother = Smoother()
    return [smoother.add(np.float32(row), int(stamp_s * 1e9), frame_id, frames).tolist()
            for stamp_s, frame_id, row in rows]


def test_smoothing_weighs_a_new_frame_by_two_over_n_plus_one():
    """Over three frames by a half, over seven by a quarter."""
    rows = [(10.0, 'cam', (1, 0)), (10.1, 'cam', (0, 1)), (10.2, 'cam', (0, 1))]
    assert smoothed(3, *rows) == [[1, 0], [0.5, 0.5], [0.25, 0.75]]
    assert smoothed(7, *rows) == [[1, 0], [0.75, 0.25], [0.5625, 0.4375]]


@pytest.mark.parametrize('frames', [0, 1])
def test_smoothing_is_off_by_default(frames):
    """And each frame then stands for itself."""
    rows = [(10.0, 'cam', (1, 0)), (10.1, 'cam', (0, 1))]
    assert smoothed(frames, *rows) == [[1, 0], [0, 1]]
    assert ClassifierSettings().smoothing_frames == 0


@pytest.mark.parametrize('stamp_s, frame_id, expected', [
    (10.0, 'cam', [0.5, 0.5]),
    (10.0 + LONGEST_GAP_NS / 1e9, 'cam', [0.5, 0.5]),
    (10.1 + LONGEST_GAP_NS / 1e9, 'cam', [0, 1]),
    (9.9, 'cam', [0, 1]),
    (10.1, 'rear', [0, 1]),
])
def test_smoothing_begins_anew(stamp_s, frame_id, expected):
    """After a gap, a bag that is played again, and with another camera."""
    assert smoothed(3, (10.0, 'cam', (1, 0)), (stamp_s, frame_id, (0, 1)))[1] == expected


def test_following_a_camera(tiny_classifier_dir):
    """Frames are smoothed, single images in between are not and leave no trace."""
    with create_classifier(tiny_classifier_dir, 'torch') as opened:
        first, second = (opened.classify(image_of(64, 64, seed)).all_scores for seed in (1, 2))
        assert np.array_equal(opened.follow(Frame(image_of(64, 64, 1), 0, '')).all_scores, first)
        opened.change({'smoothing_frames': 3})
        opened.classify(image_of(64, 64, 5))
        result = opened.follow(Frame(image_of(64, 64, 2), 10 ** 8, ''))
        np.testing.assert_allclose(result.all_scores, (first + second) / 2, rtol=1e-5)
        assert result.scores[0] == result.all_scores.max()


def test_the_side_of_a_classifier_is_free():
    """No rounding: the network takes any size, as its table says."""
    from espnet_perception.pipeline.base import SIDE_MULTIPLES
    assert SIDE_MULTIPLES['espnetv2'] == 1
    assert create_network('espnetv2', width=0.5, classes=2).eval()(
        torch.zeros(1, 3, 37, 50)).shape == (1, 2)
