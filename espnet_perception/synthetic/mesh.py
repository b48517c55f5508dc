# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Bags of coloured, labelled polygons, the only shape the painter knows.

Street coordinates are (lateral, height, along) in metres: lateral grows to the right of the road's
centre line, height upwards from the road, along forwards. They are bent along the road later.
"""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

FACE = 0  # one-sided and shaded by its direction to the light
FLAT = 1  # two-sided, shaded evenly (foliage, people, thin things)
GLOW = 2  # two-sided, unshaded: it shines by itself

GROUND_ORDER = -1e7
SLAB_M = 6.0

Color = Tuple[float, float, float]


class Mesh(NamedTuple):
    """
    Polygons with everything that painting them takes.

    :param vertices: (M, 3) float32, street coordinates of all polygons one after the other
    :param counts: (P,) int32, number of vertices of each polygon
    :param colors: (P, 3) float32, blue-green-red from 0 to 1, before light
    :param labels: (P,) uint8, train id
    :param layers: (P,) uint8, painting order within one object
    :param finish: (P,) uint8, FACE, FLAT or GLOW
    :param reach: (P,) float32, metres beyond which the polygon is left out
    :param orders: (P,) float64, painting order between objects, far ones first; before the mesh
        is placed, metres along the street from its origin to the piece that a polygon belongs to
    :param footprints: (F, 5) float32, ground rectangles that cast a shadow: lateral from and to,
        along from and to, height
    """

    vertices: np.ndarray
    counts: np.ndarray
    colors: np.ndarray
    labels: np.ndarray
    layers: np.ndarray
    finish: np.ndarray
    reach: np.ndarray
    orders: np.ndarray
    footprints: np.ndarray


class MeshBuilder:
    """Collects polygons; build() packs them into a Mesh."""

    def __init__(self, reach_m: float = 1e6):
        """
        Start empty.

        :param reach_m: metres beyond which the polygons added are left out; may be changed between
            two calls of add
        """
        self.reach_m = reach_m
        self._parts: List[tuple] = []
        self._footprints: List[Sequence[float]] = []

    def add(self, points: np.ndarray, color: Sequence[float], label: int, layer: int = 0,
            finish: int = FACE) -> None:
        """
        Add one polygon or several of equal vertex count.

        :param points: (K, 3) or (N, K, 3), convex, corners in the order right then up as seen
            from the visible side
        :param color: (3,) or (N, 3), blue-green-red from 0 to 1
        :param label: train id
        :param layer: higher layers of one object are painted over lower ones
        :param finish: FACE, FLAT or GLOW
        """
        points = np.asarray(points, np.float32)
        if points.ndim == 2:
            points = points[None]
        number, corners = points.shape[:2]
        if number:
            colors = np.broadcast_to(np.asarray(color, np.float32), (number, 3))
            self._parts.append((points.reshape(-1, 3), np.full(number, corners, np.int32), colors,
                                (label, layer, finish, self.reach_m)))

    def footprint(self, left: float, right: float, near: float, far: float,
                  height: float) -> None:
        """Add a ground rectangle that casts a shadow; all in metres."""
        self._footprints.append((left, right, near, far, height))

    def build(self) -> Mesh:
        """Pack everything added so far; all orders are zero."""
        if not self._parts:
            return join([])
        counts = np.concatenate([part[1] for part in self._parts])
        sizes = [len(part[1]) for part in self._parts]
        facts = np.repeat(np.array([part[3] for part in self._parts], np.float32), sizes, axis=0)
        return Mesh(
            np.concatenate([part[0] for part in self._parts]), counts,
            np.concatenate([part[2] for part in self._parts]).astype(np.float32),
            facts[:, 0].astype(np.uint8), facts[:, 1].astype(np.uint8),
            facts[:, 2].astype(np.uint8), facts[:, 3], np.zeros(len(counts)),
            np.array(self._footprints, np.float32).reshape(-1, 5))


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Put several meshes into one."""
    if not meshes:
        shapes = ((0, 3), (0,), (0, 3), (0,), (0,), (0,), (0,), (0,), (0, 5))
        kinds = ('f4', 'i4', 'f4', 'u1', 'u1', 'u1', 'f4', 'f8', 'f4')
        return Mesh(*(np.zeros(shape, kind) for shape, kind in zip(shapes, kinds)))
    return Mesh(*(np.concatenate(columns) for columns in zip(*meshes)))


def place(mesh: Mesh, lateral: float, along: float, backwards: bool = False) -> Mesh:
    """
    Move a mesh from its own origin to a place in the street.

    :param mesh: built around the origin, its front towards +along
    :param lateral: metres
    :param along: metres
    :param backwards: turn it round so that its front looks towards -along
    :returns: the mesh with its painting orders set
    """
    turn = -1.0 if backwards else 1.0
    vertices = mesh.vertices * np.array((turn, 1, turn), np.float32)
    vertices += np.array((lateral, 0, along), np.float32)
    feet = mesh.footprints.copy()
    if backwards and len(feet):
        feet[:, :4] = -feet[:, (1, 0, 3, 2)]
    if len(feet):
        feet[:, :2] += lateral
        feet[:, 2:4] += along
    orders = order_at(lateral, along + turn * mesh.orders)
    return mesh._replace(vertices=vertices, orders=orders, footprints=feet)


def turned(mesh: Mesh, yaw_rad: float) -> Mesh:
    """Turn a mesh around its vertical axis; positive turns its front to the right."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    rotation = np.array(((cos, 0, -sin), (0, 1, 0), (sin, 0, cos)), np.float32)
    return mesh._replace(vertices=mesh.vertices @ rotation)


def order_at(lateral: float, along: np.ndarray) -> np.ndarray:
    """
    Painting order of objects: far slabs first, within a slab the outer ones first.

    :param lateral: metres from the centre line
    :param along: (P,) metres along the street of the middle of what stands on the road, of the
        far end of what stands beside it
    """
    return (-np.floor(along / SLAB_M) * 100 - min(abs(lateral), 45.0)
            - 0.1 * (along % SLAB_M) / SLAB_M)
