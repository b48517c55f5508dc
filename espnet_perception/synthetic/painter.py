# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Paints meshes back to front into one buffer of colour and label, so that both agree exactly."""

from typing import Tuple

import cv2
from espnet_perception.synthetic.camera import Camera, clip_near, NEAR_M, Road
from espnet_perception.synthetic.mesh import FACE, GLOW, Mesh
from espnet_perception.synthetic.weather import Weather
import numpy as np

SHIFT = 3
SHADOW_REACH_M = 70.0


def _polygon_ends(counts: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    ends = np.cumsum(counts)
    return ends - counts, ends


def shade(mesh: Mesh, normals: np.ndarray, depth: np.ndarray, weather: Weather) -> np.ndarray:
    """
    Light polygons and veil them in haze.

    :param mesh: P polygons
    :param normals: (P, 3) outward unit normals in the world
    :param depth: (P,) metres from the camera
    :param weather: light and haze
    :returns: (P, 3) float64 blue-green-red from 0 to 255
    """
    direct = np.clip(normals @ weather.sun_direction, 0, 1)
    direct = np.where(mesh.finish == FACE, direct, 0.62)[:, None]
    sky = np.where(mesh.finish == FACE, 0.86 + 0.14 * normals[:, 1], 0.95)[:, None]
    light = weather.ambient * sky + weather.sun * direct
    color = np.where((mesh.finish == GLOW)[:, None], mesh.colors, mesh.colors * light * 1.25)
    clear = np.exp(-depth / weather.visibility_m)[:, None]
    return np.clip((color * clear + weather.horizon * (1 - clear)) * 255, 0, 255)


def _select(mesh: Mesh, points: np.ndarray, world: np.ndarray, camera: Camera
            ) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which polygons can be seen, their normals and their depths."""
    starts, ends = _polygon_ends(mesh.counts)
    origin = world[starts]
    normals = np.cross(world[ends - 1] - origin, world[starts + 1] - origin)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    depth = np.add.reduceat(points[:, 2], starts) / mesh.counts
    front = np.maximum.reduceat(points[:, 2], starts) > NEAR_M
    facing = (normals * (camera.position - origin)).sum(1) > 0
    seen = front & (depth < mesh.reach) & (facing | (mesh.finish != FACE))
    return seen, normals, np.maximum(depth, 0)


def paint(canvas: np.ndarray, mesh: Mesh, camera: Camera, road: Road,
          weather: Weather) -> None:
    """
    Paint a mesh over a canvas.

    :param canvas: (H, W, 4) uint8 blue, green, red, label; changed in place
    :param mesh: in street coordinates
    :param camera: for a picture of the canvas' size
    :param road: bends the street
    :param weather: light and haze
    """
    world = road.bend(mesh.vertices)
    points = camera.to_camera(world)
    seen, normals, depth = _select(mesh, points, world, camera)
    colors = np.column_stack((shade(mesh, normals, depth, weather), mesh.labels))
    starts, ends = _polygon_ends(mesh.counts)
    nearest = np.minimum.reduceat(points[:, 2], starts)
    pixels = camera.project(np.maximum(points, (-1e9, -1e9, NEAR_M)))
    low = np.minimum.reduceat(pixels, starts)
    high = np.maximum.reduceat(pixels, starts)
    height, width = canvas.shape[:2]
    inside = ((high > 0).all(1) & (low[:, 0] < width) & (low[:, 1] < height))
    chosen = np.flatnonzero(seen & (inside | (nearest < NEAR_M)))
    chosen = chosen[np.lexsort((mesh.layers[chosen], mesh.orders[chosen]))]
    fixed = np.rint(np.clip(pixels, -1e6, 1e6) * (1 << SHIFT)).astype(np.int32)
    crossing = nearest < NEAR_M
    for color, start, end, cut in zip(colors[chosen].tolist(), starts[chosen].tolist(),
                                      ends[chosen].tolist(), crossing[chosen].tolist()):
        if cut:
            rest = clip_near(points[start:end])
            if len(rest) >= 3:
                shape = np.rint(camera.project(rest) * (1 << SHIFT)).astype(np.int32)
                cv2.fillConvexPoly(canvas, shape, color, cv2.LINE_8, SHIFT)
        else:
            cv2.fillConvexPoly(canvas, fixed[start:end], color, cv2.LINE_8, SHIFT)


def shadow_mask(size: Tuple[int, int], footprints: np.ndarray, camera: Camera, road: Road,
                weather: Weather) -> np.ndarray:
    """
    Paint where the ground lies in shadow.

    :param size: height and width of the mask
    :param footprints: (F, 5), see mesh.Mesh
    :param camera: for a picture of that size
    :param road: bends the street
    :param weather: has the sun
    :returns: (H, W) uint8, 255 in full shadow, soft at the rim
    """
    mask = np.zeros(size, np.uint8)
    if not len(footprints):
        return mask
    left, right, near, far, height = footprints.T
    length = np.minimum(height / max(weather.sun_direction[1], 0.2), 18)
    if weather.shadow < 0.15:
        length = np.minimum(length, 0.15)
    shift = -weather.sun_direction[[0, 2]] * length[:, None]
    corners = np.stack((np.stack((left, right, right, left), 1),
                        np.zeros((len(left), 4)), np.stack((near, near, far, far), 1)), 2)
    moved = corners + np.stack((shift[:, 0], 0 * length, shift[:, 1]), 1)[:, None]
    both = np.concatenate((corners, moved), 1).reshape(-1, 3)
    points = camera.to_camera(road.bend(both)).reshape(-1, 8, 3)
    depth = points[..., 2]
    chosen = (depth.min(1) < SHADOW_REACH_M) & (depth.max(1) > NEAR_M)
    for shape in points[chosen]:
        if shape[:, 2].min() < NEAR_M:
            shape = shape[shape[:, 2] > NEAR_M]
        pixels = np.clip(camera.project(shape), -30000, 30000).astype(np.int32)
        cv2.fillConvexPoly(mask, cv2.convexHull(pixels), 255)
    return cv2.blur(mask, (3, 3))
