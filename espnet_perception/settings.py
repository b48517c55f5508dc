# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The only place where a default is written.

Nodes declare their parameters from these tuples, YAML files and launch arguments override
them, and ``from_dict`` refuses a key that is not there.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple, Type, TypeVar

from espnet_perception.errors import SettingsError, unknown_key_sentence

ENGINE_NAMES = ('auto', 'torch', 'onnxruntime', 'openvino', 'tensorrt')


class PipelineSettings(NamedTuple):
    """How every pipeline runs its network; the settings of each pipeline begin with these."""

    threads: int = 0
    device: str = 'auto'
    network_width: int = 0
    network_height: int = 0
    cache_dir: str = ''
    precision: str = 'fp32'
    cuda_graph: bool = False
    channels_last: bool = False
    builder: str = 'onnx'


_PIPELINE = PipelineSettings()


class SegmenterSettings(NamedTuple):
    """How a segmentation pipeline runs."""

    threads: int = _PIPELINE.threads
    device: str = _PIPELINE.device
    network_width: int = _PIPELINE.network_width
    network_height: int = _PIPELINE.network_height
    cache_dir: str = _PIPELINE.cache_dir
    precision: str = _PIPELINE.precision
    cuda_graph: bool = _PIPELINE.cuda_graph
    channels_last: bool = _PIPELINE.channels_last
    builder: str = _PIPELINE.builder
    confidence: bool = True
    confidence_threshold: float = 0.0
    keep_logits: bool = False


class ClassifierSettings(NamedTuple):
    """How a classification pipeline runs."""

    threads: int = _PIPELINE.threads
    device: str = _PIPELINE.device
    network_width: int = _PIPELINE.network_width
    network_height: int = _PIPELINE.network_height
    cache_dir: str = _PIPELINE.cache_dir
    precision: str = _PIPELINE.precision
    cuda_graph: bool = _PIPELINE.cuda_graph
    channels_last: bool = _PIPELINE.channels_last
    builder: str = _PIPELINE.builder
    top_k: int = 5
    score_threshold: float = 0.0
    smoothing_frames: int = 0


class CommanderSettings(NamedTuple):
    """How commands in words are read."""

    threads: int = 1
    longest_words: int = 64
    longest_age_s: float = 2.0
    least_confidence: float = 0.7
    motion_unknown_words: int = 0
    completions: int = 5
    alternatives: int = 3


class NodeSettings(NamedTuple):
    """What every node does around its pipeline."""

    engine: str = 'auto'
    autostart: bool = True
    image_transport: str = 'raw'
    max_rate_hz: float = 0.0
    publish_overlay: bool = True
    diagnostics_period_s: float = 1.0
    latency_window: int = 200
    expected_rate_hz: float = 0.0
    stale_after_s: float = 2.0
    warn_latency_ms: float = 0.0


class SegmentationNodeSettings(NamedTuple):
    """What the segmentation node does beside what every node does."""

    model: str = 'espnetv2_s0.5_synthetic'
    mask_size: str = 'image'
    publish_confidence: bool = True
    publish_color_mask: bool = True
    overlay_opacity: float = 0.5


class ClassificationNodeSettings(NamedTuple):
    """What the classification node does beside what every node does."""

    model: str = ''


_NODE = NodeSettings()


class PowerNodeSettings(NamedTuple):
    """What the power node does."""

    autostart: bool = _NODE.autostart
    diagnostics_period_s: float = _NODE.diagnostics_period_s
    root: str = '/sys'
    rate_hz: float = 20.0
    publish_period_s: float = 0.2
    energy_window_s: float = 10.0
    subtract_idle: bool = False
    warn_power_mw: float = 0.0
    warn_temperature_c: float = 85.0
    warn_battery_percent: float = 20.0


class CommandNodeSettings(NamedTuple):
    """What the command node does."""

    autostart: bool = _NODE.autostart
    diagnostics_period_s: float = _NODE.diagnostics_period_s
    latency_window: int = _NODE.latency_window
    model: str = 'eru_commands'
    engine: str = _NODE.engine
    grammar: str = ''
    queue_length: int = 20


class Fact(NamedTuple):
    """What a person must know of one setting; the node's parameter descriptors come from it."""

    description: str
    low: Optional[float] = None
    high: Optional[float] = None
    choices: Tuple[str, ...] = ()
    read_only: bool = False


FACTS = {
    'model': Fact('Model: a name in models/ or of fetched weights, a directory with card.yaml, '
                  'or an upstream .pth file', read_only=True),
    'engine': Fact('Runtime of the network; auto picks the fastest that is installed',
                   choices=ENGINE_NAMES, read_only=True),
    'threads': Fact('CPU threads of the engine; 0 leaves it to the runtime', 0, 256,
                    read_only=True),
    'device': Fact('Device of the engines torch and tensorrt: auto, cpu, cuda or cuda:N',
                   read_only=True),
    'network_width': Fact('Width in pixels at which the network runs, after cropping where the '
                          "card asks for it; 0 = the card's", 0, 8192, read_only=True),
    'network_height': Fact("Height in pixels at which the network runs, likewise; 0 = the card's",
                           0, 8192, read_only=True),
    'confidence': Fact('Compute the confidence of every pixel', read_only=True),
    'confidence_threshold': Fact('Pixels of lower softmax probability become unlabelled (255)',
                                 0.0, 1.0),
    'keep_logits': Fact('Keep the raw class scores of each frame (evaluation only)',
                        read_only=True),
    'cache_dir': Fact('Folder of exported graphs and engines; empty = the cache folder of the '
                      'user', read_only=True),
    'precision': Fact('Precision of the engine: fp32; fp16 with engine tensorrt, and with engine '
                      'torch on CUDA; int8 with engine tensorrt, built ahead',
                      choices=('fp32', 'fp16', 'int8'), read_only=True),
    'cuda_graph': Fact('Record a run on the GPU and launch it as one: engine tensorrt, and engine '
                       'torch on CUDA', read_only=True),
    'channels_last': Fact('Keep the channels of a pixel together in memory: engine torch',
                          read_only=True),
    'builder': Fact('What builds the engine of TensorRT: onnx = its parser, torch2trt = the '
                    'package of that name', choices=('onnx', 'torch2trt'), read_only=True),
    'top_k': Fact('How many classes are reported, best first; 0 = all', 0, 65535),
    'score_threshold': Fact('Classes of lower probability are not reported', 0.0, 1.0),
    'smoothing_frames': Fact('Exponential smoothing of the probabilities over about so many '
                             'frames; 0 and 1 = off', 0, 1000),
    'longest_words': Fact('Texts of more words are refused', 1, 64, read_only=True),
    'least_confidence': Fact('Lowest probability of intent and slots at which a text is accepted, '
                             "where the model's own gate is lower", 0.0, 1.0, read_only=True),
    'motion_unknown_words': Fact('Most words outside slots that the model does not know in a text '
                                 'that moves the robot', 0, 64, read_only=True),
    'longest_age_s': Fact('Age from which on a text no longer moves the robot', 0.01, 2.0,
                          read_only=True),
    'completions': Fact('How many next words are offered', 0, 100, read_only=True),
    'alternatives': Fact('How many further intents are told', 1, 100, read_only=True),
    'grammar': Fact('Folder of the grammar of the commands; empty = that of the package',
                    read_only=True),
    'queue_length': Fact('Texts that may wait for the model; of more the oldest are dropped',
                         1, 10000, read_only=True),
    'autostart': Fact('Configure and activate without being asked', read_only=True),
    'image_transport': Fact('raw: subscribe to sensor_msgs/Image; compressed: to '
                            'sensor_msgs/CompressedImage', choices=('raw', 'compressed'),
                            read_only=True),
    'mask_size': Fact("Size of the published images: image = the camera's, network = the "
                      "network's", choices=('image', 'network')),
    'max_rate_hz': Fact('Highest rate at which frames are processed; 0 = no limit', 0.0, 1000.0),
    'publish_confidence': Fact('Publish ~/confidence while somebody subscribes'),
    'publish_overlay': Fact('Publish ~/overlay while somebody subscribes'),
    'publish_color_mask': Fact('Publish ~/color_mask while somebody subscribes'),
    'overlay_opacity': Fact('Opacity of the colours in ~/overlay', 0.0, 1.0),
    'diagnostics_period_s': Fact('Seconds between two diagnostics', 0.1, 60.0, read_only=True),
    'latency_window': Fact('Number of frames over which latency is summarised', 1, 100000,
                           read_only=True),
    'expected_rate_hz': Fact("The camera's rate, for counting frames lost on the wire; 0 = "
                             'estimate it from the stamps', 0.0, 1000.0),
    'stale_after_s': Fact('Seconds without a frame after which the input is stale', 0.1, 3600.0),
    'warn_latency_ms': Fact('Mean latency camera stamp to publish above which diagnostics warn; '
                            '0 = never', 0.0, 60000.0),
    'root': Fact('Folder whose files tell power and temperature; another one than /sys is for '
                 'tests', read_only=True),
    'rate_hz': Fact('How often per second every rail is read', 10.0, 100.0, read_only=True),
    'publish_period_s': Fact('Seconds between two messages on ~/power, and over which their '
                             'powers are averaged', 0.02, 60.0, read_only=True),
    'energy_window_s': Fact('Seconds over which energy per frame, and idle power, are averaged',
                            1.0, 600.0, read_only=True),
    'subtract_idle': Fact('Tell energy per frame above the idle power, as soon as ~/measure_idle '
                          'has measured it'),
    'warn_power_mw': Fact('Total power above which diagnostics warn; 0 = never', 0.0, 1e7),
    'warn_temperature_c': Fact('Temperature in degrees Celsius above which diagnostics warn; 0 = '
                               'never', 0.0, 200.0),
    'warn_battery_percent': Fact('Charge of a battery that discharges below which diagnostics '
                                 'warn; 0 = never', 0.0, 100.0),
}

SettingsType = TypeVar('SettingsType', bound=NamedTuple)


def from_dict(settings_type: Type[SettingsType], values: Dict[str, Any]) -> SettingsType:
    """
    Build settings from a mapping; what is not in the mapping keeps its default.

    :param settings_type: one of the settings classes of this module.
    :param values: setting name to value.
    :return: the settings, each value checked.
    :raises SettingsError: unknown key (the nearest valid one is named), wrong type or range.
    """
    defaults = settings_type()
    for name in values:
        if name not in defaults._fields:
            raise SettingsError(unknown_key_sentence('setting', name, defaults._fields))
    return check(defaults._replace(**values))


def check(settings: SettingsType) -> SettingsType:
    """
    Check every value against its type, range and choices.

    :param settings: the settings.
    :return: the same settings, integers widened to float where a float is expected.
    :raises SettingsError: a value of the wrong type or out of range.
    """
    defaults = type(settings)()
    changed = {}
    for name, value in settings._asdict().items():
        expected = type(getattr(defaults, name))
        if expected is float and isinstance(value, int) and not isinstance(value, bool):
            value = changed[name] = float(value)
        check_value(name, value, expected)
    return settings._replace(**changed)


def check_value(name: str, value: Any, expected: type) -> None:
    """
    Check one value.

    :param name: setting name.
    :param value: the value.
    :param expected: its type.
    :raises SettingsError: wrong type, range or choice.
    """
    fact = FACTS[name]
    if type(value) is not expected:
        raise SettingsError("setting '{}' is {!r}, expected a {}".format(
            name, value, expected.__name__))
    if fact.choices and value not in fact.choices:
        raise SettingsError("setting '{}' is '{}', expected one of: {}".format(
            name, value, ', '.join(fact.choices)))
    if fact.low is not None and not fact.low <= value <= fact.high:  # NaN fails as well
        raise SettingsError("setting '{}' is {}, expected {} to {}".format(
            name, value, fact.low, fact.high))
