# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Launch files name what exists: executables, parameters, topics.

Without ROS's launch package their source is read; with it their descriptions are built as well.
"""

import ast
import importlib.util
import json
from pathlib import Path
import xml.etree.ElementTree as ElementTree

from espnet_perception import settings
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LAUNCH_FILES = sorted((REPOSITORY / 'launch').glob('*.launch.py'))
OUTPUTS = ('mask', 'confidence', 'overlay', 'color_mask', 'legend', 'label_info', 'camera_info')
# Arguments that become parameters of the node under the same name.
PARAMETERS = {'model', 'engine', 'image_transport', 'autostart'}


def parsed(path):
    """Return the syntax tree of a launch file."""
    return ast.parse(path.read_text(encoding='utf-8'), str(path))


def tuple_of(path, name):
    """Return the elements of a module-level tuple."""
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return node.value.elts
    raise AssertionError(f'{path.name} has no {name}')


def argument_names(path):
    """Return the names of the declared arguments."""
    return [ast.literal_eval(row.elts[0]) for row in tuple_of(path, 'ARGUMENTS')]


def known_parameters():
    """Return every setting of the segmentation node."""
    return {**settings.NodeSettings()._asdict(), **settings.SegmentationNodeSettings()._asdict(),
            **settings.SegmenterSettings()._asdict()}


def check_parameters(parameters):
    """Fail on a parameter that the node would not take."""
    for name, value in parameters.items():
        settings.check_value(name, value, type(known_parameters()[name]))


def test_there_are_launch_files():
    assert [path.name for path in LAUNCH_FILES] == ['perception.launch.py',
                                                    'segmentation.launch.py']


@pytest.mark.parametrize('path', LAUNCH_FILES, ids=lambda path: path.name)
def test_every_argument_is_described(path):
    names = argument_names(path)
    assert len(names) == len(set(names))
    for row in tuple_of(path, 'ARGUMENTS'):
        assert len(ast.literal_eval(row.elts[2]).split()) >= 3


def test_the_executable_exists():
    calls = [node for node in ast.walk(parsed(REPOSITORY / 'launch/segmentation.launch.py'))
             if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'LifecycleNode']
    given = {keyword.arg: keyword.value for keyword in calls[0].keywords}
    assert ast.literal_eval(given['package']) == 'espnet_perception'
    script = ast.literal_eval(given['executable']) + ' = espnet_perception.nodes.segmentation:main'
    assert script in (REPOSITORY / 'setup.py').read_text(encoding='utf-8')


def test_arguments_that_become_parameters_are_parameters():
    names = set(argument_names(REPOSITORY / 'launch/segmentation.launch.py'))
    assert names >= PARAMETERS
    assert set(known_parameters()) >= PARAMETERS


def test_what_stands_under_a_camera_are_arguments_of_its_node():
    keys = {ast.literal_eval(key)
            for key in tuple_of(REPOSITORY / 'launch/perception.launch.py', 'CAMERA_KEYS')}
    assert keys - {'parameters'} <= set(argument_names(
        REPOSITORY / 'launch/segmentation.launch.py'))


def test_the_example_of_several_cameras():
    content = yaml.safe_load((REPOSITORY / 'config/perception.yaml').read_text(encoding='utf-8'))
    keys = {ast.literal_eval(key)
            for key in tuple_of(REPOSITORY / 'launch/perception.launch.py', 'CAMERA_KEYS')}
    assert len(content['cameras']) >= 2
    check_parameters(content['parameters'])
    for camera in content['cameras'].values():
        assert set(camera) <= keys
        check_parameters(camera.get('parameters', {}))


def test_the_fast_dds_profile_has_room_for_images():
    root = ElementTree.parse(REPOSITORY / 'config/fastdds_profile.xml').getroot()
    space = root.tag.partition('}')[0] + '}'
    sizes = [int(node.text) for node in root.iter(space + 'segment_size')]
    assert sizes == [64 * 1024 * 1024]
    kinds = {node.find(space + 'transport_id').text: node.find(space + 'type').text
             for node in root.iter(space + 'transport_descriptor')}
    used = [node.text for node in root.find(f'.//{space}userTransports')]
    assert sorted(kinds[name] for name in used) == ['SHM', 'UDPv4']
    assert root.find(f'.//{space}participant').get('is_default_profile') == 'true'


def shown_topics(tree):
    """Yield every string that looks like a topic."""
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        if isinstance(child, str) and child.startswith('/segmentation/'):
            yield child[len('/segmentation/'):]
        yield from shown_topics(child)


@pytest.mark.parametrize('name, load, topics', [
    ('config/rviz/segmentation.rviz', yaml.safe_load, {'overlay', 'color_mask', 'mask'}),
    ('config/foxglove/segmentation.json', json.loads, {'overlay', 'legend'}),
])
def test_displays_show_topics_of_the_node(name, load, topics):
    text = (REPOSITORY / name).read_text(encoding='utf-8')
    shown = set(shown_topics(load(text)))
    assert topics <= shown <= set(OUTPUTS)
    assert '/image' in text


def test_the_foxglove_layout_places_every_panel():
    layout = json.loads((REPOSITORY / 'config/foxglove/segmentation.json').read_text())

    def placed(tree):
        return [tree] if isinstance(tree, str) else placed(tree['first']) + placed(tree['second'])

    assert sorted(placed(layout['layout'])) == sorted(layout['configById'])
    assert any(panel.startswith('Diagnostic') for panel in layout['configById'])


@pytest.fixture
def launch():
    """Skip where ROS's launch package or the installed package is absent."""
    package = pytest.importorskip('launch', reason='launch comes with a ROS installation')
    pytest.importorskip('launch_ros', reason='launch_ros comes with a ROS installation')
    index = pytest.importorskip('ament_index_python', reason='needs ROS 2')
    try:
        index.get_package_share_directory('espnet_perception')
    except LookupError:
        pytest.skip('needs a sourced workspace with espnet_perception')
    return package


def load(path):
    """Import a launch file."""
    spec = importlib.util.spec_from_file_location(path.name.replace('.', '_'), str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def context_for(launch, description, **arguments):
    """Return a launch context in which the arguments of a description are set."""
    context = launch.LaunchContext()
    context.launch_configurations.update(arguments)
    for entity in description.entities:
        if isinstance(entity, launch.actions.DeclareLaunchArgument):
            entity.execute(context)
    return context


def test_the_node_that_is_launched(launch, monkeypatch):
    for name in ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'):
        monkeypatch.delenv(name, raising=False)
    module = load(REPOSITORY / 'launch/segmentation.launch.py')
    context = context_for(launch, module.generate_launch_description(), namespace='front',
                          image='/camera', engine='torch', log_level='debug')
    node, = module.make_node(context)
    assert module.logger_name('/a/b/') == 'a.b.segmentation'
    node._perform_substitutions(context)
    assert node.node_name == '/front/segmentation'
    assert ('/camera/compressed' in str(node.expanded_remapping_rules))
    assert len(module.profile_environment('/some/profile.xml')) == 2
    assert module.profile_environment('') == {}
    monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', '/own.xml')
    assert module.profile_environment('/some/profile.xml') == {}


def test_one_group_per_camera(launch, tmp_path):
    module = load(REPOSITORY / 'launch/perception.launch.py')
    description = module.generate_launch_description()
    context = context_for(launch, description, config=str(REPOSITORY / 'config/perception.yaml'))
    assert len(module.make_cameras(context)) == 2


@pytest.mark.parametrize('text, sentence', [
    ('cameras: {}', "no key 'cameras' with a camera under it"),
    ('cameras: {front: {imgae: /x}}', 'unknown keys: cameras.front.imgae; valid are'),
    ('camera: 1\ncameras: {front: {}}', 'unknown keys: camera; valid are'),
])
def test_a_wrong_file_of_cameras_is_refused(launch, tmp_path, text, sentence):
    module = load(REPOSITORY / 'launch/perception.launch.py')
    path = tmp_path / 'cameras.yaml'
    path.write_text(text)
    context = context_for(launch, module.generate_launch_description(), config=str(path))
    with pytest.raises(ValueError, match=sentence):
        module.make_cameras(context)
