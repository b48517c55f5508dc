# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Several nodes, nodes that cannot start, and how they end."""

import array
import itertools
import signal

import cv2
import numpy as np
import pytest

NODE = '/segmentation'


@pytest.fixture(scope='module')
def statuses(peer):
    """Return the growing list of all diagnostic statuses."""
    from diagnostic_msgs.msg import DiagnosticArray
    found = []
    peer.node.create_subscription(DiagnosticArray, '/diagnostics',
                                  lambda message: found.extend(message.status), 10)
    return found


def test_without_a_model_the_node_lives_and_says_why(start_node, peer, statuses, tiny_model_dir):
    node = start_node(model='/no/such/model', max_rate_hz='5', diagnostics_period_s=0.2)
    peer.wait_for(lambda: 'cannot configure' in node.log(), 'refusal in the log')
    assert "cannot configure: no model at '/no/such/model'" in node.log()
    assert 'Traceback' not in node.log()
    assert peer.state(NODE) == 'unconfigured'
    status = peer.wait_for(lambda: [status for status in statuses
                                    if status.name == 'segmentation: model'
                                    and status.level == b'\x02'], 'error')[0]
    assert "no model at '/no/such/model'" in status.message
    assert node.stop(signal.SIGTERM) == 0
    assert 'Traceback' not in node.log()


def test_a_wrong_parameter_is_a_problem_until_it_is_set_right(start_node, peer, tiny_model_dir):
    node = start_node(model=tiny_model_dir, engine='torch', overlay_opacity=5.0,
                      autostart='false')
    assert peer.state(NODE) == 'unconfigured'
    assert not peer.change_state(NODE, 'configure')
    assert "setting 'overlay_opacity' is 5.0, expected 0.0 to 1.0" in node.log()
    assert peer.set_parameter(NODE, 'overlay_opacity', 0.5)[0]
    assert peer.change_state(NODE, 'configure')
    assert peer.state(NODE) == 'inactive'
    assert peer.change_state(NODE, 'cleanup')
    assert peer.change_state(NODE, 'unconfigured_shutdown')
    assert peer.state(NODE) == 'finalized'
    assert node.stop(signal.SIGINT) == 0


def test_diagnostics_follow_the_clock_of_a_simulation(start_node, peer):
    from diagnostic_msgs.msg import DiagnosticArray
    from rosgraph_msgs.msg import Clock
    start_node('__node:=simulated', model='/no/such/model', use_sim_time='true',
               autostart='false', diagnostics_period_s=0.2)
    arrays = peer.collect(DiagnosticArray, '/diagnostics')
    clock = peer.publisher(Clock, '/clock')
    seconds = itertools.count(5000)

    def stamped():
        message = Clock()
        message.clock.sec = next(seconds)
        clock.publish(message)
        return [array for array in arrays if array.status[0].name == 'simulated: frames'
                and array.header.stamp.sec >= 5000]

    assert 5000 <= peer.wait_for(stamped, 'diagnostics')[0].header.stamp.sec < 10000


def test_two_cameras_raw_and_compressed(start_node, peer, tiny_model_dir, statuses):
    from sensor_msgs.msg import CompressedImage, Image
    for name, transport in (('front', 'raw'), ('rear', 'compressed')):
        start_node('__ns:=/' + name, 'image:=camera/image',
                   'image/compressed:=camera/image/compressed', model=tiny_model_dir,
                   engine='torch', image_transport=transport, diagnostics_period_s=0.2)
    masks = {name: peer.collect(Image, f'/{name}/segmentation/mask')
             for name in ('front', 'rear')}
    cameras = {'front': peer.publisher(Image, '/front/camera/image'),
               'rear': peer.publisher(CompressedImage, '/rear/camera/image/compressed')}
    flat = np.full((40, 56, 3), (30, 90, 200), np.uint8)
    front = Image(height=40, width=56, step=168, encoding='rgb8',
                  data=array.array('B', flat.tobytes()))
    rear = CompressedImage(format='jpeg', data=array.array(
        'B', cv2.imencode('.jpg', flat)[1].tobytes()))
    front.header.frame_id, rear.header.frame_id = 'front_optical', 'rear_optical'
    front.header.stamp.sec, rear.header.stamp.sec = 11, 22

    def both_answer():
        cameras['front'].publish(front)
        cameras['rear'].publish(rear)
        return masks['front'] and masks['rear']

    peer.wait_for(both_answer, 'masks of both cameras')
    assert masks['front'][0].header == front.header
    assert masks['rear'][0].header == rear.header
    assert (masks['rear'][0].height, masks['rear'][0].width) == (40, 56)
    names = {'front/segmentation: frames', 'rear/segmentation: frames'}
    peer.wait_for(lambda: names <= {status.name for status in statuses}, 'status of both')
    rear.data = rear.data[:200]
    del statuses[:]

    def refused():
        cameras['rear'].publish(rear)
        return [status for status in statuses if 'JPEG' in status.message]

    status = peer.wait_for(refused, 'rejected JPEG')[0]
    assert status.name == 'rear/segmentation: frames'
    assert 'the JPEG image of 200 bytes is truncated' in status.message
