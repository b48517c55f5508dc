# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Training scripts, one per task; tools for a workstation, not for the robot."""
