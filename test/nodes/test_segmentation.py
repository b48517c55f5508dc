# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The real node in its own process, with a real camera topic, over real DDS."""

import shutil

from camera_images import HEIGHT, image_bgr, image_message, WIDTH
from espnet_perception.pipeline import create_segmenter
from espnet_perception.settings import SegmenterSettings
import numpy as np
import pytest

NODE = '/segmentation'


@pytest.fixture(scope='module')
def model_dir(tiny_model_dir, tmp_path_factory):
    """Return a copy of the tiny model that a test may damage and mend."""
    return shutil.copytree(tiny_model_dir, tmp_path_factory.mktemp('own') / 'tiny')


@pytest.fixture(scope='module')
def node(start_node, model_dir):
    """Return the node that most tests here share."""
    return start_node(model=model_dir, engine='torch', diagnostics_period_s=0.2,
                      overlay_opactiy=0.3)


@pytest.fixture(scope='module')
def camera(peer, node):
    """Return a camera that the active node listens to."""
    from sensor_msgs.msg import Image
    return peer.publisher(Image, '/image')


@pytest.fixture(scope='module')
def masks(peer, camera):
    """Return the growing list of masks; the subscription is matched."""
    from sensor_msgs.msg import Image
    messages = peer.collect(Image, '/segmentation/mask')
    peer.wait_for(lambda: peer.node.count_publishers('/segmentation/mask'), 'mask publisher')
    return messages


@pytest.fixture(scope='module')
def answer(peer, camera, masks):
    """Send an image and return its mask; the image is sent again until discovery is done."""
    def send(message):
        def answered():
            camera.publish(message)
            return [mask for mask in masks if mask.header.stamp == message.header.stamp]
        return peer.wait_for(answered, 'mask')[0]
    return send


@pytest.fixture(scope='module')
def statuses(peer, node):
    """Return a function that waits for a diagnostic status for which a condition holds."""
    from diagnostic_msgs.msg import DiagnosticArray
    arrays = peer.collect(DiagnosticArray, '/diagnostics')

    def wait(name, condition):
        arrays.clear()

        def found():
            for status in arrays[-1].status if arrays else ():
                values = {entry.key: entry.value for entry in status.values}
                if status.name == name and condition(status, values):
                    return status, values
            return None
        return peer.wait_for(found, f'status {name}')
    return wait


def test_the_mask_is_the_pipelines_with_the_cameras_header(answer, model_dir):
    message = image_message(image_bgr(3))
    mask = answer(message)
    assert mask.header == message.header
    assert (mask.encoding, mask.height, mask.width, mask.step) == ('mono8', HEIGHT, WIDTH, WIDTH)
    with create_segmenter(str(model_dir), 'torch', SegmenterSettings()) as segmenter:
        expected = segmenter.segment(image_bgr(3)).labels
    labels = np.frombuffer(mask.data, np.uint8).reshape(HEIGHT, WIDTH)
    np.testing.assert_array_equal(labels, expected)
    assert labels.max() < 5


def test_an_unknown_parameter_is_reported_with_the_nearest(node, camera):
    assert "unknown parameter 'overlay_opactiy'; did you mean 'overlay_opacity'" in node.log()


def test_a_late_subscriber_receives_the_legend(peer, answer):
    from espnet_msgs.msg import Legend
    from espnet_perception.nodes import qos
    answer(image_message())
    legends = peer.collect(Legend, '/segmentation/legend', qos.latched())
    legend = peer.wait_for(lambda: legends, 'legend')[-1]
    assert legend.model == 'tiny'
    assert list(legend.names) == ['a', 'b', 'c', 'd', 'e']
    assert list(legend.ids) == [0, 1, 2, 3, 4]
    assert list(legend.palette_rgb[:6]) == [255, 0, 0, 0, 255, 0]
    assert legend.void_id == 255
    assert legend.header.frame_id == 'front_camera'


def test_pictures_come_once_somebody_subscribes(peer, camera):
    from sensor_msgs.msg import Image
    outputs = {name: peer.collect(Image, f'/segmentation/{name}')
               for name in ('confidence', 'overlay', 'color_mask')}

    def all_there():
        camera.publish(image_message())
        return all(outputs.values())

    peer.wait_for(all_there, 'confidence, overlay and colour mask')
    assert outputs['confidence'][0].encoding == 'mono8'
    assert outputs['overlay'][0].encoding == outputs['color_mask'][0].encoding == 'bgr8'
    assert outputs['overlay'][0].header.frame_id == 'front_camera'
    assert len(outputs['overlay'][0].data) == 3 * HEIGHT * WIDTH


@pytest.mark.parametrize('content, reason', [
    ({'encoding': 'bgr9'}, "unknown image encoding 'bgr9'; did you mean 'bgr8'"),
    ({'step': 7}, 'has a step of 7 bytes'),
    ({'pixels': np.zeros((0, 0, 3), np.uint8), 'step': 0}, '0 x 0 pixels'),
    ({'pixels': np.full((4, 4), np.nan, np.float32), 'encoding': '32FC1'}, 'NaN'),
])
def test_a_bad_image_is_counted_and_the_node_goes_on(camera, answer, statuses, content, reason):
    def rejected(values):
        return int(values['frames rejected since startup'])

    before = rejected(statuses('segmentation: frames', lambda *_: True)[1])
    camera.publish(image_message(**content))
    status, _values = statuses('segmentation: frames',
                               lambda _status, values: rejected(values) > before)
    assert status.level == b'\x01'
    assert reason in status.message
    assert answer(image_message()).height == HEIGHT


def test_a_stamp_that_goes_backwards_is_counted_and_used(camera, answer, statuses):
    answer(image_message())
    answer(image_message(stamp_s=5))
    _status, values = statuses('segmentation: frames', lambda *_: True)
    assert int(values['stamps not increasing since startup']) >= 1


def test_latency_and_model_are_in_the_diagnostics(answer, statuses, model_dir):
    answer(image_message())
    _status, values = statuses('segmentation: latency', lambda _status, values: values)
    for stage in ('decode', 'preprocess', 'inference', 'postprocess', 'publish', 'overhead'):
        assert 0 <= float(values[f'{stage} p50 (ms)']) <= float(values[f'{stage} max (ms)'])
    status, values = statuses('segmentation: model', lambda *_: True)
    assert status.level == b'\x00'
    assert status.hardware_id
    assert values['model'] == 'tiny'
    assert values['engine'] == 'torch'
    assert len(values['sha256']) == 64
    assert values['network width (px)'] == '96'


def test_a_silent_camera_makes_the_input_stale(peer, statuses):
    assert peer.set_parameter(NODE, 'stale_after_s', 0.1)[0]
    status, values = statuses('segmentation: input', lambda status, _values:
                              status.level == b'\x03')
    assert 'no frame on /image for' in status.message
    assert 'threshold 0.1 s' in status.message
    assert float(values['age of the newest frame (s)']) > 0.1
    assert peer.set_parameter(NODE, 'stale_after_s', 2.0)[0]


@pytest.mark.parametrize('name, value, reason', [
    ('overlay_opacity', 1.5, 'overlay_opacity'),
    ('mask_size', 'camera', "setting 'mask_size' is 'camera', expected one of: image, network"),
    ('model', 'other', 'read-only'),
    ('max_rate_hz', 'fast', "setting 'max_rate_hz' is 'fast', expected a float"),
    ('max_rate_hz', float('nan'), 'max_rate_hz'),
    ('autostart', 1, 'read-only'),
    ('publish_overlay', 1, "setting 'publish_overlay' is 1, expected a bool"),
])
def test_a_refused_parameter_says_why(peer, camera, name, value, reason):
    successful, said = peer.set_parameter(NODE, name, value)
    assert not successful
    assert reason in said


def test_descriptors_carry_description_range_and_read_only(peer, camera):
    from rcl_interfaces.srv import DescribeParameters
    model, opacity = peer.call(DescribeParameters, f'{NODE}/describe_parameters',
                               names=['model', 'overlay_opacity']).descriptors
    assert model.read_only
    assert 'card.yaml' in model.description
    assert opacity.floating_point_range[0].to_value == 1.0


def test_the_threshold_changes_while_the_node_runs(peer, answer):
    assert peer.set_parameter(NODE, 'confidence_threshold', 1.0)[0]
    assert set(answer(image_message()).data) == {255}
    assert peer.set_parameter(NODE, 'confidence_threshold', 0.0)[0]
    assert 255 not in answer(image_message()).data


def test_masks_of_the_networks_size_come_with_a_scaled_camera(peer, answer):
    from sensor_msgs.msg import CameraInfo
    infos = peer.collect(CameraInfo, '/segmentation/camera_info')
    publisher = peer.publisher(CameraInfo, '/camera_info')
    assert peer.set_parameter(NODE, 'mask_size', 'network')[0]
    camera_info = CameraInfo(height=HEIGHT, width=WIDTH, distortion_model='plumb_bob',
                             d=[.1, 0., 0., 0., 0.], k=[60., 0., 40., 0., 62., 24., 0., 0., 1.],
                             p=[60., 0., 40., -6., 0., 62., 24., 0., 0., 0., 1., 0.])

    seen = []

    def scaled():
        publisher.publish(camera_info)
        seen.append(answer(image_message()))
        return [(mask, info) for mask in seen for info in infos if info.header == mask.header]

    mask, info = peer.wait_for(scaled, 'scaled camera_info')[0]
    assert peer.set_parameter(NODE, 'mask_size', 'image')[0]
    assert (mask.width, mask.height) == (info.width, info.height) == (96, 64)
    np.testing.assert_allclose(info.k, [72, 0, 48, 0, 62 * 64 / 48, 32, 0, 0, 1])
    assert info.p[3] == pytest.approx(-6 * 96 / 80)
    assert list(info.d) == [.1, 0, 0, 0, 0]


def test_the_rate_limit_and_the_switch_skip_frames_and_say_so(peer, camera, answer, statuses):
    from std_srvs.srv import SetBool

    def skipped():
        return int(statuses('segmentation: frames', lambda *_: True)[1]
                   ['frames skipped on request since startup'])

    answer(image_message())
    before = skipped()
    assert peer.call(SetBool, f'{NODE}/enable', data=False).message == 'frames are ignored'
    camera.publish(image_message())
    peer.wait_for(lambda: skipped() == before + 1, 'skipped frame')
    assert peer.call(SetBool, f'{NODE}/enable', data=True).success
    assert peer.set_parameter(NODE, 'max_rate_hz', 0.01)[0]
    answer(image_message())
    camera.publish(image_message())
    peer.wait_for(lambda: skipped() >= before + 2, 'second skipped frame')
    assert peer.set_parameter(NODE, 'max_rate_hz', 0) == (True, '')  # for 0.0
    answer(image_message())


def test_a_failed_reload_keeps_the_old_model(peer, answer, model_dir):
    from std_srvs.srv import Trigger
    card = model_dir / 'card.yaml'
    good = card.read_text()
    card.write_text(good.replace('sha256: ', 'sha256: 0'))
    refused = peer.call(Trigger, f'{NODE}/reload')
    assert not refused.success
    assert 'sha256' in refused.message
    assert answer(image_message()).height == HEIGHT
    card.write_text(good.replace('name: tiny', 'name: second'))
    assert peer.call(Trigger, f'{NODE}/reload').message == 'loaded second'
    assert answer(image_message()).height == HEIGHT
    card.write_text(good)


def test_every_frame_is_accounted_for(peer, camera, masks, statuses):
    statuses('segmentation: frames', lambda *_: True)
    for _ in range(20):
        camera.publish(image_message())

    def adds_up(_status, values):
        count = {key: int(values[f'frames {key} since startup'])
                 for key in ('published', 'dropped by the node', 'skipped on request',
                             'rejected', 'failed')}
        return sum(count.values()) == int(values['Events since startup'])
    statuses('segmentation: frames', adds_up)


def test_the_life_cycle_there_and_back(peer, camera, masks, answer, statuses):
    assert peer.state(NODE) == 'active'
    assert not peer.change_state(NODE, 'configure')  # not possible now; the node stays alive
    assert peer.change_state(NODE, 'deactivate')
    assert peer.state(NODE) == 'inactive'
    statuses('segmentation: model', lambda _status, values:
             values['lifecycle state'] == 'inactive')
    peer.wait_for(lambda: camera.get_subscription_count() == 0, 'end of the subscription')
    assert peer.change_state(NODE, 'cleanup')
    assert peer.state(NODE) == 'unconfigured'
    status, _values = statuses('segmentation: model', lambda *_: True)
    assert 'no model is loaded' in status.message
    assert peer.change_state(NODE, 'configure')
    assert peer.change_state(NODE, 'activate')
    assert answer(image_message()).height == HEIGHT


def test_sigint_twice_ends_it_in_order(node, answer):
    import signal
    answer(image_message())
    assert node.stop(signal.SIGINT, signal.SIGINT) == 0
    assert 'Traceback' not in node.log()
