# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""ESPNet and ESPNetv2 perception for ROS 2."""

__version__ = '0.1.0'
