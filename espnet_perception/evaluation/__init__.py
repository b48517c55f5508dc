# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Replay of bags, ground truth, metrics and reports; for a workstation, Python 3.10 or later."""
