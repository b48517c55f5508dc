# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""From trained networks to the files that engines read."""
