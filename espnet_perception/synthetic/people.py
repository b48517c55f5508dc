# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""People on foot, seen from the front or the back."""

from espnet_perception.synthetic import classes, shapes
from espnet_perception.synthetic.colors import bgr, CLOTHES, pick, SKIN, TROUSERS
from espnet_perception.synthetic.mesh import FLAT, Mesh, MeshBuilder
import numpy as np

PERSON_REACH_M = 30.0
SHOE = bgr('241f1c')
HAIR = ('2a1f16', '15120f', '6b4a28', '8c8a86', 'b08a50', '4a3020')


def _legs(builder: MeshBuilder, hip: float, stride: float, trousers: np.ndarray):
    for side, shade in ((-1, 0.85), (1, 1.0)):
        foot = (side * (0.11 + 0.06 * abs(stride)), 0.06 + max(0.0, side * stride) * 0.12,
                side * stride * 0.22)
        builder.add(shapes.limb((side * 0.09, hip, 0), foot, 0.19), trousers * shade,
                    classes.PERSON, 0, FLAT)
        builder.add(shapes.ellipse((foot[0], foot[1], foot[2]), 0.1, 0.07, 8), SHOE,
                    classes.PERSON, 1, FLAT)


def torso(builder: MeshBuilder, label: int, hip: float, shoulder: float,
          jacket: np.ndarray) -> None:
    """Add an upper body without arms, as a tapered hexagon."""
    middle = (hip + shoulder) / 2
    outline = [(-0.19, hip), (0.19, hip), (0.22, middle), (0.25, shoulder - 0.08),
               (0.14, shoulder), (-0.14, shoulder), (-0.25, shoulder - 0.08), (-0.22, middle)]
    points = np.array([(lateral, height, 0.0) for lateral, height in outline])
    builder.add(points, jacket, label, 2, FLAT)
    right = np.array([(0.02, hip, 0), (0.19, hip, 0), (0.22, middle, 0),
                      (0.25, shoulder - 0.08, 0), (0.1, shoulder, 0)])
    builder.add(right, jacket * 0.8, label, 3, FLAT)


def head(builder: MeshBuilder, label: int, height: float, skin: np.ndarray,
         hair: np.ndarray) -> None:
    """Add a neck, a face and hair (or a helmet) whose centre is at a height in metres."""
    builder.add(shapes.limb((0, height - 0.22, 0), (0, height, 0), 0.12), skin * 0.8, label, 2,
                FLAT)
    builder.add(shapes.ellipse((0, height, 0), 0.115, 0.15), skin, label, 4, FLAT)
    cap = shapes.ellipse((0, height + 0.03, 0), 0.125, 0.14, 12)
    builder.add(cap[:7], hair, label, 5, FLAT)


def person(rng: np.random.Generator, phase: float = 0.0) -> Mesh:
    """
    Build somebody standing or walking.

    :param rng: decides size, clothes and hair
    :param phase: radians of the stride; 0 stands still
    """
    builder = MeshBuilder(PERSON_REACH_M)
    scale = rng.uniform(0.88, 1.06) * (0.72 if rng.random() < 0.1 else 1.0)
    jacket, trousers = pick(rng, CLOTHES, 0.1), pick(rng, TROUSERS, 0.1)
    skin, hair = pick(rng, SKIN), pick(rng, HAIR)
    stride, label = np.sin(phase), classes.PERSON
    if rng.random() < 0.2:
        skirt = np.array([(-0.26, 0.5, 0), (0.26, 0.5, 0), (0.17, 0.98, 0), (-0.17, 0.98, 0)])
        builder.add(skirt, jacket * 0.9, label, 1, FLAT)
    _legs(builder, 0.92, stride, trousers)
    torso(builder, label, 0.86, 1.46, jacket)
    for side in (-1, 1):
        elbow = (side * 0.31, 1.14, side * stride * 0.1)
        hand = (side * (0.3 + 0.04 * stride), 0.86 + 0.05 * abs(stride), -side * stride * 0.25)
        builder.add(shapes.limb((side * 0.23, 1.4, 0), elbow, 0.13), jacket * 0.9, label, 3, FLAT)
        builder.add(shapes.limb(elbow, hand, 0.11), jacket * 0.85, label, 3, FLAT)
        builder.add(shapes.ellipse(hand, 0.06, 0.06, 6), skin, label, 4, FLAT)
    if rng.random() < 0.3:
        bag = shapes.upright(-0.17, 0.17, (0.95, 1.4), -0.02)
        builder.add(bag, pick(rng, CLOTHES, 0.1), label, 4, FLAT)
    head(builder, label, 1.62, skin, hair)
    builder.footprint(-0.2, 0.2, -0.15, 0.15, 1.7)
    mesh = builder.build()
    return mesh._replace(vertices=mesh.vertices * np.float32(scale))
