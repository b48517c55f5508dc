# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages become frames and results become messages, without losing stamp, frame or pixels."""

import array

import cv2
from espnet_perception.errors import ImageError
from espnet_perception.frame import Frame
from espnet_perception.label_sets import CITYSCAPES
from espnet_perception.model_card import ModelCard
from espnet_perception.nodes.diagnostics import Status, WARN
from espnet_perception.pipeline.decoding import ENCODINGS
from espnet_perception.results import Classification
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures('ros')
STAMP_NS = 1700000000123456789
HEIGHT, WIDTH = 4, 6


@pytest.fixture
def conversions(ros):
    """Import the conversions once ROS is known to be there."""
    from espnet_perception.nodes import conversions
    return conversions


def pixels_bgr():
    """Return (4, 6, 3) noise."""
    return np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def message_of(rows, encoding, padding=0, is_bigendian=0, width=WIDTH, height=HEIGHT):
    """Return an Image of rows of samples, padded."""
    from sensor_msgs.msg import Image
    rows = np.ascontiguousarray(rows).reshape(len(rows), -1)
    rows = np.pad(rows.view(np.uint8), ((0, 0), (0, padding)))
    message = Image(height=height, width=width, encoding=encoding, step=rows.shape[1],
                    is_bigendian=is_bigendian, data=array.array('B', rows.tobytes()))
    message.header.frame_id = 'camera'
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(STAMP_NS, 10 ** 9)
    return message


def encoded(encoding):
    """Return rows of samples of a grey flat image in any encoding, and its grey."""
    layout, grey = ENCODINGS[encoding], 120
    if layout.conversion in (cv2.COLOR_YUV2BGR_UYVY, cv2.COLOR_YUV2BGR_YUY2):
        luma_first = layout.conversion == cv2.COLOR_YUV2BGR_YUY2
        return np.tile(np.array([grey, 128] if luma_first else [128, grey], np.uint8),
                       (HEIGHT, WIDTH))
    if layout.chroma_plane:
        return np.vstack([np.full((HEIGHT, WIDTH), grey, np.uint8),
                          np.full((HEIGHT // 2, WIDTH), 128, np.uint8)])
    value, kind = {'u1': (grey, np.uint8), 'u2': (grey * 257, np.uint16),
                   'f4': (grey / 255, np.float32)}[layout.sample]
    return np.full((HEIGHT, WIDTH * layout.channels), value, kind)


@pytest.mark.parametrize('padding', [0, 4])
@pytest.mark.parametrize('encoding', sorted(ENCODINGS))
def test_every_encoding_there_and_back(conversions, encoding, padding):
    message = message_of(encoded(encoding), encoding, padding)
    frame = conversions.to_frame(message)
    assert (frame.stamp_ns, frame.frame_id) == (STAMP_NS, 'camera')
    assert frame.image_bgr.shape == (HEIGHT, WIDTH, 3)
    limited_range = ENCODINGS[encoding].even_width
    expected = (120 - 16) * 255 / 219 if limited_range else 120
    assert np.abs(frame.image_bgr - expected).max() <= 1
    back = conversions.to_image(frame, frame.image_bgr)
    assert back.header == message.header
    np.testing.assert_array_equal(conversions.to_frame(back).image_bgr, frame.image_bgr)


def test_bgr8_is_not_copied(conversions):
    message = message_of(pixels_bgr(), 'bgr8')
    frame = conversions.to_frame(message)
    message.data[3] = 17
    assert frame.image_bgr[0, 1, 0] == 17


def test_a_mask_is_mono8_without_padding(conversions):
    labels = np.arange(HEIGHT * WIDTH * 2, dtype=np.uint8).reshape(HEIGHT, -1)[:, ::2]
    frame = Frame(pixels_bgr(), -1500000000, 'odd')
    message = conversions.to_image(frame, labels)
    assert (message.encoding, message.step, message.height) == ('mono8', WIDTH, HEIGHT)
    assert isinstance(message.data, array.array)
    assert message.data.tobytes() == labels.tobytes()
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (-2, 500000000)
    assert message.header.frame_id == 'odd'


@pytest.mark.parametrize('suffix', ['png', 'jpeg'])
def test_compressed(conversions, suffix):
    from sensor_msgs.msg import CompressedImage
    flat = np.full((HEIGHT, WIDTH, 3), (10, 120, 230), np.uint8)
    coded = cv2.imencode('.' + suffix, flat)[1]
    message = CompressedImage(format='bgr8; jpeg compressed bgr8',
                              data=array.array('B', coded.tobytes()))
    message.header.frame_id = 'rear'
    frame = conversions.to_frame(message)
    assert frame.frame_id == 'rear'
    assert np.abs(frame.image_bgr.astype(int) - flat).max() <= 6


def test_what_is_no_image_is_refused(conversions):
    message = message_of(pixels_bgr(), 'bgr8')
    message.step = 17
    with pytest.raises(ImageError, match='step of 17 bytes'):
        conversions.to_frame(message)


def test_an_encoding_beyond_the_list_names_the_list(conversions, monkeypatch):
    monkeypatch.setattr(conversions, '_cv_bridge', lambda: None)
    with pytest.raises(ImageError, match="unknown image encoding 'bayer_rggb16'.*bgr8"):
        conversions.to_frame(message_of(pixels_bgr(), 'bayer_rggb16'))


def test_cv_bridge_is_asked_for_the_rest(conversions, monkeypatch):
    class Bridge:
        def imgmsg_to_cv2(self, message, encoding):
            if message.encoding == 'bad':
                raise KeyError('cannot do that')
            return np.full((HEIGHT, WIDTH, 3), 3, np.uint8)

    monkeypatch.setattr(conversions, '_cv_bridge', Bridge)
    assert conversions.to_frame(message_of(pixels_bgr(), 'bgr16x')).image_bgr[0, 0, 0] == 3
    with pytest.raises(ImageError, match="unknown image encoding 'bad'.*bgr8.*cannot do that"):
        conversions.to_frame(message_of(pixels_bgr(), 'bad'))


@pytest.mark.parametrize('encoding', ['bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8', 'mono16',
                                      'bayer_rggb8', 'bayer_bggr8', 'bayer_gbrg8', 'bayer_grbg8',
                                      'yuv422', 'yuv422_yuy2'])
def test_cv_bridge_sees_the_same_pixels(conversions, encoding):
    cv_bridge = pytest.importorskip('cv_bridge', reason='cv_bridge comes with a ROS installation')
    layout = ENCODINGS[encoding]
    kind = np.uint16 if layout.sample == 'u2' else np.uint8
    samples = np.random.default_rng(2).integers(
        0, 256, (64, 64 * layout.channels), dtype=np.uint8).astype(kind)
    message = message_of(samples * (257 if kind is np.uint16 else 1), encoding, width=64,
                         height=64)
    theirs = cv_bridge.CvBridge().imgmsg_to_cv2(message, 'bgr8')
    np.testing.assert_array_equal(conversions.to_frame(message).image_bgr, theirs)


def card():
    """Return the card of a Cityscapes model."""
    return ModelCard(name='city', task='segmentation', network='n', arguments={},
                     classes=CITYSCAPES.classes, palette=CITYSCAPES.palette, input_width=64,
                     input_height=32, weights='w', sha256='s')


def test_legend(conversions):
    legend = conversions.to_legend(card(), STAMP_NS, 'camera')
    assert (legend.model, legend.void_id, legend.header.frame_id) == ('city', 255, 'camera')
    assert list(zip(legend.ids, legend.names)) == list(enumerate(CITYSCAPES.classes))
    assert list(legend.palette_rgb) == [part for colour in CITYSCAPES.palette for part in colour]


def test_label_info(conversions):
    if conversions.LabelInfo is None:
        pytest.skip('vision_msgs comes with a ROS installation')
    info = conversions.to_label_info(card(), STAMP_NS, 'camera', 0.25)
    assert [(entry.class_id, entry.class_name) for entry in info.class_map] == list(
        enumerate(CITYSCAPES.classes))
    assert info.threshold == 0.25


def test_the_legend_of_a_classifier_has_no_void_and_room_for_many(conversions):
    many = card()._replace(task='classification', classes=('x',) * 1000,
                           palette=((1, 2, 3),) * 1000)
    legend = conversions.to_legend(many, STAMP_NS, '')
    assert (legend.ids[-1], legend.void_id) == (999, 65535)
    assert conversions.from_legend(legend)[1] == ['x'] * 1000


def classification():
    """Return the result of a classifier."""
    scores = np.float32([0.1, 0.2, 0.7])
    return Classification((2, 1), ('c', 'b'), scores[[2, 1]], scores, True, None)


def test_class_scores_there_and_back(conversions):
    message = conversions.to_class_scores(frame_of(2, 2), 'net', classification())
    assert message.header == message_of(pixels_bgr(), 'bgr8').header
    assert (message.model, message.multi_label) == ('net', True)
    assert (list(message.ids), list(message.names)) == ([2, 1], ['c', 'b'])
    stamp_ns, ids, scores = conversions.from_class_scores(message)
    assert (stamp_ns, ids.tolist()) == (STAMP_NS, [2, 1])
    assert scores.dtype == np.float32 and np.array_equal(scores, classification().scores)


class StandIn:
    """A message with the fields of a definition; any other field is refused, as rclpy does."""

    def __init__(self, **fields):
        assert set(fields) <= set(self.FIELDS)
        for name, kind in self.FIELDS.items():
            setattr(self, name, fields.get(name, kind()))
            assert isinstance(getattr(self, name), kind)


class ObjectHypothesis(StandIn):
    """vision_msgs/ObjectHypothesis from Humble on: string class_id, float64 score."""

    FIELDS = {'class_id': str, 'score': float}


def test_classification_for_users_of_vision_msgs(conversions, monkeypatch):
    from std_msgs.msg import Header
    if conversions.VisionClassification is None:
        stand_in = type('Classification', (StandIn,), {'FIELDS': {'header': Header,
                                                                  'results': list}})
        monkeypatch.setattr(conversions, 'VisionClassification', stand_in)
        monkeypatch.setattr(conversions, 'ObjectHypothesis', ObjectHypothesis)
    message = conversions.to_classification(frame_of(2, 2), classification())
    assert message.header == message_of(pixels_bgr(), 'bgr8').header
    assert [(one.class_id, one.score) for one in message.results] == [
        ('2', pytest.approx(0.7)), ('1', pytest.approx(0.2))]


def camera_info(**changes):
    """Return the CameraInfo of a 1280x960 camera."""
    from sensor_msgs.msg import CameraInfo
    fields = {'height': 960, 'width': 1280, 'distortion_model': 'plumb_bob',
              'd': [.1, .2, .3, .4, .5], 'r': [1., 0., 0., 0., 0., 1., 0., -1., 0.],
              'k': [1000., 0., 640., 0., 900., 480., 0., 0., 1.],
              'p': [1010., 0., 630., -70., 0., 910., 470., 7., 0., 0., 1., 0.]}
    fields.update(changes)
    return CameraInfo(**fields)


def frame_of(height, width):
    """Return an empty frame."""
    return Frame(np.zeros((height, width, 3), np.uint8), STAMP_NS, 'camera')


def test_camera_info_of_a_smaller_mask(conversions):
    scaled = conversions.scale_camera_info(camera_info(), frame_of(960, 1280), (240, 640))
    assert (scaled.width, scaled.height, scaled.header.frame_id) == (640, 240, 'camera')
    np.testing.assert_allclose(scaled.k, [500, 0, 320, 0, 225, 120, 0, 0, 1])
    np.testing.assert_allclose(scaled.p, [505, 0, 315, -35, 0, 227.5, 117.5, 1.75, 0, 0, 1, 0])
    assert list(scaled.d) == [.1, .2, .3, .4, .5]
    assert list(scaled.r) == [1, 0, 0, 0, 0, 1, 0, -1, 0]
    assert scaled.distortion_model == 'plumb_bob'


def test_camera_info_with_binning_and_region_of_interest(conversions):
    from sensor_msgs.msg import RegionOfInterest
    info = camera_info(binning_x=2, binning_y=2, roi=RegionOfInterest(
        x_offset=200, y_offset=100, width=800, height=600))
    scaled = conversions.scale_camera_info(info, frame_of(300, 400), (150, 200))
    # a point of the full image, as x 600, y 400, is at (600 - 200) / 2 / 2 = 100 and 75
    np.testing.assert_allclose(scaled.k, [250, 0, 110, 0, 225, 95, 0, 0, 1])
    assert (scaled.binning_x, scaled.roi.width, scaled.roi.x_offset) == (0, 0, 0)


def test_diagnostics(conversions):
    status = Status('segmentation: frames')
    status.summary(WARN, 'slow')
    status.add('rate (Hz)', 2.5)
    status.add('absent', None)
    message = conversions.to_diagnostics(STAMP_NS, 'board 7', [status])
    row, = message.status
    assert (row.level, row.name, row.hardware_id) == (b'\x01', 'segmentation: frames', 'board 7')
    assert [(entry.key, entry.value) for entry in row.values] == [('rate (Hz)', '2.500')]
    assert message.header.stamp.sec == 1700000000


def test_published_frames_are_those_of_this_machine(conversions):
    from diagnostic_msgs.msg import DiagnosticArray

    def array(name, hardware, *values):
        status = Status(name)
        for key, value in values:
            status.add(key, value)
        return conversions.to_diagnostics(STAMP_NS, hardware, [status]).status[0]
    key = 'frames published since startup'
    message = DiagnosticArray(status=[
        array('front/segmentation: frames', 'board 7', (key, 120), ('Events in window', 3)),
        array('rear/segmentation: frames', 'board 8', (key, 50)),
        array('front/segmentation: latency', 'board 7', (key, 60)),
        array('strange: frames', 'board 7', (key, 'many'))])
    assert conversions.published_frames(message, 'board 7') == {'front/segmentation': 120}
