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
SHARED = REPOSITORY / 'espnet_perception/nodes/launching.py'
NODES = {
    'segmentation': (settings.SegmentationNodeSettings, settings.SegmenterSettings),
    'classification': (settings.ClassificationNodeSettings, settings.ClassifierSettings),
}
# Those that see no camera.
OTHERS = {'power': (settings.PowerNodeSettings,),
          'command': (settings.CommandNodeSettings, settings.CommanderSettings)}
OUTPUTS = ('mask', 'confidence', 'overlay', 'color_mask', 'legend', 'label_info', 'camera_info')
# Arguments that become parameters of the node under the same name.
PARAMETERS = {'model', 'engine', 'image_transport', 'autostart'}


def parsed(path):
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding='utf-8'), str(path))


def tuple_of(path, name):
    """Return the elements of a module-level tuple; none where there is no such tuple."""
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return node.value.elts
    return []


def strings_of(path, name):
    """Return the strings of a module-level tuple."""
    return [ast.literal_eval(element) for element in tuple_of(path, name)]


def launch_file(node):
    """Return the launch file of a node."""
    return REPOSITORY / 'launch' / f'{node}.launch.py'


def argument_names(node):
    """Return the names of the arguments of a node's launch file."""
    rows = tuple_of(SHARED, 'ARGUMENTS')
    if node in NODES:
        rows = rows + tuple_of(SHARED, 'CAMERA_ARGUMENTS') + tuple_of(launch_file(node), 'TOPICS')
    return [ast.literal_eval(row.elts[0]) for row in rows]


def known_parameters(node):
    """Return every setting of a node."""
    types = OTHERS.get(node) or (settings.NodeSettings, *NODES[node])
    return {name: default for kind in types for name, default in kind()._asdict().items()}


def check_parameters(parameters, node):
    """Fail on a parameter that a node would not take."""
    for name, value in parameters.items():
        settings.check_value(name, value, type(known_parameters(node)[name]))


def test_there_are_launch_files():
    assert {path.name for path in LAUNCH_FILES} == {'perception.launch.py'} | {
        f'{node}.launch.py' for node in [*NODES, *OTHERS]}


@pytest.mark.parametrize('path', [*LAUNCH_FILES, SHARED], ids=lambda path: path.name)
def test_every_argument_is_described(path):
    rows = tuple_of(path, 'ARGUMENTS') + tuple_of(path, 'CAMERA_ARGUMENTS')
    names = [ast.literal_eval(row.elts[0]) for row in rows]
    assert len(names) == len(set(names))
    for row in rows:
        assert len(ast.literal_eval(row.elts[2]).split()) >= 3
    for row in tuple_of(path, 'TOPICS'):
        assert len(ast.literal_eval(row.elts[1]).split()) >= 3


@pytest.mark.parametrize('node', [*NODES, *OTHERS])
def test_the_node_exists(node):
    """Launch file, executable, parameter file: all by the one name."""
    function = 'describe' if node in NODES else 'describe_without_camera'
    assert f"{function}('{node}'" in launch_file(node).read_text(encoding='utf-8')
    script = f"'{node}_node = espnet_perception.nodes.{node}:main'"
    assert script in (REPOSITORY / 'setup.py').read_text(encoding='utf-8')
    assert (REPOSITORY / 'config' / f'{node}.yaml').is_file()
    parameters = PARAMETERS if node in NODES else {'autostart'}
    assert set(argument_names(node)) >= parameters
    assert set(known_parameters(node)) >= parameters


def test_what_stands_under_a_camera_are_arguments_of_its_node():
    path = REPOSITORY / 'launch/perception.launch.py'
    assert strings_of(path, 'NODES') == list(NODES)
    keys = set(strings_of(path, 'CAMERA_KEYS')) - set(strings_of(path, 'OWN_KEYS'))
    assert keys <= set(argument_names('segmentation'))


def test_the_example_of_several_cameras():
    content = yaml.safe_load((REPOSITORY / 'config/perception.yaml').read_text(encoding='utf-8'))
    keys = set(strings_of(REPOSITORY / 'launch/perception.launch.py', 'CAMERA_KEYS'))
    assert len(content['cameras']) >= 2
    for camera in content['cameras'].values():
        assert set(camera) <= keys
        node = camera.get('node', 'segmentation')
        check_parameters(dict(content['parameters'], **camera.get('parameters', {})), node)


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


@pytest.mark.parametrize('node', NODES)
def test_the_node_that_is_launched(launch, monkeypatch, node):
    from espnet_perception.nodes import launching
    for name in launching.PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    description = load(launch_file(node)).generate_launch_description()
    context = context_for(launch, description, namespace='front', image='/camera',
                          engine='torch', log_level='debug')
    opaque = description.entities[-1]
    action, = opaque.execute(context)
    action._perform_substitutions(context)
    assert action.node_name == f'/front/{node}'
    assert '/camera/compressed' in str(action.expanded_remapping_rules)
    assert context.launch_configurations['params_file'].endswith(f'config/{node}.yaml')
    assert ('camera_info' in context.launch_configurations) == (node == 'segmentation')


@pytest.mark.parametrize('node, own', [('power', set()), ('command', {'model', 'grammar'})])
def test_a_node_without_a_camera_that_is_launched(launch, node, own):
    description = load(launch_file(node)).generate_launch_description()
    context = context_for(launch, description, namespace='front', **dict.fromkeys(own, 'mine'))
    action, = description.entities[-1].execute(context)
    action._perform_substitutions(context)
    assert action.node_name == '/front/' + node
    assert own <= set(known_parameters(node))
    assert set(context.launch_configurations) == set(argument_names(node)) | own


def test_the_environment_of_a_node(launch, monkeypatch):
    from espnet_perception.nodes import launching
    for name in launching.PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert launching.logger_name('/a/b/', 'segmentation') == 'a.b.segmentation'
    assert len(launching.profile_environment('/some/profile.xml')) == 2
    assert launching.profile_environment('') == {}
    monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', '/own.xml')
    assert launching.profile_environment('/some/profile.xml') == {}


def test_one_group_per_camera(launch, tmp_path):
    module = load(REPOSITORY / 'launch/perception.launch.py')
    description = module.generate_launch_description()
    context = context_for(launch, description, config=str(REPOSITORY / 'config/perception.yaml'))
    assert len(module.make_cameras(context)) == 2


@pytest.mark.parametrize('text, sentence', [
    ('cameras: {}', "no key 'cameras' with a camera under it"),
    ('cameras: {front: {imgae: /x}}', 'unknown keys: cameras.front.imgae; valid are'),
    ('camera: 1\ncameras: {front: {}}', 'unknown keys: camera; valid are'),
    ('cameras: {front: {node: detection}}', 'unknown nodes: detection; valid are segmentation'),
])
def test_a_wrong_file_of_cameras_is_refused(launch, tmp_path, text, sentence):
    module = load(REPOSITORY / 'launch/perception.launch.py')
    path = tmp_path / 'cameras.yaml'
    path.write_text(text)
    context = context_for(launch, module.generate_launch_description(), config=str(path))
    with pytest.raises(ValueError, match=sentence):
        module.make_cameras(context)
