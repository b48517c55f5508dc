# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Semantic segmentation of camera images with ESPNetv2 for ROS 2."""

__version__ = '0.1.0'
