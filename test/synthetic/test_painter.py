# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests that labels are where the geometry says."""

from espnet_perception.synthetic import camera, classes, painter, shapes, weather
from espnet_perception.synthetic.mesh import FACE, FLAT, join, MeshBuilder, place, turned
import numpy as np
import pytest

WIDTH, HEIGHT = 160, 96
STRAIGHT = camera.Road(np.zeros(1), np.ones(1), np.zeros(1))


@pytest.fixture
def view():
    """Return a camera 1.5 m above the origin that looks along a straight street."""
    return camera.aim(camera.intrinsics(WIDTH, HEIGHT), np.array((0, 1.5, 0)), (0.0, 0.0, 0.0))


def painted(mesh, view):
    """Return the canvas with a mesh on a sky background."""
    canvas = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    canvas[..., 3] = classes.SKY
    painter.paint(canvas, mesh, view, STRAIGHT, weather.draw(np.random.default_rng(1)))
    return canvas


def card_at(lateral, along, label, half=1.0):
    """Return an upright square that looks at the camera."""
    builder = MeshBuilder()
    builder.add(shapes.upright(-half, half, (0.5, 2.5), 0), (0.5, 0.2, 0.9), label, 0, FLAT)
    return place(builder.build(), lateral, along)


def test_a_square_is_labelled_where_the_pinhole_sees_it(view):
    labels = painted(card_at(0.5, 8.0, classes.CAR), view)[..., 3]
    focal = 1.1 * WIDTH
    left, right = ((x * focal / 8 + (WIDTH - 1) / 2) for x in (-0.5, 1.5))
    top, bottom = (((1.5 - y) * focal / 8 + (HEIGHT - 1) / 2) for y in (2.5, 0.5))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    inside = (x > left + 1) & (x < right - 1) & (y > top + 1) & (y < bottom - 1)
    outside = (x < left - 1) | (x > right + 1) | (y < top - 1) | (y > bottom + 1)
    assert (labels[inside] == classes.CAR).all()
    assert (labels[outside] == classes.SKY).all()


def test_colour_and_label_change_at_the_same_pixels(view):
    canvas = painted(join([card_at(-1, 9.0, classes.BUS), card_at(1.5, 6.0, classes.CAR)]), view)
    touched = canvas[..., :3].any(axis=2)
    assert np.array_equal(touched, canvas[..., 3] != classes.SKY)


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_the_nearer_one_hides_the_farther_one(view, order):
    cards = [card_at(0, 8.0, classes.CAR), card_at(0, 30.0, classes.PERSON, 6.0)]
    labels = painted(join([cards[index] for index in order]), view)[..., 3]
    middle = labels[HEIGHT // 2, WIDTH // 2]
    assert middle == classes.CAR
    assert (labels == classes.PERSON).any()


def test_what_lies_behind_or_out_of_reach_is_not_painted(view):
    builder = MeshBuilder(reach_m=20)
    builder.add(shapes.upright(-2, 2, (0, 3), 0), (1, 1, 1), classes.CAR, 0, FLAT)
    for along in (-5.0, 30.0):
        assert (painted(place(builder.build(), 0, along), view)[..., 3] == classes.SKY).all()


def test_ground_that_passes_under_the_camera_is_clipped(view):
    builder = MeshBuilder()
    builder.add(shapes.level(-3, 3, -10, 40), (0.5, 0.5, 0.5), classes.ROAD, 0, FLAT)
    labels = painted(builder.build(), view)[..., 3]
    assert (labels[-1] == classes.ROAD).all()
    assert (labels[:HEIGHT // 2 - 1] == classes.SKY).all()


def test_only_faces_that_look_at_the_camera_are_painted(view):
    solid = shapes.box(-1, 1, 6, 8, (0, 3))
    for face, seen in ((0, True), (1, False), (2, False), (3, False)):
        builder = MeshBuilder()
        builder.add(solid[face], (1, 1, 1), classes.BUILDING, 0, FACE)
        labels = painted(builder.build(), view)[..., 3]
        assert (labels == classes.BUILDING).any() == seen


def test_a_mesh_turned_round_shows_its_other_side(view):
    solid = shapes.box(-1, 1, -1, 1, (0, 3))
    builder = MeshBuilder()
    builder.add(solid[2], (1, 1, 1), classes.BUS, 0, FACE)
    front = builder.build()
    assert not (painted(place(front, 0, 8), view)[..., 3] == classes.BUS).any()
    assert (painted(place(front, 0, 8, backwards=True), view)[..., 3] == classes.BUS).any()
    assert (painted(place(turned(front, np.pi), 0, 8), view)[..., 3] == classes.BUS).any()


def test_shadows_fall_away_from_the_sun(view):
    sunny = weather.draw(np.random.default_rng(1))._replace(
        sun_direction=np.array((-0.7, 0.714, 0.0)), shadow=0.5)
    feet = np.array([(-0.5, 0.5, 9.0, 10.0, 2.0)])
    mask = painter.shadow_mask((HEIGHT, WIDTH), feet, view, STRAIGHT, sunny)
    columns = np.flatnonzero((mask > 200).any(axis=0))
    assert columns.max() - WIDTH / 2 > 2 * (WIDTH / 2 - columns.min())


def test_clipping_cuts_at_the_near_plane():
    square = np.array(((0, 0, -1), (1, 0, -1), (1, 0, 3), (0, 0, 3)), float)
    rest = camera.clip_near(square)
    assert rest[:, 2].min() == pytest.approx(camera.NEAR_M)
    assert len(camera.clip_near(square - (0, 0, 9))) == 0


def test_yaw_and_pitch_move_the_picture_the_other_way():
    for angles, axis, sign in (((0.05, 0.0, 0.0), 1, -1), ((0.0, 0.05, 0.0), 0, 1)):
        turned_view = camera.aim(camera.intrinsics(WIDTH, HEIGHT), np.array((0, 1.5, 0)), angles)
        labels = painted(card_at(0.0, 12.0, classes.TRAFFIC_SIGN), turned_view)[..., 3]
        middle = np.argwhere(labels == classes.TRAFFIC_SIGN).mean(axis=0)[axis]
        center = ((HEIGHT - 1) / 2, (WIDTH - 1) / 2)[axis]
        assert middle - center == pytest.approx(sign * 0.05 * 1.1 * WIDTH, abs=1.0)
