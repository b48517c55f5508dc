# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Between ROS messages and the plain objects of the package.

No other file reads or writes the fields of a message.
"""

import array
import math
from typing import Any, Dict, Iterable, List, Optional, Tuple

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from espnet_msgs.msg import ClassScores, FrameEnergy, Legend, PowerRail, PowerReading
from espnet_perception.errors import ImageError, unknown_key_sentence
from espnet_perception.frame import Frame
from espnet_perception.model_card import ModelCard
from espnet_perception.nodes.diagnostics import FRAMES, PUBLISHED_SINCE_STARTUP, Status
from espnet_perception.pipeline.decoding import decode_compressed, decode_image, ENCODINGS
from espnet_perception.results import Classification
from espnet_perception.telemetry.health import MachineHealth
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

try:
    from vision_msgs.msg import Classification as VisionClassification
    from vision_msgs.msg import LabelInfo, ObjectHypothesis, VisionClass
except ImportError:  # an optional package
    VisionClassification = LabelInfo = ObjectHypothesis = VisionClass = None

NANOSECONDS = 10 ** 9
NO_VOID_ID = 65535
IMAGE_TYPES = {'raw': Image, 'compressed': CompressedImage}


def stamp_ns(message: Any) -> int:
    """
    Read only the stamp of a message.

    :param message: any message with a header.
    :return: nanoseconds.
    """
    return _nanoseconds(message.header.stamp)


def to_frame(message: Any) -> Frame:
    """
    Decode an image message.

    :param message: Image or CompressedImage.
    :return: the frame; the pixels of bgr8 are a view of the message.
    :raises ImageError: unknown encoding, wrong geometry, truncated or NaN.
    """
    if isinstance(message, CompressedImage):
        image_bgr = decode_compressed(message.data)
    elif message.encoding in ENCODINGS:
        image_bgr = decode_image(message.encoding, message.height, message.width, message.step,
                                 bool(message.is_bigendian), message.data)
    else:
        image_bgr = _decode_foreign(message)
    header = message.header
    return Frame(image_bgr, _nanoseconds(header.stamp), header.frame_id)


def to_image(frame: Frame, pixels: np.ndarray) -> Image:
    """
    Make an image message with the stamp and frame_id of a frame.

    :param frame: the camera frame that the pixels belong to.
    :param pixels: (H, W) uint8 becomes mono8, (H, W, 3) uint8 becomes bgr8.
    """
    message = Image(header=_header(frame.stamp_ns, frame.frame_id))
    message.height, message.width = pixels.shape[:2]
    message.encoding = 'mono8' if pixels.ndim == 2 else 'bgr8'
    message.step = pixels.shape[1] * (1 if pixels.ndim == 2 else 3)
    payload = array.array('B')
    payload.frombytes(np.ascontiguousarray(pixels))
    message.data = payload
    return message


def to_legend(card: ModelCard, stamp_ns: int, frame_id: str) -> Legend:
    """
    Say what the class ids of a model mean.

    :param card: the model's facts.
    :param stamp_ns: when the model was loaded, node clock.
    :param frame_id: the camera's; empty before the first image.
    """
    has_void = card.task == 'segmentation'
    return Legend(header=_header(stamp_ns, frame_id), model=card.name,
                  ids=array.array('H', range(len(card.classes))), names=list(card.classes),
                  palette_rgb=array.array('B', [part for colour in card.palette
                                                for part in colour]),
                  void_id=card.void_id if has_void else NO_VOID_ID)


def to_label_info(card: ModelCard, stamp_ns: int, frame_id: str, threshold: float) -> Any:
    """
    Make the vision_msgs/LabelInfo of a model; only where vision_msgs is installed.

    :param card: the model's facts.
    :param stamp_ns: when the model was loaded, node clock.
    :param frame_id: the camera's; empty before the first image.
    :param threshold: softmax probability below which pixels are unlabelled.
    """
    return LabelInfo(header=_header(stamp_ns, frame_id), threshold=float(threshold),
                     class_map=[VisionClass(class_id=class_id, class_name=name)
                                for class_id, name in enumerate(card.classes)])


def to_class_scores(frame: Frame, model: str, result: Classification) -> ClassScores:
    """
    Say what a frame shows.

    :param frame: the camera frame; stamp and frame_id come from it.
    :param model: name of the model.
    :param result: what the pipeline says.
    """
    return ClassScores(header=_header(frame.stamp_ns, frame.frame_id), model=model,
                       multi_label=result.multi_label, ids=array.array('i', result.ids),
                       names=list(result.names), scores=array.array('f', result.scores))


def to_classification(frame: Frame, result: Classification) -> Any:
    """
    Say the same as vision_msgs/Classification; only where vision_msgs is installed.

    The ids are those of ``~/label_info``, written as text.

    :param frame: the camera frame; stamp and frame_id come from it.
    :param result: what the pipeline says.
    """
    return VisionClassification(
        header=_header(frame.stamp_ns, frame.frame_id),
        results=[ObjectHypothesis(class_id=str(class_id), score=float(score))
                 for class_id, score in zip(result.ids, result.scores)])


def from_class_scores(message: ClassScores) -> Tuple[int, np.ndarray, np.ndarray]:
    """
    Read what came back from a classification node.

    :param message: the classes of a frame.
    :return: its stamp in nanoseconds, class ids (k,) int32 and their scores (k,) float32.
    """
    return (stamp_ns(message), np.array(message.ids, np.int32),
            np.array(message.scores, np.float32))


def scale_camera_info(camera_info: CameraInfo, frame: Frame, size: Tuple[int, int]) -> CameraInfo:
    """
    Describe the camera of an image that was resized.

    Binning and region of interest are worked into K and P, and so are gone from the result.

    :param camera_info: of the camera's full image.
    :param frame: the frame that was resized; stamp and frame_id come from it.
    :param size: (height, width) of the resized image in pixels.
    :return: K and P scaled, D and R as they were.
    """
    roi = camera_info.roi
    bin_x, bin_y = max(1, camera_info.binning_x), max(1, camera_info.binning_y)
    height, width = frame.image_bgr.shape[:2]
    matrix = np.array([[size[1] / (width * bin_x), 0, 0], [0, size[0] / (height * bin_y), 0],
                       [0, 0, 1]]).dot([[1, 0, -roi.x_offset], [0, 1, -roi.y_offset], [0, 0, 1]])
    scaled = CameraInfo(header=_header(frame.stamp_ns, frame.frame_id),
                        height=size[0], width=size[1],
                        distortion_model=camera_info.distortion_model, d=camera_info.d,
                        r=camera_info.r)
    scaled.k = matrix.dot(np.reshape(camera_info.k, (3, 3))).ravel()
    scaled.p = matrix.dot(np.reshape(camera_info.p, (3, 4))).ravel()
    scaled.roi.do_rectify = roi.do_rectify
    return scaled


def to_diagnostics(stamp_ns: int, hardware: str, statuses: Iterable[Status]) -> DiagnosticArray:
    """
    Make one message of all statuses.

    :param stamp_ns: node clock.
    :param hardware: identifies the machine.
    :param statuses: one per task.
    """
    return DiagnosticArray(header=_header(stamp_ns, ''), status=[
        DiagnosticStatus(level=bytes([status.level]), name=status.name, message=status.message,
                         hardware_id=hardware, values=_key_values(status.values))
        for status in statuses])


def to_labels(message: Image) -> Tuple[int, np.ndarray]:
    """
    Read a mask or a confidence image that came back from a node.

    :param message: a mono8 image.
    :return: its stamp in nanoseconds, and (H, W) uint8 class ids or confidences.
    :raises ImageError: not mono8, or fewer bytes than its size needs.
    """
    height, width, step = message.height, message.width, message.step
    if message.encoding != 'mono8' or step < width or len(message.data) < height * step:
        raise ImageError('the mask is {} of {} x {} pixels with {} bytes, expected mono8'.format(
            message.encoding, width, height, len(message.data)))
    rows = np.frombuffer(message.data, np.uint8, height * step).reshape(height, step)
    return stamp_ns(message), rows[:, :width]


def from_legend(message: Legend) -> Tuple[str, List[str], List[Tuple[int, ...]], int]:
    """
    Read what the class ids of a mask mean.

    :param message: the legend.
    :return: name of the model, class names and (red, green, blue) colours by id, void id.
    """
    colours = np.frombuffer(message.palette_rgb, np.uint8).reshape(-1, 3).tolist()
    return (message.model, list(message.names), [tuple(colour) for colour in colours],
            message.void_id)


def from_diagnostics(message: DiagnosticArray) -> Dict[str, Tuple[int, str, Dict[str, str]]]:
    """
    Read diagnostics.

    :param message: the statuses of one node.
    :return: status name to (level, sentence, values by key).
    """
    return {status.name: (ord(status.level), status.message,
                          {entry.key: entry.value for entry in status.values})
            for status in message.status}


def published_frames(message: DiagnosticArray, hardware: str) -> Dict[str, int]:
    """
    Read how many frames the perception nodes of a machine have published.

    :param message: diagnostics of any node.
    :param hardware: identifies the machine; nodes of others are left out.
    :return: name of the node to number of frames since its startup.
    """
    counts = {}
    for status in message.status:
        node, _colon, task = status.name.rpartition(': ')
        if task == FRAMES and status.hardware_id == hardware:
            for entry in status.values:
                if entry.key == PUBLISHED_SINCE_STARTUP and entry.value.isdigit():
                    counts[node] = int(entry.value)
    return counts


def to_power_reading(stamp_ns: int, hardware: str, health: MachineHealth) -> PowerReading:
    """
    Say what the machine draws and how it is.

    :param stamp_ns: node clock at the end of the period.
    :param hardware: identifies the machine.
    :param health: what is known of it.
    """
    power = health.power
    batteries, gpus = list(health.batteries.values()), list(health.gpus.values())
    return PowerReading(
        header=_header(stamp_ns, ''), hardware_id=hardware, period_s=power.window_ns / NANOSECONDS,
        rails=[PowerRail(name=rail.name, source=rail.source, power_mw=_known(rail.power_mw),
                         energy_mj=_known(rail.energy_mj), measured_s=rail.measured_s,
                         problem=rail.problem) for rail in power.rails],
        total_mw=_known(power.total.power_mw), total_energy_mj=_known(power.total.energy_mj),
        total_rails=list(power.total_rails), idle_mw=_known(power.idle_mw),
        frame_energies=[FrameEnergy(
            node=cost.node, frames=cost.frames, window_s=cost.window_s,
            energy_per_frame_mj=_known(cost.energy_per_frame_mj), idle_mw=_known(cost.idle_mw))
            for cost in health.frame_energies],
        temperature_names=list(health.temperatures),
        temperatures_c=[_known(celsius) for celsius in health.temperatures.values()],
        battery_names=list(health.batteries), battery_states=[state.status for state in batteries],
        battery_percents=[_known(state.percent) for state in batteries],
        battery_powers_mw=[_known(state.power_mw) for state in batteries],
        battery_remaining_s=[_known(state.remaining_s) for state in batteries],
        gpu_names=list(health.gpus),
        gpu_loads_percent=[_known(state.load_percent) for state in gpus],
        gpu_clocks_mhz=[_known(state.clock_mhz) for state in gpus], power_mode=health.mode)


def from_power_reading(message: PowerReading) -> Tuple[float, Optional[float], Tuple[str, ...]]:
    """
    Read what a power node tells of the whole machine.

    :param message: the message.
    :return: period in seconds, mean power over it in milliwatts or None, names of the rails.
    """
    total_mw = None if math.isnan(message.total_mw) else message.total_mw
    return message.period_s, total_mw, tuple(message.total_rails)


def answer(response: Any, success: bool, sentence: str) -> Any:
    """
    Fill the response of a SetBool or Trigger service.

    :param response: the response to fill.
    :param success: whether it was done.
    :param sentence: what was done, or why not.
    """
    response.success, response.message = success, sentence
    return response


def asked(request: Any) -> bool:
    """
    Return what a SetBool request asks for.

    :param request: the request.
    """
    return bool(request.data)


def refuse_transition(response: Any) -> Any:
    """
    Fill the response of a ChangeState service that cannot be done.

    :param response: the response to fill.
    """
    response.success = False
    return response


def _key_values(values: List[Tuple[str, str]]) -> List[KeyValue]:
    return [KeyValue(key=key, value=value) for key, value in values]


def _known(value: Optional[float]) -> float:
    """Return NaN for what is not known."""
    return float('nan') if value is None else value


def _header(stamp_ns: int, frame_id: str) -> Header:
    seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS)
    return Header(stamp=Time(sec=seconds, nanosec=nanoseconds), frame_id=frame_id)


def _nanoseconds(stamp: Time) -> int:
    return stamp.sec * NANOSECONDS + stamp.nanosec


def _decode_foreign(message: Image) -> np.ndarray:
    """Let cv_bridge decode what our own list lacks, where it is installed."""
    bridge = _cv_bridge()
    if bridge is None:
        return decode_image(message.encoding, message.height, message.width, message.step,
                            bool(message.is_bigendian), message.data)  # raises, with the list
    try:
        return bridge.imgmsg_to_cv2(message, 'bgr8')
    except Exception as error:  # cv_bridge raises many kinds
        raise ImageError('{}; nor can cv_bridge decode it: {}'.format(
            unknown_key_sentence('image encoding', message.encoding, sorted(ENCODINGS)),
            ' '.join(str(error).split())))


def _cv_bridge() -> Optional[Any]:
    try:
        from cv_bridge import CvBridge
    except Exception:  # absent, or built against another NumPy
        return None
    return CvBridge()
