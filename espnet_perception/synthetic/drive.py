# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A drive through a synthetic street: frames by index, deterministic by seed."""

from collections import OrderedDict
from typing import Iterator, List, NamedTuple, Tuple

import cv2
from espnet_perception.synthetic import (
    atmosphere,
    blocks,
    camera,
    classes,
    ground,
    layout,
    painter,
    sensor,
    weather,
)
from espnet_perception.synthetic.mesh import join, Mesh
from espnet_perception.synthetic.traffic import Traffic
import numpy as np

SUPERSAMPLE = 2
BLOCKS_AHEAD = 9
START_NS = 1_700_000_000_000_000_000


class SyntheticFrame(NamedTuple):
    """
    One frame of a drive.

    :param image_bgr: (H, W, 3) uint8
    :param labels: (H, W) uint8, the 19 Cityscapes train ids, every pixel labelled
    :param camera_matrix: (3, 3) float64 intrinsic matrix K, pixels, no distortion
    :param stamp_ns: integer nanoseconds
    :param index: number of the frame in its drive
    """

    image_bgr: np.ndarray
    labels: np.ndarray
    camera_matrix: np.ndarray
    stamp_ns: int
    index: int


class SyntheticDrive:
    """A sequence of frames: drive[i], len(drive) and iteration; the same seed, the same pixels."""

    def __init__(self, seed: int, width: int = 512, height: int = 256, frames: int = 100,
                 rate_hz: float = 10.0):
        """
        Draw street, weather and traffic.

        :param seed: not negative; decides everything
        :param width: pixels
        :param height: pixels
        :param frames: length of the drive
        :param rate_hz: frames per second; the car drives about 10 m/s
        """
        if seed < 0 or min(width, height) < 16 or frames < 0 or rate_hz <= 0:
            raise ValueError('a drive needs seed >= 0, width and height >= 16, frames >= 0 and '
                             'rate_hz > 0, got {}, {}x{}, {}, {}'.format(
                                 seed, width, height, frames, rate_hz))
        self.seed, self.width, self.height = seed, width, height
        self.frames, self.rate_hz = frames, rate_hz
        rng = np.random.default_rng((seed, 1))
        self._road = camera.Road(rng.uniform((1, 2), (6, 12)), rng.uniform((28, 55), (40, 90)),
                                 rng.uniform(0, 2 * np.pi, 2))
        self.weather = weather.draw(rng)
        self._plan = layout.draw_plan(rng)
        self._palette = ground.Palette(rng)
        self._speed, self._start = rng.uniform(8.5, 11.5), rng.uniform(0, 96)
        self._mount, self._sway = rng.uniform((1.7, -0.05), (2.2, -0.01)), rng.uniform(0, 6, 4)
        self._cloud_tile = atmosphere.noise_tile(rng, (4, 8, 16, 32, 64, 128))
        self._grain_tile = atmosphere.noise_tile(rng, (16, 64, 128, 256, 512))
        self._traffic = Traffic(seed, self._plan, self._speed)
        self._blocks: 'OrderedDict[int, Tuple[Mesh, Mesh]]' = OrderedDict()

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.frames

    def __iter__(self) -> Iterator[SyntheticFrame]:
        """Render one frame after the other."""
        return (self[index] for index in range(self.frames))

    def __getitem__(self, index: int) -> SyntheticFrame:
        """
        Render one frame.

        :param index: from 0 to len - 1
        """
        if not 0 <= index < self.frames:
            raise IndexError('frame {} of a drive of {}'.format(index, self.frames))
        time_s = index / self.rate_hz
        along = self._start + self._speed * time_s
        view = self._view(time_s, along)
        mesh = self._scene(time_s, along)
        canvas = self._paint(mesh, view, along, time_s)
        image_bgr, labels = self._develop(canvas, mesh, view, index)
        stamp_ns = START_NS + int(round(index * 1e9 / self.rate_hz))
        return SyntheticFrame(image_bgr, labels, view.matrix.copy(), stamp_ns, index)

    def _view(self, time_s: float, along: float) -> camera.Camera:
        sway = np.sin(self._sway + time_s * np.array((0.5, 2.3, 1.1, 0.7)))
        lateral = layout.EGO_LANE + 0.2 * sway[0]
        street = np.array([(lateral, self._mount[0] + 0.012 * sway[1], along)])
        position = self._road.bend(street)[0]
        yaw = np.arctan(self._road.slope(along + 4.0)) + 0.01 * sway[3]
        angles = (float(yaw), self._mount[1] + 0.004 * sway[1], 0.004 * sway[2])
        return camera.aim(camera.intrinsics(self.width, self.height), position, angles)

    def _block(self, index: int) -> Tuple[Mesh, Mesh]:
        if index not in self._blocks:
            self._blocks[index] = blocks.build_block(self.seed, index, self._plan, self._palette,
                                                     self.weather.lit)
            if len(self._blocks) > 4 * BLOCKS_AHEAD:
                self._blocks.popitem(last=False)
        return self._blocks[index]

    def _scene(self, time_s: float, along: float) -> Mesh:
        first = int(np.floor((along - 4) / layout.BLOCK_M))
        parts: List[Mesh] = []
        for index in range(first, first + BLOCKS_AHEAD):
            parts.extend(self._block(index))
        parts.append(atmosphere.skyline(np.random.default_rng((self.seed, 3)), along))
        return join(parts + self._traffic.at(time_s, along))

    def _paint(self, mesh: Mesh, view: camera.Camera, along: float, time_s: float) -> np.ndarray:
        """Return the (2H, 2W, 4) canvas of colours and labels."""
        size = (self.height, self.width)
        above = atmosphere.sky(view, size, self._cloud_tile, self.weather, 3 * time_s)
        canvas = np.empty((size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE, 4), np.uint8)
        rows = len(above) * SUPERSAMPLE
        canvas[:rows, :, :3] = cv2.resize(above, (canvas.shape[1], rows))
        canvas[:, :, 3] = classes.SKY
        haze = 0.7 * self.weather.horizon + 0.3 * self._palette.grass * self.weather.ambient
        canvas[rows - 2 * SUPERSAMPLE:] = (*np.clip(haze * 255, 0, 255), classes.TERRAIN)
        fine = view.matrix.copy()
        fine[:2] *= SUPERSAMPLE
        fine[:2, 2] += (SUPERSAMPLE - 1) / 2
        painter.paint(canvas, mesh, view._replace(matrix=fine), self._road, self.weather)
        return canvas

    def _develop(self, canvas: np.ndarray, mesh: Mesh, view: camera.Camera, index: int
                 ) -> Tuple[np.ndarray, np.ndarray]:
        size = (self.height, self.width)
        labels = np.ascontiguousarray(canvas[::SUPERSAMPLE, ::SUPERSAMPLE, 3])
        small = cv2.resize(canvas, (self.width, self.height), interpolation=cv2.INTER_AREA)
        image_bgr = cv2.cvtColor(small, cv2.COLOR_BGRA2BGR)
        shadow = painter.shadow_mask(size, mesh.footprints, view, self._road, self.weather)
        texture = atmosphere.ground_texture(view, size, self._grain_tile)
        sensor.light_ground(image_bgr, labels, texture, shadow, self.weather.shadow)
        sensor.rustle(image_bgr, labels, self._grain_tile, index * 7 % 256)
        rng = np.random.default_rng((self.seed, 5, index))
        speed = abs(rng.normal(0, 0.7)) * self.width / 512
        return sensor.expose(image_bgr, self.weather, rng, speed), labels
