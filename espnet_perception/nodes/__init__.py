# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Managed ROS 2 nodes: the only part of the package that knows ROS."""
