# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The real classification node in its own process, with camera topics, over real DDS."""

import shutil

from camera_images import image_bgr, image_message
from espnet_perception.pipeline import create_classifier
from espnet_perception.settings import ClassifierSettings
import numpy as np
import pytest

NODE = '/classification'
CLASSES = ['street', 'forest', 'river', 'shop', 'night', 'snow', 'rain']


@pytest.fixture(scope='module')
def model_dir(tiny_classifier_dir, tmp_path_factory):
    """Return a copy of the classifier that a test may rename."""
    return shutil.copytree(tiny_classifier_dir, tmp_path_factory.mktemp('own') / 'scenes')


@pytest.fixture(scope='module')
def node(start_node, model_dir):
    """Return the node that most tests here share."""
    return start_node(node='classification', model=model_dir, engine='torch', top_k=3,
                      diagnostics_period_s=0.2)


@pytest.fixture(scope='module')
def camera(peer, node):
    """Return a camera that the active node listens to."""
    from sensor_msgs.msg import Image
    return peer.publisher(Image, '/image')


@pytest.fixture(scope='module')
def answer(peer, camera):
    """Send an image and return its classes; it is sent again until discovery is done."""
    from espnet_msgs.msg import ClassScores
    answers = peer.collect(ClassScores, NODE + '/classes')
    peer.wait_for(lambda: peer.node.count_publishers(NODE + '/classes'), 'publisher of classes')

    def send(message):
        def answered():
            camera.publish(message)
            return [one for one in answers if one.header.stamp == message.header.stamp]
        return peer.wait_for(answered, 'classes')[0]
    return send


@pytest.fixture(scope='module')
def statuses(peer, node):
    """Return a function that waits for a diagnostic status for which a condition holds."""
    from diagnostic_msgs.msg import DiagnosticArray
    arrays = peer.collect(DiagnosticArray, '/diagnostics')

    def wait(task, condition=lambda *_: True):
        arrays.clear()

        def found():
            for status in arrays[-1].status if arrays else ():
                values = {entry.key: entry.value for entry in status.values}
                if status.name == 'classification: ' + task and condition(status, values):
                    return status, values
            return None
        return peer.wait_for(found, f'status {task}')
    return wait


def test_classes_are_the_pipelines_with_the_cameras_header(answer, model_dir):
    message = image_message(image_bgr(3))
    classes = answer(message)
    assert classes.header == message.header
    with create_classifier(str(model_dir), 'torch', ClassifierSettings(top_k=3)) as classifier:
        expected = classifier.classify(image_bgr(3))
    assert (classes.model, classes.multi_label) == ('scenes', False)
    assert tuple(classes.ids) == expected.ids and len(classes.ids) == 3
    assert tuple(classes.names) == expected.names
    assert np.array_equal(np.float32(classes.scores), expected.scores)


def test_a_late_subscriber_receives_the_legend(peer, answer):
    from espnet_msgs.msg import Legend
    from espnet_perception.nodes import qos
    answer(image_message())
    legends = peer.collect(Legend, NODE + '/legend', qos.latched())
    legend = peer.wait_for(lambda: legends, 'legend')[-1]
    assert (legend.model, list(legend.names)) == ('scenes', CLASSES)
    assert (list(legend.ids), legend.void_id) == (list(range(7)), 65535)
    assert legend.header.frame_id == 'front_camera'


def test_the_overlay_comes_once_somebody_subscribes(peer, camera, answer):
    from sensor_msgs.msg import Image
    answer(image_message())
    pictures = peer.collect(Image, NODE + '/overlay')

    def there():
        camera.publish(image_message())
        return pictures

    picture = peer.wait_for(there, 'overlay')[0]
    assert (picture.encoding, picture.height, picture.width) == ('bgr8', 48, 80)
    assert picture.header.frame_id == 'front_camera'
    assert picture.data != image_message().data


def test_an_unknown_encoding_is_refused_and_the_node_goes_on(camera, answer, statuses):
    answer(image_message())
    camera.publish(image_message(encoding='bgr9'))
    status, _values = statuses('frames', lambda status, _values: 'bgr9' in status.message)
    assert status.level == b'\x01'
    assert "unknown image encoding 'bgr9'; did you mean 'bgr8'" in status.message
    assert len(answer(image_message()).ids) == 3


def test_what_is_reported_changes_while_the_node_runs(peer, answer):
    best = answer(image_message(image_bgr(5))).scores[0]
    assert peer.set_parameter(NODE, 'top_k', 0)[0]
    assert sorted(answer(image_message()).ids) == list(range(7))
    assert peer.set_parameter(NODE, 'score_threshold', float(best))[0]
    assert list(answer(image_message(image_bgr(5))).scores) == [best]
    assert peer.set_parameter(NODE, 'score_threshold', 1.0)[0]
    empty = answer(image_message())
    assert (list(empty.ids), list(empty.names)) == ([], [])
    assert peer.set_parameter(NODE, 'score_threshold', 0.0)[0]
    refused, reason = peer.set_parameter(NODE, 'top_k', -1)
    assert not refused and 'top_k' in reason
    assert peer.set_parameter(NODE, 'top_k', 3)[0]


def test_smoothing_is_switched_on_while_the_node_runs(peer, answer, model_dir):
    assert peer.set_parameter(NODE, 'top_k', 0)[0]
    assert peer.set_parameter(NODE, 'smoothing_frames', 3)[0]
    first = answer(image_message(image_bgr(1), stamp_s=90000))
    second = answer(image_message(image_bgr(2), stamp_s=90001))
    with create_classifier(str(model_dir), 'torch') as classifier:
        alone = [classifier.classify(image_bgr(seed)).all_scores for seed in (1, 2)]
    by_id = np.zeros((2, 7), np.float32)
    for row, message in enumerate((first, second)):
        by_id[row, list(message.ids)] = message.scores
    np.testing.assert_allclose(by_id[0], alone[0], rtol=1e-6)
    # an image that had to be sent twice is smoothed twice, but lies between the two all the same
    low, high = np.minimum(*alone) - 1e-6, np.maximum(*alone) + 1e-6
    assert ((by_id[1] >= low) & (by_id[1] <= high)).all()
    assert not np.allclose(by_id[1], alone[1], atol=1e-4)
    assert peer.set_parameter(NODE, 'smoothing_frames', 0)[0]
    assert peer.set_parameter(NODE, 'top_k', 3)[0]


def test_diagnostics_tell_model_and_best_class(answer, statuses):
    message = answer(image_message())
    status, values = statuses('classes', lambda _status, values: 'top class' in values)
    assert values['top class'] == message.names[0]
    assert int(values['top class id']) == message.ids[0]
    assert float(values['top score']) == pytest.approx(message.scores[0], abs=1e-3)
    assert message.names[0] in status.message
    _status, values = statuses('model')
    assert values['model'] == 'scenes'
    assert (values['task'], values['labels_per_image']) == ('classification', 'one')
    assert values['network width (px)'] == '64'


def test_reload_takes_the_new_model(peer, answer, model_dir):
    from std_srvs.srv import SetBool, Trigger
    answer(image_message())
    card = model_dir / 'card.yaml'
    good = card.read_text()
    card.write_text(good.replace('name: scenes', 'name: renamed').replace(
        'multi_label: false', 'multi_label: true'))
    assert peer.call(Trigger, f'{NODE}/reload').message == 'loaded renamed'
    message = answer(image_message())
    assert (message.model, message.multi_label) == ('renamed', True)
    card.write_text(good)
    assert peer.call(SetBool, f'{NODE}/enable', data=False).success
    assert peer.call(SetBool, f'{NODE}/enable', data=True).success


def test_the_life_cycle_there_and_back(peer, camera, answer):
    assert peer.state(NODE) == 'active'
    assert peer.change_state(NODE, 'deactivate')
    assert peer.change_state(NODE, 'cleanup')
    assert peer.change_state(NODE, 'configure')
    assert peer.change_state(NODE, 'activate')
    assert answer(image_message()).model == 'scenes'


def test_without_a_model_the_node_says_what_to_give(start_node, peer, node):
    silent = start_node('__node:=silent', node='classification', autostart='false')
    assert not peer.change_state('/silent', 'configure')
    assert "cannot configure: parameter 'model' is empty" in silent.log()
    assert 'card.yaml' in silent.log() and '.pth' in silent.log()
    assert 'Traceback' not in silent.log()
    assert peer.state('/silent') == 'unconfigured'


def test_two_cameras_have_a_node_each(start_node, peer, tiny_classifier_dir):
    from espnet_msgs.msg import ClassScores
    from sensor_msgs.msg import Image
    answers, cameras = {}, {}
    for name in ('left', 'right'):
        start_node('__ns:=/' + name, node='classification', model=tiny_classifier_dir,
                   engine='torch')
        answers[name] = peer.collect(ClassScores, f'/{name}/classification/classes')
    for name in answers:
        cameras[name] = peer.publisher(Image, f'/{name}/image')
    sent = {'left': image_message(image_bgr(1)), 'right': image_message(image_bgr(2))}

    def both_answer():
        for name, camera in cameras.items():
            camera.publish(sent[name])
        return all(answers.values())

    peer.wait_for(both_answer, 'classes of both cameras')
    for name, found in answers.items():
        assert found[0].header == sent[name].header
    assert list(answers['left'][0].scores) != list(answers['right'][0].scores)
