# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house as tables; docs/architecture.md tells their reasons."""

# Who may import whom inside the package: a folder or module, and what it may use beside itself.
BASICS = ('errors', 'label_sets', 'user_folders', 'whole_files')
CONTRACT = BASICS + ('frame', 'results', 'settings', 'model_card')
MAY_IMPORT = {
    'errors': (),
    'label_sets': ('errors',),
    'revision': (),
    'user_folders': (),
    'whole_files': (),
    'frame': (),
    'results': (),
    'settings': ('errors',),
    'model_card': BASICS,
    'releases': ('errors', 'model_card'),
    'telemetry': ('errors',),
    'commands': ('errors',),
    'networks': BASICS + ('model_card', 'releases'),
    'weights': BASICS + ('model_card', 'releases', 'networks'),
    'engines': BASICS + ('model_card', 'settings'),
    'export': BASICS + ('model_card', 'settings', 'networks', 'engines'),
    'pipeline': CONTRACT + ('commands', 'engines', 'export', 'networks', 'telemetry', 'weights'),
    'benchmark': CONTRACT + ('engines', 'networks', 'pipeline', 'revision', 'telemetry',
                             'weights'),
    'nodes': CONTRACT + ('commands', 'pipeline', 'telemetry'),
    'synthetic': CONTRACT,
    'evaluation': CONTRACT + ('benchmark', 'commands', 'pipeline', 'telemetry'),
    'training': CONTRACT + ('networks', 'evaluation.metrics', 'evaluation.classification_metrics',
                            'evaluation.charts', 'evaluation.on_dataset', 'evaluation.state',
                            'evaluation.command_metrics', 'evaluation.mappings', 'export',
                            'pipeline.command_card', 'pipeline.commander', 'pipeline.models',
                            'pipeline.preprocess',
                            'revision', 'synthetic', 'commands', 'weights.model_directory'),
    'cli': CONTRACT + ('benchmark', 'commands', 'engines', 'evaluation', 'export', 'networks',
                       'nodes', 'pipeline', 'revision', 'synthetic', 'telemetry', 'training',
                       'weights'),
}

# Who may import what from outside: a library, and the folders or modules that may.
ROS_MODULES = ('ament_index_python', 'builtin_interfaces', 'cv_bridge', 'diagnostic_msgs',
               'espnet_msgs', 'geometry_msgs', 'hri_actions_msgs', 'launch', 'launch_ros',
               'lifecycle_msgs', 'message_filters', 'rcl_interfaces', 'rclpy', 'sensor_msgs',
               'std_msgs', 'std_srvs', 'vision_msgs')
OWNERS_OF_LIBRARIES = {
    'torch': ('networks', 'engines.torch', 'engines.tensorrt_torch2trt', 'engines.sequence_torch',
              'export', 'training'),
    'onnxruntime': ('engines.onnxruntime', 'engines.sequence_onnxruntime',
                    'export.quantise_onnxruntime'),
    'openvino': ('engines.openvino', 'export.openvino', 'export.quantise_openvino'),
    'nncf': ('export.quantise_openvino',),
    'tensorrt': ('engines.tensorrt', 'engines.tensorrt_build', 'engines.tensorrt_calibration',
                 'engines.tensorrt_precision', 'engines.tensorrt_torch2trt'),
    'torch2trt': ('engines.tensorrt_torch2trt',),
    'rosbags': ('evaluation', 'synthetic'),
    'matplotlib': ('evaluation', 'training'),
    'jinja2': ('evaluation',),
    'ray': ('evaluation.cluster',),
}
OWNERS_OF_LIBRARIES.update(dict.fromkeys(ROS_MODULES, ('nodes',)))

# Sizes. Argument parsers are long by nature and have functions of their own.
FILE_LINES = 400
FUNCTION_LINES = 80
USUAL_FUNCTION_LINES = 40
USUAL_SHARE = 0.9
PARAMETERS = 6
NODE_FILE_LINES = 150
PARSER_FUNCTIONS = ('add_arguments', 'build_parser', 'parse_arguments')

# What runs on the robot with Python 3.6, with its tests.
ROBOT = ('__init__.py', 'errors.py', 'label_sets', 'frame.py', 'results.py', 'settings.py',
         'user_folders.py', 'whole_files.py', 'model_card.py', 'releases.py', 'networks',
         'weights', 'engines', 'export', 'pipeline', 'telemetry', 'commands', 'nodes',
         'revision.py', 'benchmark')

# Names that say nothing, for files and for variables.
VAGUE_FILES = ('utils.py', 'util.py', 'helpers.py', 'helper.py', 'common.py', 'misc.py')
VAGUE_NAMES = ('img', 'data', 'tmp')

# Message fields that only the conversions may touch.
CONVERSIONS = 'nodes/conversions.py'
IMAGE_FIELDS = ('encoding', 'is_bigendian')

# Where a print or an exit belongs: the command, and the end of a node's process.
TALKING = ('cli/', 'nodes/running.py')
