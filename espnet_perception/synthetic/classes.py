# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The 19 Cityscapes train ids of synthetic label images; label_sets.CITYSCAPES names them."""

ROAD = 0
SIDEWALK = 1
BUILDING = 2
WALL = 3
FENCE = 4
POLE = 5
TRAFFIC_LIGHT = 6
TRAFFIC_SIGN = 7
VEGETATION = 8
TERRAIN = 9
SKY = 10
PERSON = 11
RIDER = 12
CAR = 13
TRUCK = 14
BUS = 15
TRAIN = 16
MOTORCYCLE = 17
BICYCLE = 18
