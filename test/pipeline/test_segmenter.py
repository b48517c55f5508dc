# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The segmentation pipeline on a tiny model, and on real frames with released weights."""

import shutil

import cv2
from espnet_perception import model_card
from espnet_perception.engines import present_engines
from espnet_perception.errors import ImageError, ModelError, SettingsError
from espnet_perception.networks import IMAGE_NETWORKS
from espnet_perception.pipeline import create_segmenter
from espnet_perception.pipeline.base import SIDE_MULTIPLE, SIDE_MULTIPLES
from espnet_perception.settings import SegmenterSettings
import numpy as np
import pytest

ENGINE_NAMES = present_engines()


def image_of(height, width, seed=1):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope='module')
def segmenter(tiny_model_dir):
    """Return one open pipeline."""
    with create_segmenter(tiny_model_dir, settings=SegmenterSettings(threads=1)) as opened:
        yield opened


@pytest.mark.parametrize('size', [(64, 96), (1, 1), (1, 500), (360, 480), (719, 1279), (37, 53)])
def test_labels_have_the_size_of_the_image(segmenter, size):
    """No ordinary camera size raises."""
    result = segmenter.segment(image_of(*size))
    assert result.labels.shape == result.confidence.shape == size
    assert result.labels.dtype == result.confidence.dtype == np.uint8
    assert result.network_labels.shape == (64, 96)
    assert result.labels.max() < 5
    assert result.logits is None
    assert all(duration_ns >= 0 for duration_ns in result.times)
    assert result.times.total_ns == sum(result.times)
    result.labels[0, 0] = 7  # the caller owns it


def test_strided_views_are_fine(segmenter):
    """A mirrored or cropped view gives what its copy gives."""
    image_bgr = image_of(80, 120)
    for view in (image_bgr[:, ::-1], image_bgr[8:72, 12:108], image_bgr[::2, ::2]):
        expected = segmenter.segment(view.copy()).labels
        assert np.array_equal(segmenter.segment(view).labels, expected)


@pytest.mark.parametrize('wrong, sentence', [
    (np.zeros((4, 4), np.uint8), r'the image is \(4, 4\) uint8, expected \(H, W, 3\) uint8'),
    (np.zeros((4, 4, 4), np.uint8), r'\(4, 4, 4\) uint8'),
    (np.full((4, 4, 3), np.nan), 'float64'),
    (np.zeros((0, 4, 3), np.uint8), 'has 4 x 0 pixels'),
    ([[1]], 'the image is a list'),
])
def test_wrong_images(segmenter, wrong, sentence):
    """One sentence each, and the pipeline goes on."""
    with pytest.raises(ImageError, match=sentence):
        segmenter.segment(wrong)
    segmenter.segment(image_of(20, 20))


def test_confidence_threshold(tiny_model_dir):
    """Unsure pixels become void; the threshold changes at run time; network labels stay."""
    image_bgr = image_of(64, 96)
    with create_segmenter(tiny_model_dir, 'torch') as opened:
        before = opened.segment(image_bgr)
        threshold = float(np.median(before.confidence)) / 255.0
        opened.set_confidence_threshold(threshold)
        after = opened.segment(image_bgr)
        with pytest.raises(SettingsError, match="'confidence_threshold' is 1.5, expected 0.0 to"):
            opened.set_confidence_threshold(1.5)
    unsure = before.confidence < np.ceil(threshold * 255)
    assert 0 < unsure.sum() < unsure.size
    assert (after.labels[unsure] == 255).all()
    assert np.array_equal(after.labels[~unsure], before.labels[~unsure])
    assert np.array_equal(after.network_labels, before.network_labels)


def test_without_confidence(tiny_model_dir):
    """Confidence can be switched off, and a threshold then makes no sense."""
    settings = SegmenterSettings(confidence=False)
    with create_segmenter(tiny_model_dir, 'torch', settings) as opened:
        assert opened.segment(image_of(9, 9)).confidence is None
        with pytest.raises(SettingsError, match="confidence is switched off; set 'confidence'"):
            opened.set_confidence_threshold(0.5)


def test_kept_logits_decide_the_labels(tiny_model_dir, segmenter):
    """The evaluation path that keeps the scores gives the same labels."""
    settings = SegmenterSettings(keep_logits=True)
    with create_segmenter(tiny_model_dir, segmenter.describe()['engine'], settings) as opened:
        result = opened.segment(image_of(64, 96))
    assert result.logits.shape == (5, 64, 96)
    assert np.array_equal(result.labels, segmenter.segment(image_of(64, 96)).labels)


def test_network_size_is_rounded(tiny_model_dir):
    """A size that the network cannot take becomes the nearest that it can."""
    settings = SegmenterSettings(network_width=100, network_height=5)
    with create_segmenter(tiny_model_dir, 'torch', settings) as opened:
        facts = opened.describe()
        assert opened.segment(image_of(30, 40)).network_labels.shape == (16, 96)
    assert (facts['network_width'], facts['network_height']) == (96, 16)
    assert (facts['model'], facts['engine']) == ('tiny', 'torch')


def test_model_is_found_by_name(tiny_model_dir, monkeypatch):
    """Names are looked up in the folders of the variable; the nearest name is offered."""
    monkeypatch.setenv('ESPNET_PERCEPTION_MODELS', str(tiny_model_dir.parent))
    with create_segmenter('tiny', 'torch') as opened:
        assert opened.card.name == 'tiny'
    with pytest.raises(ModelError, match="unknown model 'tny'; did you mean 'tiny'"):
        create_segmenter('tny')
    with pytest.raises(ModelError, match="no model at '/nowhere/tiny'"):
        create_segmenter('/nowhere/tiny')


def test_weights_that_do_not_fit_the_card(tiny_model_dir, tmp_path):
    """A changed weight file and a card for another network are refused."""
    directory = tmp_path / 'tiny'
    shutil.copytree(tiny_model_dir, directory)
    card = model_card.load(str(directory))
    model_card.save(card._replace(arguments={'classes': 5, 'width': 1.0}), str(directory))
    with pytest.raises(ModelError, match='does not fit ESPNetv2Segmentation'):
        create_segmenter(directory, 'torch')
    with open(directory / 'weights.pth', 'ab') as stream:
        stream.write(b'x')
    with pytest.raises(ModelError, match='has sha256 .* its card says'):
        create_segmenter(directory, 'torch')
    (directory / 'weights.pth').unlink()
    with pytest.raises(ModelError, match='cannot read .*weights.pth: No such file'):
        create_segmenter(directory, 'torch')
    model_card.save(card._replace(task='classification'), str(directory))
    shutil.copy(tiny_model_dir / 'weights.pth', directory)
    with pytest.raises(ModelError, match="'tiny' is for classification, expected"):
        create_segmenter(directory, 'torch')


@pytest.mark.parametrize('engine', ENGINE_NAMES)
@pytest.mark.parametrize('frame', ['frankfurt_000000_000294', 'frankfurt_000000_000576'])
@pytest.mark.parametrize('name', ['espnetv2_s_0.5_city_1024x512', 'espnetv2_s_2.0_city_512x256'])
def test_real_frames_give_the_official_labels(shared_dir, engine, frame, name):
    """A camera-sized frame goes through the whole pipeline; labels agree in 99.9 % of pixels."""
    image_bgr = cv2.imread(str(shared_dir / f'data/frames/{frame}_leftImg8bit.png'))
    golden = cv2.imread(str(shared_dir / f'reference/golden/real/edgenets__{name}__{frame}.png'),
                        cv2.IMREAD_GRAYSCALE)
    path = shared_dir / f'reference/checkpoints/edgenets/{name}.pth'
    with create_segmenter(path, engine) as opened:
        result = opened.segment(image_bgr)
    assert (result.network_labels == golden).mean() >= 0.999
    step = image_bgr.shape[0] // golden.shape[0]
    assert np.array_equal(result.labels[::step, ::step], result.network_labels)


@pytest.mark.parametrize('engine', ENGINE_NAMES)
@pytest.mark.parametrize('name', [
    'espnet_v1/decoder_espnet_p_2_q_3', 'espnet_v1/encoder_espnet_p_2_q_3',
    'espnetv2_paper/espnetv2_segmentation_s_0.5'])
def test_first_networks_give_the_official_labels(shared_dir, engine, name):
    """Resized as float32, ESPNet-C enlarged eight times: labels agree in 99.9 % of pixels."""
    frame = 'frankfurt_000000_000576'
    image_bgr = cv2.imread(str(shared_dir / f'data/frames/{frame}_leftImg8bit.png'))
    golden_path = shared_dir / 'reference/golden/real' / '{}__{}.png'.format(
        name.replace('/', '__'), frame)
    golden = cv2.imread(str(golden_path), cv2.IMREAD_GRAYSCALE)
    settings = SegmenterSettings(confidence=False)
    with create_segmenter(shared_dir / f'reference/checkpoints/{name}.pth', engine,
                          settings) as opened:
        result = opened.segment(image_bgr)
    assert (result.network_labels == golden).mean() >= 0.999


def test_sides_that_each_network_takes(shared_dir):
    """The table of side multiples is that of the networks; CamVid's 360 rows stay 360."""
    for name, network in IMAGE_NETWORKS.items():
        multiple = getattr(network, 'side_multiple', None)
        assert multiple in (None, SIDE_MULTIPLES.get(name, SIDE_MULTIPLE))
    path = shared_dir / 'reference/checkpoints/espnet_v1/decoder_espnet_p_2_q_8_camvid.pth'
    with create_segmenter(path, 'torch') as opened:
        assert opened.segment(image_of(361, 479)).network_labels.shape == (360, 480)


def test_large_frame_logits(shared_dir):
    """At 1024x512 the pyramid is not clamped: the scores are the official ones there too."""
    name, frame = 'espnetv2_s_2.0_city_1024x512', 'frankfurt_000000_000294'
    image_bgr = cv2.imread(str(shared_dir / f'data/frames/{frame}_leftImg8bit.png'))
    golden = np.load(shared_dir / f'reference/golden/real/edgenets__{name}__{frame}__logits.npz')
    settings = SegmenterSettings(keep_logits=True)
    path = shared_dir / f'reference/checkpoints/edgenets/{name}.pth'
    for engine in ENGINE_NAMES:
        with create_segmenter(path, engine, settings) as opened:
            logits = opened.segment(image_bgr).logits
        difference = logits[:, golden['ys']][:, :, golden['xs']] - golden['logits_sub']
        assert np.abs(difference).max() < 1e-4, engine
