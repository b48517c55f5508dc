# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Latency, energy and memory of models in engines, measured side by side on this machine."""
